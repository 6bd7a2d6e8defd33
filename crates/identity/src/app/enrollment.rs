//! Sets an authenticator app up: in a login that demands it, and in an account.

use std::fmt;

use rolecall_db::{Error as StoreError, Tx};
use rolecall_kernel::id::{FactorId, SessionId};
use rolecall_kernel::text::PersonName;
use rolecall_kernel::time::Timestamp;
use zeroize::Zeroizing;

use super::fault::Fault;
use super::login_failure::Counter;
use super::{Resources, recovery_codes, revoke, second_factor};
use crate::domain::event::Event;
use crate::domain::factor::{Factor, MAX_FACTORS, TOTP_FAILURES};
use crate::domain::recovery_code::RecoveryCode;
use crate::domain::session::EndReason;
use crate::domain::totp::{TotpCode, TotpSecret};
use crate::domain::user::User;
use crate::events::publish::by_user;
use crate::store::sessions::{self, Which};
use crate::store::{challenges, factors};

/// What an authenticator app needs, shown once.
#[derive(Clone)]
pub(crate) struct Enrollment {
    /// The factor, not confirmed yet.
    pub(crate) factor_id: FactorId,
    /// The secret.
    pub(crate) secret: TotpSecret,
    /// The secret as apps read it.
    pub(crate) uri: Zeroizing<String>,
    /// Until when it can be confirmed.
    pub(crate) expires: Timestamp,
}

impl fmt::Debug for Enrollment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Enrollment({:?}, redacted)", self.factor_id)
    }
}

/// Why no app is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Nothing that could be confirmed was begun, or it took too long.
    NotBegun,
    /// The code is another.
    WrongCode,
    /// The person has as many as it can have.
    TooMany,
}

/// A factor that counts from now on.
#[derive(Debug)]
pub(crate) struct Confirmed {
    /// The factor.
    pub(crate) factor: Factor,
    /// The recovery codes, if it is the first factor.
    pub(crate) recovery_codes: Vec<RecoveryCode>,
    /// The sessions that ended.
    pub(crate) ended: Vec<SessionId>,
}

/// Draws a secret and stores it, not confirmed yet, in place of what was begun before; the account's row is held.
pub(crate) async fn begin(
    resources: &Resources,
    tx: &Tx,
    user: &User,
    name: Option<PersonName>,
    expires: Timestamp,
) -> Result<Result<Enrollment, Refused>, StoreError> {
    if factors::count(tx, user.user_id).await? >= MAX_FACTORS {
        return Ok(Err(Refused::TooMany));
    }
    let entropy = resources.entropy.as_ref();
    let (factor_id, secret) = (FactorId::new(resources.now(), entropy), TotpSecret::new(entropy));
    let factor = Factor {
        factor_id,
        user_id: user.user_id,
        name,
        sealed_secret: resources.factor_secrets.seal(factor_id.as_uuid().as_bytes(), secret.as_bytes(), entropy),
        confirmed: None,
        expires,
        last_step: 0,
        last_used: None,
    };
    factors::insert_unconfirmed(tx, &factor).await?;
    let uri = secret.to_uri(&resources.instance_name.get(), user.email.as_str());
    Ok(Ok(Enrollment { factor_id, secret, uri, expires }))
}

/// Makes a factor count whose app shows the right code; the account's row is held.
///
/// Sessions and logins that were begun without it end, but for the one that asks. Failures are not counted: whoever
/// may ask was shown the secret.
pub(crate) async fn confirm(
    resources: &Resources,
    tx: &Tx,
    user: &User,
    id: FactorId,
    code: TotpCode,
    asking: Option<SessionId>,
) -> Result<Result<Confirmed, Refused>, Fault> {
    let now = resources.now();
    let Some(factor) = factors::find_unconfirmed(tx, user.user_id, id, now).await? else {
        return Ok(Err(Refused::NotBegun));
    };
    let earlier = factors::count(tx, user.user_id).await?;
    if earlier >= MAX_FACTORS {
        return Ok(Err(Refused::TooMany));
    }
    let secret = second_factor::open_secret(resources, &factor)?;
    let Some(step) = secret.step_of(code, now, factor.last_step) else {
        return Ok(Err(Refused::WrongCode));
    };
    if !factors::confirm(tx, id, step, now).await? {
        return Ok(Err(Refused::NotBegun));
    }
    // What was guessed against other apps does not count against this one.
    Counter::of_codes(resources, user, TOTP_FAILURES).forget(tx).await?;
    let recovery_codes = if earlier == 0 { recovery_codes::issue(resources, tx, user, now).await? } else { Vec::new() };
    let ended = end_others(resources, tx, user, asking, now).await?;
    resources.publisher.append(tx, &by_user(user, now, Event::FactorAdded(id))).await?;
    let factor = Factor { confirmed: Some(now), last_step: step, ..factor };
    Ok(Ok(Confirmed { factor, recovery_codes, ended }))
}

/// Ends the sessions and the logins of a person whose factors changed, but for the session that asks.
pub(crate) async fn end_others(
    resources: &Resources,
    tx: &Tx,
    user: &User,
    asking: Option<SessionId>,
    now: Timestamp,
) -> Result<Vec<SessionId>, StoreError> {
    challenges::end_all(tx, user.user_id).await?;
    let which = asking.map_or(Which::All, Which::AllBut);
    let reason = EndReason::FactorsChanged;
    let ended = sessions::end_of_user(tx, user.user_id, which, reason, now).await?;
    revoke::publish(resources, tx, &ended, user, Some(user.user_id.into()), reason, now).await?;
    Ok(ended)
}
