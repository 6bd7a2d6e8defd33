//! Every error of a use case as the status that the contract names.

use std::time::Duration;

use rolecall_api::organization::v1::ErrorReason;
use rolecall_organization::ground;
use tonic::Status;

use crate::app::world::Error;

/// The changes are followed every tenth of a second.
const RETRY_AFTER: Duration = Duration::from_millis(200);

pub(super) fn answer(error: Error) -> Status {
    match error {
        Error::NotCurrent => {
            let message = "The facts here have not come to the point that is demanded; repeat the call in a moment.";
            ground::refusal(ErrorReason::AccessNotCurrent, message).retry_after(RETRY_AFTER).build()
        }
        Error::ListExpired => {
            let message =
                "The revision that the list began at is no longer kept here; begin anew without a page_token.";
            ground::refusal(ErrorReason::AccessListExpired, message).build()
        }
        Error::Store(error) => ground::store(error),
    }
}
