//! Writes down which calls were refused, for the audit log.

use rolecall_authz::{Refusals, Refused};
use rolecall_db::Error;

use super::App;
use crate::domain::event::{Origin, What};

/// Under which name refused calls are counted.
const CONTEXT: &str = "organization";

/// Writes what was counted, and returns how many rows that were; what cannot be written is counted on.
pub(crate) async fn run(app: &App, refusals: &Refusals) -> Result<usize, Error> {
    let taken = &refusals.take(CONTEXT);
    if taken.is_empty() {
        return Ok(0);
    }
    let now = app.now();
    let written = app.database.write(|tx| async move {
        for refused in taken {
            let origin = Origin { actor: refused.caller, request_id: None };
            app.tell(&tx, &origin, refused.organization, now, what(refused)).await?;
        }
        Ok::<_, Error>(taken.len())
    });
    let written = written.await;
    if written.is_err() {
        refusals.put_back(CONTEXT, taken.clone());
    }
    written
}

fn what(refused: &Refused) -> What {
    What::CallsRefused {
        method: refused.method.to_string(),
        count: refused.count,
        reasons: refused.reasons.iter().cloned().collect(),
    }
}
