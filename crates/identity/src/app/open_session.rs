//! Opens the session of a person that proved everything it had to.

use rolecall_db::{Error, Tx};
use rolecall_kernel::entropy::OpaqueToken;
use rolecall_kernel::id::SessionId;
use rolecall_kernel::time::Timestamp;

use super::login_failure::Counter;
use super::tokens::{self, Tokens};
use super::{Resources, revoke};
use crate::domain::event::Event;
use crate::domain::refresh;
use crate::domain::session::{AuthMethods, EndReason, Session};
use crate::domain::user::User;
use crate::events::publish::by_user;
use crate::store::sessions::Which;
use crate::store::{refresh_tokens, sessions, users};

/// A session that is stored, and what must be done once it is committed.
#[derive(Debug)]
pub(crate) struct Opened {
    session: Session,
    refresh_token: OpaqueToken,
    ended: Vec<SessionId>,
}

impl Opened {
    /// Makes this process obey what ended meanwhile, and issues the tokens; after the commit.
    pub(crate) fn finish(self, resources: &Resources) -> Tokens {
        let began = self.session.auth_time;
        revoke::obey(resources, &self.ended, began);
        tokens::of_session(resources, &self.session, self.refresh_token, began)
    }
}

/// Opens a session in the transaction that decided about it; the oldest of too many gives way.
///
/// `began` lies before the access of the person was asked for: a block that comes later ends a session that began
/// here. The row of the account is held by the caller.
pub(crate) async fn open(
    resources: &Resources,
    tx: &Tx,
    user: &User,
    methods: AuthMethods,
    began: Timestamp,
) -> Result<Opened, Error> {
    if !users::note_login(tx, user.user_id, began).await? {
        return Err(Error::Conflict);
    }
    Counter::of(resources, user).forget(tx).await?;
    let entropy = resources.entropy.as_ref();
    let session_id = SessionId::new(began, entropy);
    let session = Session::begin(session_id, user.user_id, methods, began, &resources.config.lifetimes(methods));
    let refresh_token = OpaqueToken::new(refresh::PREFIX, entropy);
    sessions::insert(tx, &session).await?;
    refresh_tokens::insert(tx, &refresh_token.digest(), session_id, 0).await?;
    let event = Event::LoginSucceeded(session_id, methods);
    resources.publisher.append(tx, &by_user(user, began, event)).await?;
    let beyond = Which::BeyondNewest(resources.config.max_sessions);
    let ended = sessions::end_of_user(tx, user.user_id, beyond, EndReason::Evicted, began).await?;
    revoke::publish(resources, tx, &ended, user, None, EndReason::Evicted, began).await?;
    Ok(Opened { session, refresh_token, ended })
}
