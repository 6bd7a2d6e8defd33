//! Codes of second factors: of one that exists, or the first of one that is being set up.

use rolecall_db::Tx;

use super::{Answered, Asked, Error, Held, Verdict, advance, hold, take};
use crate::app::enrollment::{Confirmed, Refused};
use crate::app::{Resources, challenge, enrollment, second_factor};
use crate::domain::challenge::Due;
use crate::domain::factor::FactorCode;
use crate::domain::session::AuthMethods;

/// Takes a code.
pub(super) async fn answer(resources: &Resources, asked: Asked<'_>, code: &FactorCode) -> Result<Answered, Error> {
    let write = resources.db.write(|tx| async move {
        let held = hold(resources, &tx, asked).await?;
        match held.due {
            Some(Due::Factor) => show(resources, &tx, asked, &held, code).await,
            Some(Due::EnrollFactor) => set_up(resources, &tx, asked, &held, code).await,
            Some(Due::ChangePassword) => Err(held.unexpected()),
            // The organization stopped asking for a factor meanwhile.
            None => accepted(advance(resources, &tx, asked, &held.proved(asked, None)).await?),
        }
    });
    write.await?.finish(resources, asked.began)
}

#[expect(clippy::unnecessary_wraps, reason = "every way to a verdict answers like this")]
fn accepted(step: challenge::Step) -> Result<Verdict, Error> {
    Ok(Verdict::Accepted { step, recovery_codes: Vec::new(), ended: Vec::new() })
}

async fn show(
    resources: &Resources,
    tx: &Tx,
    asked: Asked<'_>,
    held: &Held,
    code: &FactorCode,
) -> Result<Verdict, Error> {
    // Committed also when it is wrong: the failure counts, and the challenge stays.
    if !second_factor::check(resources, tx, &held.user, code).await? {
        return Ok(Verdict::Wrong);
    }
    let proved = held.proved(asked, Some(AuthMethods::ONE_TIME_CODE));
    accepted(advance(resources, tx, asked, &proved).await?)
}

async fn set_up(
    resources: &Resources,
    tx: &Tx,
    asked: Asked<'_>,
    held: &Held,
    code: &FactorCode,
) -> Result<Verdict, Error> {
    let confirmed = set_factor_up(resources, tx, asked, held, code).await?;
    let mut proved = held.proved(asked, Some(AuthMethods::ONE_TIME_CODE));
    proved.has_factor = true;
    let step = challenge::proceed(resources, tx, &proved).await?;
    Ok(Verdict::Accepted { step, recovery_codes: confirmed.recovery_codes, ended: confirmed.ended })
}

/// Makes the app count that the challenge is setting up, and uses the challenge up.
pub(super) async fn set_factor_up(
    resources: &Resources,
    tx: &Tx,
    asked: Asked<'_>,
    held: &Held,
    code: &FactorCode,
) -> Result<Confirmed, Error> {
    let (FactorCode::Totp(code), Some(id)) = (code, held.challenge.factor_id) else {
        return Err(held.unexpected());
    };
    // First, because all other logins of the person end with the confirmation; a refusal rolls it back.
    take(resources, tx, asked).await?;
    let confirmed = enrollment::confirm(resources, tx, &held.user, id, *code, None).await?;
    confirmed.map_err(|refused| match refused {
        Refused::WrongCode => Error::FactorCodeRefused,
        Refused::NotBegun | Refused::TooMany => held.unexpected(),
    })
}
