//! Deletes deliveries that nobody needs any more, with the addresses and names in them.

use rolecall_db::Error;

use super::pace;
use crate::context::Shared;
use crate::store::{deliveries, inbox, notifications, templates, writings};

/// The most rows of one transaction, so that writers wait only shortly.
const CHUNK: u64 = 500;

/// Deletes what is past its retention and returns how many deliveries, notifications and messages that were.
pub(crate) async fn run(shared: &Shared) -> Result<u64, Error> {
    let before = shared.clock.now().minus(shared.config.retention);
    let counted = shared.clock.now().minus(pace::DAY);
    let mut deleted = 0;
    loop {
        let delete = |tx| async move { deliveries::delete_finished(&tx, before, CHUNK).await };
        let chunk = shared.database.write(delete).await?;
        deleted += chunk;
        if chunk < CHUNK {
            break;
        }
    }
    loop {
        let delete = |tx| async move {
            let notifications = notifications::delete_old(&tx, before, CHUNK).await?;
            // A day after their deletion nobody is about to send with them any more.
            let unused = templates::delete_old(&tx, counted, CHUNK).await?;
            let forgotten = writings::delete_old(&tx, counted, CHUNK).await?.max(unused);
            Ok::<_, Error>((notifications, inbox::delete_old(&tx, before, CHUNK).await?, forgotten))
        };
        let (notifications, messages, forgotten) = shared.database.write(delete).await?;
        deleted += notifications + messages;
        if [notifications, messages, forgotten].iter().all(|rows| *rows < CHUNK) {
            return Ok(deleted);
        }
    }
}
