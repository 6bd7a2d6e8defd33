//! Reads one delivery with its attempts.

use rolecall_authz::Scope;
use rolecall_kernel::id::DeliveryId;

use crate::context::Shared;
use crate::domain::delivery::{Attempt, Delivery};
use crate::store::deliveries;

/// Which delivery, and what of them the caller may see.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) scope: Scope,
    pub(crate) delivery_id: DeliveryId,
}

/// Why it is not shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("no such delivery")]
    NotFound(DeliveryId),
    #[error(transparent)]
    Store(#[from] rolecall_db::Error),
}

/// Reads the delivery; one outside of the scope is not there.
pub(crate) async fn run(shared: &Shared, command: Command) -> Result<(Delivery, Vec<Attempt>), Error> {
    let reader = shared.database.reader();
    let found = deliveries::find(&reader, &command.scope, command.delivery_id).await?;
    let delivery = found.ok_or(Error::NotFound(command.delivery_id))?;
    let attempts = deliveries::list_attempts(&reader, command.delivery_id).await?;
    Ok((delivery, attempts))
}
