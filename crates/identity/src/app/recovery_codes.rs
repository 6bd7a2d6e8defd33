//! Draws recovery codes in place of those before.

use rolecall_db::{Error, Tx};
use rolecall_kernel::time::Timestamp;

use super::Resources;
use super::login_failure::Counter;
use crate::domain::factor::RECOVERY_FAILURES;
use crate::domain::recovery_code::{COUNT, RecoveryCode};
use crate::domain::user::User;
use crate::store::recovery_codes;

/// Draws and stores ten codes; the codes before end, and what was guessed against them does not count any more.
pub(crate) async fn issue(
    resources: &Resources,
    tx: &Tx,
    user: &User,
    now: Timestamp,
) -> Result<Vec<RecoveryCode>, Error> {
    let codes: Vec<_> = (0..COUNT).map(|_| RecoveryCode::new(resources.entropy.as_ref())).collect();
    let hashes: Vec<_> = codes.iter().map(RecoveryCode::digest).collect();
    recovery_codes::replace(tx, user.user_id, &hashes, now).await?;
    Counter::of_codes(resources, user, RECOVERY_FAILURES).forget(tx).await?;
    Ok(codes)
}
