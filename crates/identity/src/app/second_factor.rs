//! Judges the codes of second factors: each serves once, and failures slow the next ones down.

use rolecall_db::Tx;
use rolecall_kernel::time::Timestamp;

use super::Resources;
use super::fault::Fault;
use super::login_failure::Counter;
use crate::domain::event::{Event, LoginFailure};
use crate::domain::factor::{Factor, FactorCode};
use crate::domain::recovery_code::RecoveryCode;
use crate::domain::totp::{TotpCode, TotpSecret};
use crate::domain::user::User;
use crate::events::publish::by_user;
use crate::store::{factors, recovery_codes};

/// Judges a code and uses it up, in a transaction that is committed also when the code is wrong.
///
/// The row of the account is held, so that codes of one person are judged one after the other.
pub(crate) async fn check(resources: &Resources, tx: &Tx, user: &User, code: &FactorCode) -> Result<bool, Fault> {
    let counter = Counter::of_codes(resources, user, code.counter());
    if !counter.may_try(resources, tx).await? {
        return Ok(false);
    }
    let now = resources.now();
    let is_right = match code {
        FactorCode::Totp(code) => use_totp(resources, tx, user, *code, now).await?,
        FactorCode::Recovery(code) => use_recovery(resources, tx, user, code, now).await?,
    };
    if is_right {
        counter.forget(tx).await?;
        return Ok(true);
    }
    let failures = counter.fail(resources, tx, LoginFailure::WrongFactorCode).await?;
    if failures >= code.most_failures() {
        switch_off(tx, user, code, now).await?;
    }
    Ok(false)
}

async fn use_totp(resources: &Resources, tx: &Tx, user: &User, code: TotpCode, now: Timestamp) -> Result<bool, Fault> {
    for factor in factors::list_enabled(tx, user.user_id).await? {
        let step = open_secret(resources, &factor)?.step_of(code, now, factor.last_step);
        if let Some(step) = step
            && factors::use_step(tx, factor.factor_id, step, now).await?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn use_recovery(
    resources: &Resources,
    tx: &Tx,
    user: &User,
    code: &RecoveryCode,
    now: Timestamp,
) -> Result<bool, Fault> {
    if !recovery_codes::use_up(tx, user.user_id, &code.digest(), now).await? {
        return Ok(false);
    }
    let left = recovery_codes::count_left(tx, user.user_id).await?;
    resources.publisher.append(tx, &by_user(user, now, Event::RecoveryCodeUsed { left })).await?;
    Ok(true)
}

/// After so many guesses in a row nobody believes in a slip: only the other kind of code, or a reset, helps.
async fn switch_off(tx: &Tx, user: &User, code: &FactorCode, now: Timestamp) -> Result<(), Fault> {
    tracing::warn!(user_id = %user.user_id, ?code, "second factors were switched off after too many wrong codes");
    match code {
        FactorCode::Totp(_) => factors::disable_all(tx, user.user_id, now).await?,
        FactorCode::Recovery(_) => recovery_codes::disable_all(tx, user.user_id, now).await?,
    }
    Ok(())
}

/// Opens the secret of a factor, which was sealed for this factor alone.
pub(crate) fn open_secret(resources: &Resources, factor: &Factor) -> Result<TotpSecret, Fault> {
    let opened = resources.factor_secrets.open(factor.factor_id.as_uuid().as_bytes(), &factor.sealed_secret);
    let secret = opened.ok().and_then(|bytes| TotpSecret::from_bytes(&bytes));
    secret.ok_or(Fault::Defect("the secret of a factor cannot be opened: was the master key replaced?"))
}
