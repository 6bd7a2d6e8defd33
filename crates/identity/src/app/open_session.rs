//! Opens the session of a person that proved everything it had to.

use rolecall_db::{Error, Tx};
use rolecall_kernel::entropy::OpaqueToken;
use rolecall_kernel::id::SessionId;
use rolecall_kernel::time::Timestamp;

use super::tokens::{self, Tokens};
use super::{Resources, revoke};
use crate::domain::device::{self, Carried};
use crate::domain::event::Event;
use crate::domain::refresh;
use crate::domain::session::{AuthMethods, EndReason, Session, SessionLimits};
use crate::domain::user::User;
use crate::events::publish::by_user;
use crate::store::sessions::Which;
use crate::store::{devices, login_failures, refresh_tokens, sessions, users};

/// A session that is stored, and what must be done once it is committed.
#[derive(Debug)]
pub(crate) struct Opened {
    session: Session,
    began: Timestamp,
    refresh_token: OpaqueToken,
    /// What the device shows the next time; none when it is known by another.
    device_token: Option<OpaqueToken>,
    ended: Vec<SessionId>,
}

impl Opened {
    /// Returns which session it is.
    pub(crate) const fn session_id(&self) -> SessionId {
        self.session.session_id
    }

    /// Makes this process obey what ended meanwhile, and issues the tokens; after the commit.
    pub(crate) fn finish(self, resources: &Resources) -> Tokens {
        let began = self.began;
        revoke::obey(resources, &self.ended, began);
        let tokens = tokens::of_session(resources, &self.session, self.refresh_token, began);
        Tokens { device_token: self.device_token, ..tokens }
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
    limits: SessionLimits,
    carried: &Carried,
    began: Timestamp,
) -> Result<Opened, Error> {
    open_at(resources, tx, user, methods, limits, carried, Times { began, authenticated: began }).await
}

/// When a session begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    /// When the call came, before the access of the person was asked for.
    pub(crate) began: Timestamp,
    /// When the person proved who it is, which its identity provider may have seen long ago.
    pub(crate) authenticated: Timestamp,
}

/// Opens a session of a person that may have proved earlier who it is.
pub(crate) async fn open_at(
    resources: &Resources,
    tx: &Tx,
    user: &User,
    methods: AuthMethods,
    limits: SessionLimits,
    carried: &Carried,
    Times { began, authenticated }: Times,
) -> Result<Opened, Error> {
    if !users::note_login(tx, user.user_id, began).await? {
        return Err(Error::Conflict);
    }
    let entropy = resources.entropy.as_ref();
    let session_id = SessionId::new(began, entropy);
    let lifetimes = resources.config.lifetimes(methods).within(limits);
    let session = Session::begin(session_id, user.user_id, methods, began, &lifetimes);
    let session = Session { audience: carried.audience.clone(), auth_time: authenticated, ..session };
    let refresh_token = OpaqueToken::new(refresh::PREFIX, entropy);
    sessions::insert(tx, &session).await?;
    refresh_tokens::insert(tx, &refresh_token.digest(), session_id, 0).await?;
    let event = Event::LoginSucceeded(session_id, methods);
    resources.publisher.append(tx, &by_user(user, began, event)).await?;
    login_failures::delete(tx, carried.counted.iter().copied()).await?;
    // Devices are known so that strangers who guess passwords do not hold them up; there are none to guess at a provider.
    let device_token = if methods.includes(AuthMethods::FEDERATED) {
        None
    } else {
        know_device(resources, tx, user, carried, session_id, began).await?
    };
    let beyond = Which::BeyondNewest(resources.config.max_sessions, session_id);
    let ended = sessions::end_of_user(tx, user.user_id, beyond, EndReason::Evicted, began).await?;
    revoke::publish(resources, tx, &ended, user, None, EndReason::Evicted, began).await?;
    Ok(Opened { session, began, refresh_token, device_token, ended })
}

/// Knows the device from now on, and tells its person of a new one, unless nobody logged in before.
async fn know_device(
    resources: &Resources,
    tx: &Tx,
    user: &User,
    carried: &Carried,
    session_id: SessionId,
    began: Timestamp,
) -> Result<Option<OpaqueToken>, Error> {
    if let Some(known) = &carried.device
        && devices::renew(tx, known, user.user_id, began).await?
    {
        return Ok(None);
    }
    let token = OpaqueToken::new(device::PREFIX, resources.entropy.as_ref());
    devices::insert(tx, &token.digest(), user.user_id, device::MOST, began).await?;
    if user.last_login.is_some() {
        let event = Event::NewDeviceUsed(session_id);
        resources.publisher.append(tx, &by_user(user, began, event)).await?;
    }
    Ok(Some(token))
}
