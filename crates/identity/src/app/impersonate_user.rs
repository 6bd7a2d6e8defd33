//! Lets somebody act as a person, or as a guest of an organization.
//!
//! Whether it may is asked here as of now, and again on each call with the token: both sides can change meanwhile.

use std::time::Duration;

use rolecall_authz::{Scope, SubjectKind};
use rolecall_db::{Error as StoreError, Tx};
use rolecall_kernel::id::{OrganizationId, SessionId, SubjectId, UserId};
use rolecall_kernel::text::Reason;
use rolecall_kernel::time::Timestamp;

use super::Resources;
use super::equals;
use super::fault::Fault;
use super::tokens::{self, ActedSession};
use crate::domain::event::{Event, Impersonated};
use crate::domain::guest::GuestSession;
use crate::domain::session::{Acting, Session};
use crate::domain::user::{User, UserState};
use crate::events::publish::about;
use crate::peers::{PeerError, Refusal};
use crate::store::{guests, sessions, users};

/// As whom to act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// A person.
    User(UserId),
    /// A guest, made for this, of the organization.
    GuestOf(OrganizationId),
}

/// Who acts as whom, why and how.
#[derive(Debug)]
pub(crate) struct Command {
    /// Who, and its own session.
    pub(crate) acting: Acting,
    /// Where it may.
    pub(crate) scope: Scope,
    /// As whom.
    pub(crate) target: Target,
    /// Why.
    pub(crate) reason: Reason,
    /// For how long.
    pub(crate) lifetime: Duration,
}

/// What somebody acts with.
pub(crate) struct Begun {
    /// The token.
    pub(crate) access_token: String,
    /// When it ends.
    pub(crate) expires: Timestamp,
    /// The session of the token.
    pub(crate) session_id: SessionId,
    /// As whom.
    pub(crate) subject: SubjectId,
}

/// Why nobody acts as anybody.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No such account within what the actor may see.
    #[error("no such account")]
    UserNotFound,
    /// No such organization within what the actor may see.
    #[error("no such organization")]
    OrganizationNotFound,
    /// The person has not accepted its invitation.
    #[error("the account is not active")]
    UserNotActive,
    /// The person is blocked, or its organization suspended.
    #[error("the person cannot act")]
    UserBlocked,
    /// Nobody acts as itself.
    #[error("nobody does this to itself")]
    SelfRefused,
    /// The person is an equal of the actor, or stands above it.
    #[error("equals cannot take each other over")]
    EqualProtected,
    /// The organization allows no guests.
    #[error("there are no guests there")]
    GuestsNotAllowed,
    /// The actor's own session has ended meanwhile.
    #[error("the session of the actor has ended")]
    SessionEnded,
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

equals::take_refusals_of_equals!(Error);

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Fault(error.into())
    }
}

impl From<PeerError> for Error {
    fn from(error: PeerError) -> Self {
        match error {
            PeerError::Refused(Refusal::GuestsNotAllowed) => Self::GuestsNotAllowed,
            error @ (PeerError::Unavailable(_) | PeerError::Refused(_) | PeerError::Broken(_)) => {
                Self::Fault(error.into())
            }
        }
    }
}

/// Lets somebody act as another.
pub(crate) async fn run(resources: &Resources, command: &Command) -> Result<Begun, Error> {
    match command.target {
        Target::User(user_id) => as_user(resources, command, user_id).await,
        Target::GuestOf(organization) => as_guest(resources, command, organization).await,
    }
}

async fn as_user(resources: &Resources, command: &Command, user_id: UserId) -> Result<Begun, Error> {
    let now = resources.now();
    let found = users::find_in_scope(&resources.db.reader(), user_id, &command.scope).await?;
    let user = found.ok_or(Error::UserNotFound)?;
    equals::check(resources, command.acting.actor.into(), user_id).await?;
    if user.state != UserState::Active {
        return Err(Error::UserNotActive);
    }
    if !resources.organization.access(user_id.into()).await?.active {
        return Err(Error::UserBlocked);
    }
    let session_id = SessionId::new(now, resources.entropy.as_ref());
    let (user, acting) = (&user, command.acting);
    let (own, expires) =
        resources.db.write(|tx| async move { begin(resources, &tx, command, user, session_id, now).await }).await?;
    let (subject, kind) = (user_id.into(), SubjectKind::User);
    let acted = ActedSession { session_id, subject, kind, acting, own: &own, expires };
    Ok(Begun { access_token: tokens::of_acted_session(resources, &acted, now), expires, session_id, subject })
}

