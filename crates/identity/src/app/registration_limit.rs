//! How many registrations one network may try, whatever they say.

use std::time::Duration;

use rolecall_db::Error;
use rolecall_kernel::network::Network;

use super::Resources;
use crate::domain::mail_budget::Limits;
use crate::store::mail_budgets;

/// How many times as many as in an hour there may be in a day.
const HOURS: usize = 5;

/// Takes one try from the budget of a network; otherwise returns how long to wait. Commits before it returns.
///
/// A caller whose network nobody knows, such as one on this machine, is not limited.
pub(crate) async fn spend(resources: &Resources, network: Option<Network>) -> Result<Result<(), Duration>, Error> {
    let (Some(network), Some(limits)) = (network, limits(resources)) else { return Ok(Ok(())) };
    let key = &resources.fingerprints.hash(&[b"registrations from", &network.to_bytes()]);
    let now = resources.now();
    resources
        .db
        .write(|tx| async move {
            match mail_budgets::lock_or_insert(&tx, key, now).await?.spend_within(limits, now) {
                Ok(after) => mail_budgets::update(&tx, key, &after, now).await.map(Ok),
                Err(wait) => Ok(Err(wait)),
            }
        })
        .await
}

fn limits(resources: &Resources) -> Option<Limits> {
    let an_hour = usize::try_from(resources.config.registrations_per_network).unwrap_or(usize::MAX);
    (an_hour > 0).then(|| Limits { an_hour, a_day: an_hour.saturating_mul(HOURS) })
}
