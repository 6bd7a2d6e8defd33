//! Sets a second factor up for whoever came for that alone: the login ends there, and opens no session.

use rolecall_kernel::entropy::OpaqueToken;

use super::code::set_factor_up;
use super::{Asked, Error, ask, begin_totp, hold};
use crate::app::challenge::Outcome;
use crate::app::enrollment::Enrollment;
use crate::app::{Resources, revoke};
use crate::domain::challenge::Due;
use crate::domain::factor::{FactorCode, MfaPolicy};
use crate::domain::recovery_code::RecoveryCode;
use crate::domain::totp::TotpCode;

/// Whatever the organization demands: who has come so far wants one.
const fn demanding(asked: Asked<'_>) -> Asked<'_> {
    Asked { mfa: MfaPolicy::Required, ..asked }
}

/// Shows what an authenticator app needs; the challenge waits for the first code.
pub(crate) async fn begin(resources: &Resources, token: &OpaqueToken) -> Result<Enrollment, Error> {
    let hash = &token.digest();
    let (asked, ..) = ask(resources, hash).await?;
    match begin_totp(resources, demanding(asked), None, token).await?.outcome {
        Outcome::Challenge(issued) => issued.enrollment.ok_or(Error::ChallengeRefused),
        Outcome::Tokens(_) => Err(Error::ChallengeRefused),
    }
}

/// Makes the app count that shows the right code; returns the recovery codes, which are shown once.
pub(crate) async fn confirm(
    resources: &Resources,
    token: &OpaqueToken,
    code: TotpCode,
) -> Result<Vec<RecoveryCode>, Error> {
    let hash = &token.digest();
    let (asked, ..) = ask(resources, hash).await?;
    let asked = demanding(asked);
    let write = resources.db.write(|tx| async move {
        let held = hold(resources, &tx, asked).await?;
        if held.due != Some(Due::EnrollFactor) {
            return Err(held.unexpected());
        }
        set_factor_up(resources, &tx, asked, &held, &FactorCode::Totp(code)).await
    });
    let confirmed = write.await?;
    revoke::obey(resources, &confirmed.ended, asked.began);
    Ok(confirmed.recovery_codes)
}
