//! Takes the passwords and the sessions of an organization whose members log in at their identity provider from now on.
//!
//! Each step may be repeated: until when what is there ends is decided by the event, and by what the organization
//! wants now. While it has no passwords, a password that was set and a session that was opened with one on the last
//! way through are ended as well, however late the event is worked on.

use rolecall_db::{Tx, inbox};
use rolecall_kernel::id::{EventId, OrganizationId, SessionId, UserId};
use rolecall_kernel::time::Timestamp;

use super::fault::Fault;
use super::{Resources, access_tokens, device, revoke};
use crate::domain::event::Event;
use crate::domain::session::{AuthMethods, EndReason, Session};
use crate::domain::user::User;
use crate::events::publish::about;
use crate::peers::Passwords;
use crate::store::{awaited_passwords, challenges, codes, credentials, sessions, users};

/// How many people are looked for at once.
const BATCH: u64 = 100;

/// Whose passwords end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Command {
    /// The event that tells so.
    pub(crate) event_id: EventId,
    /// The organization.
    pub(crate) organization_id: OrganizationId,
    /// Who keeps its password.
    pub(crate) break_glass: UserId,
    /// Who alone had one until now and loses it; none where everybody had one.
    pub(crate) previous: Option<UserId>,
    /// Since when.
    pub(crate) required_at: Timestamp,
}

/// What ends.
#[derive(Debug, Clone, Copy)]
struct Ending {
    /// Whose password stays.
    spared: UserId,
    /// When the passwords were taken.
    required_at: Timestamp,
    /// Whether there are no passwords still.
    is_sso: bool,
}

impl Ending {
    /// Until when passwords and codes were made that end.
    fn latest(self, now: Timestamp) -> Timestamp {
        if self.is_sso { now } else { self.required_at }
    }

    /// Whether a session ends: all that were there, and those that a password opened meanwhile. Whose password stays
    /// loses those that were opened without a second factor here.
    fn takes(self, session: &Session) -> bool {
        let lacks = |methods| session.acting.is_none() && !session.methods.includes(methods);
        if session.user_id == self.spared {
            return self.is_sso && lacks(AuthMethods::ONE_TIME_CODE);
        }
        session.begun() <= self.required_at || (self.is_sso && lacks(AuthMethods::FEDERATED))
    }

    /// Until when personal tokens were made that end, by the sessions that end: whoever had one that a password opened
    /// made tokens with it as long as it was there.
    fn latest_token(self, ended: &[&Session], now: Timestamp) -> Timestamp {
        let mut own = ended.iter().filter(|session| session.acting.is_none());
        if own.any(|session| !session.methods.includes(AuthMethods::FEDERATED)) {
            self.latest(now)
        } else {
            self.required_at
        }
    }
}

/// Ends what was opened by passwords, and what would open by them. Whose password stays loses only sessions without a
/// second factor; where it was but somebody else's until now, nobody else loses anything.
pub(crate) async fn run(resources: &Resources, command: &Command) -> Result<(), Fault> {
    let settings = resources.organization.settings(command.organization_id).await?;
    let only = settings.and_then(|settings| match settings.passwords {
        Passwords::Only(only) => Some(only),
        Passwords::Everybody => None,
    });
    let spared = only.unwrap_or(command.break_glass);
    let ending = Ending { spared, required_at: command.required_at, is_sso: only.is_some() };
    match command.previous {
        Some(previous) => end_and_obey(resources, &[previous, spared], ending).await?,
        None => end_everybody(resources, command.organization_id, ending).await?,
    }
    let now = resources.now();
    resources.db.write(|tx| async move { inbox::accept(&tx, "organization", command.event_id, now).await }).await?;
    Ok(())
}

async fn end_everybody(resources: &Resources, organization: OrganizationId, ending: Ending) -> Result<(), Fault> {
    let reader = resources.db.reader();
    let mut last = None;
    loop {
        let found = users::list_of_organization(&reader, organization, last.as_ref(), BATCH).await?;
        let ids: Vec<UserId> = found.iter().map(|user| user.user_id).collect();
        end_and_obey(resources, &ids, ending).await?;
        match found.into_iter().next_back() {
            Some(user) => last = Some(user),
            None => return Ok(()),
        }
    }
}

async fn end_and_obey(resources: &Resources, people: &[UserId], ending: Ending) -> Result<(), Fault> {
    for &user_id in people {
        let ended = resources.db.write(|tx| async move { end(resources, &tx, user_id, ending).await }).await?;
        revoke::obey(resources, &ended, resources.now());
    }
    Ok(())
}

/// Ends what a person has, and returns the sessions.
async fn end(
    resources: &Resources,
    tx: &Tx,
    user_id: UserId,
    ending: Ending,
) -> Result<Vec<SessionId>, rolecall_db::Error> {
    let Some(user) = users::lock(tx, user_id).await? else { return Ok(Vec::new()) };
    let now = resources.now();
    if user_id == ending.spared {
        return end_sessions(resources, tx, &user, ending, now).await.map(|(ended, _)| ended);
    }
    if credentials::delete_set_by(tx, user_id, ending.latest(now)).await? {
        awaited_passwords::note(tx, user_id, now).await?;
        device::forget_all(resources, tx, &user).await?;
        let (organization, target) = (Some(user.organization_id), Some(user_id.into()));
        resources.publisher.append(tx, &about(None, organization, target, now, Event::PasswordRemoved)).await?;
    }
    codes::end_made_by(tx, user_id, ending.latest(now)).await?;
    challenges::end_all(tx, user_id).await?;
    let (mut ended, latest_token) = end_sessions(resources, tx, &user, ending, now).await?;
    ended.extend(access_tokens::end_made_by(resources, tx, &user, None, latest_token, now).await?);
    Ok(ended)
}

/// Ends the sessions, and tells until when personal tokens end.
async fn end_sessions(
    resources: &Resources,
    tx: &Tx,
    user: &User,
    ending: Ending,
    now: Timestamp,
) -> Result<(Vec<SessionId>, Timestamp), rolecall_db::Error> {
    let found = sessions::list_unended(tx, user.user_id).await?;
    let taken: Vec<&Session> = found.iter().filter(|session| ending.takes(session)).collect();
    let ended: Vec<SessionId> = taken.iter().map(|session| session.session_id).collect();
    let reason = EndReason::SsoRequired;
    sessions::end_these(tx, &ended, reason, now).await?;
    revoke::publish(resources, tx, &ended, user, None, reason, now).await?;
    Ok((ended, ending.latest_token(&taken, now)))
}
