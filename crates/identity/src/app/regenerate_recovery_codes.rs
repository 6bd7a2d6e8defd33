//! Replaces the own recovery codes.

use rolecall_kernel::id::UserId;

use super::fault::{Fault, take_faults};
use super::{Resources, recovery_codes};
use crate::domain::event::Event;
use crate::domain::recovery_code::RecoveryCode;
use crate::events::publish::by_user;
use crate::store::{factors, users};

/// Why there are no new codes.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The person has no factor that a code could stand in for.
    #[error("no factor")]
    FactorNotFound,
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

take_faults!(Error);

/// Draws new codes; those before end.
pub(crate) async fn run(resources: &Resources, user_id: UserId) -> Result<Vec<RecoveryCode>, Error> {
    let write = resources.db.write(|tx| async move {
        let user = users::lock(&tx, user_id).await?.ok_or(Error::Fault(Fault::Defect("no such account")))?;
        if factors::count(&tx, user_id).await? == 0 {
            return Err(Error::FactorNotFound);
        }
        let now = resources.now();
        let codes = recovery_codes::issue(resources, &tx, &user, now).await?;
        resources.publisher.append(&tx, &by_user(&user, now, Event::RecoveryCodesRegenerated)).await?;
        Ok(codes)
    });
    write.await
}
