//! Begins to add an authenticator app to the own account.

use rolecall_kernel::id::UserId;
use rolecall_kernel::text::PersonName;

use super::Resources;
use super::enrollment::{self, Enrollment};
use super::fault::{Fault, take_faults};
use crate::domain::factor::ENROLLMENT;
use crate::store::users;

/// Why no app is added.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The person has as many as it can have.
    #[error("there are too many factors")]
    FactorLimitReached,
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

take_faults!(Error);

/// Begins to add an app, which counts once its first code is confirmed.
pub(crate) async fn run(
    resources: &Resources,
    user_id: UserId,
    name: Option<&PersonName>,
) -> Result<Enrollment, Error> {
    let write = resources.db.write(|tx| async move {
        let user = users::lock(&tx, user_id).await?.ok_or(Error::Fault(Fault::Defect("no such account")))?;
        let expires = resources.now().plus(ENROLLMENT);
        let begun = enrollment::begin(resources, &tx, &user, name.cloned(), expires).await?;
        begun.map_err(|_| Error::FactorLimitReached)
    });
    write.await
}