/// Stores the session; returns the actor's own, and when this one ends.
async fn begin(
    resources: &Resources,
    tx: &Tx,
    command: &Command,
    user: &User,
    session_id: SessionId,
    now: Timestamp,
) -> Result<(Session, Timestamp), Error> {
    // The account first, as everybody does.
    let user = users::lock(tx, user.user_id).await?.filter(|user| user.state == UserState::Active);
    let user = user.ok_or(Error::UserNotFound)?;
    let own = own_session(tx, command, now).await?;
    let expires = now.plus(command.lifetime).min(own.absolute_expires);
    let session = Session {
        session_id,
        user_id: user.user_id,
        auth_time: now,
        last_used: now,
        idle_expires: expires,
        absolute_expires: expires,
        audience: None,
        acting: Some(command.acting),
        ..own.clone()
    };
    sessions::insert(tx, &session).await?;
    let event = Event::UserImpersonated(impersonated(command, session_id, expires));
    let actor = Some(command.acting.actor.into());
    let happened = about(actor, Some(user.organization_id), Some(user.user_id.into()), now, event);
    resources.publisher.append(tx, &happened).await?;
    Ok((own, expires))
}

/// The actor's own session, which goes on until the transaction ends: with it ends what begins here.
async fn own_session(tx: &Tx, command: &Command, now: Timestamp) -> Result<Session, Error> {
    let own = sessions::lock(tx, command.acting.session_id).await?;
    own.filter(|own| own.is_alive(now) && own.acting.is_none()).ok_or(Error::SessionEnded)
}

fn impersonated(command: &Command, session_id: SessionId, expires: Timestamp) -> Impersonated {
    let (reason, read_only) = (command.reason.clone(), command.acting.read_only);
    Impersonated { session_id, reason, read_only, expires }
}

async fn as_guest(resources: &Resources, command: &Command, organization: OrganizationId) -> Result<Begun, Error> {
    if !command.scope.includes_organization(organization) {
        return Err(Error::OrganizationNotFound);
    }
    let now = resources.now();
    let guest_id = SubjectId::new(now, resources.entropy.as_ref());
    let acting = command.acting;
    let ends = now.plus(command.lifetime);
    let peer = &resources.organization;
    let organization = peer.add_guest(guest_id, Some(organization), ends, Some(acting.actor)).await?;
    let begun = resources
        .db
        .write(|tx| async move { begin_guest(resources, &tx, command, (guest_id, organization), now).await })
        .await;
    let (own, guest) = match begun {
        Ok(begun) => begun,
        Err(error) => {
            // Nobody has a token of it, so it can do no harm until it ends by itself.
            if let Err(error) = peer.remove_guest(guest_id).await {
                tracing::warn!(%error, %guest_id, "a guest that nobody is ends later");
            }
            return Err(error);
        }
    };
    let (session_id, expires) = (guest.session_id(), guest.absolute_expires);
    let acted = ActedSession { session_id, subject: guest_id, kind: SubjectKind::Guest, acting, own: &own, expires };
    let access_token = tokens::of_acted_session(resources, &acted, now);
    Ok(Begun { access_token, expires, session_id, subject: guest_id })
}

async fn begin_guest(
    resources: &Resources,
    tx: &Tx,
    command: &Command,
    (guest_id, organization): (SubjectId, OrganizationId),
    now: Timestamp,
) -> Result<(Session, GuestSession), Error> {
    let own = own_session(tx, command, now).await?;
    let expires = now.plus(command.lifetime).min(own.absolute_expires);
    let guest = GuestSession::acted(guest_id, organization, command.acting, now, expires);
    guests::insert(tx, &guest).await?;
    let event = Event::GuestImpersonated(impersonated(command, guest.session_id(), expires));
    let actor = Some(command.acting.actor.into());
    resources.publisher.append(tx, &about(actor, Some(organization), Some(guest_id), now, event)).await?;
    Ok((own, guest))
}
