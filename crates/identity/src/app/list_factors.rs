//! Lists the own second factors.

use rolecall_kernel::id::UserId;

use super::Resources;
use super::fault::Fault;
use crate::domain::factor::Factor;
use crate::store::{factors, recovery_codes};

/// Lists the confirmed factors of a person, and counts its recovery codes.
pub(crate) async fn run(resources: &Resources, user_id: UserId) -> Result<(Vec<Factor>, u64), Fault> {
    let reader = resources.db.reader();
    Ok((factors::list(&reader, user_id).await?, recovery_codes::count_left(&reader, user_id).await?))
}
