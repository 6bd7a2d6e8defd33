//! Every error of a use case to its status.

use std::time::Duration;

use rolecall_api::notification::v1::ErrorReason;
use rolecall_kernel::id::DeliveryId;
use rolecall_rpc::status::{StatusBuilder, Violations, domain, reason};
use tonic::{Code, Status};

use crate::app::{get_delivery, list_deliveries, retry_deliveries};

const DOMAIN: &str = domain::NOTIFICATION;
const DELIVERY: &str = "rolecall.notification.v1.Delivery";

/// The name of a reason without its prefix.
fn name(reason: ErrorReason) -> &'static str {
    let name = reason.as_str_name();
    name.strip_prefix("ERROR_REASON_").unwrap_or(name)
}

fn status(code: Code, reason: ErrorReason, message: &str) -> StatusBuilder {
    StatusBuilder::new(code, DOMAIN, name(reason), message)
}

/// Answers a request whose fields break rules.
pub(super) fn violations(found: Violations) -> Status {
    found.into_status(DOMAIN, name(ErrorReason::RequestInvalid))
}

impl From<list_deliveries::Error> for Status {
    fn from(error: list_deliveries::Error) -> Self {
        use list_deliveries::Error;
        match error {
            Error::OrganizationNotFound(id) => {
                let message = "No such organization; leave organization_id out for your own.";
                status(Code::NotFound, ErrorReason::OrganizationNotFound, message)
                    .resource("rolecall.organization.v1.Organization", id.to_string())
                    .build()
            }
            Error::Unreachable(error) => {
                let message = "A service that this call needs is out of reach; repeat the call.";
                StatusBuilder::new(Code::Unavailable, domain::AUTHZ, reason::UNREACHABLE, message)
                    .retry_after(Duration::from_secs(1))
                    .source(error)
                    .build()
            }
            Error::Store(error) => store(error),
        }
    }
}

impl From<get_delivery::Error> for Status {
    fn from(error: get_delivery::Error) -> Self {
        match error {
            get_delivery::Error::NotFound(id) => not_found(id),
            get_delivery::Error::Store(error) => store(error),
        }
    }
}

impl From<retry_deliveries::Error> for Status {
    fn from(error: retry_deliveries::Error) -> Self {
        use retry_deliveries::Error;
        match error {
            Error::NotFound(id) => not_found(id),
            Error::NotParked(id) => {
                let message = "A delivery is not parked, so none was taken up; name parked ones only.";
                of(status(Code::FailedPrecondition, ErrorReason::DeliveryNotParked, message), id, "NOT_PARKED")
            }
            Error::SecretGone(id) => {
                let message = "A delivery carried a secret, which was erased when it was parked, so none was taken up; \
                    have a new one made, for an invitation with ResendInvitation.";
                of(status(Code::FailedPrecondition, ErrorReason::DeliverySecretGone, message), id, "SECRET_GONE")
            }
            Error::RequestIdReused(id) => {
                let message = "The request id was used before with other deliveries; choose a new one.";
                let builder = status(Code::InvalidArgument, ErrorReason::RequestIdReused, message);
                let builder = builder.metadata("request_id", id.to_string());
                builder.violation("request_id", "REUSED", "was used before with other content").build()
            }
            Error::Store(error) => store(error),
        }
    }
}

fn of(builder: StatusBuilder, id: DeliveryId, kind: &str) -> Status {
    let id = id.to_string();
    let builder = builder.metadata("delivery_id", &id).resource(DELIVERY, &id);
    builder.precondition(kind, format!("deliveries/{id}"), "see the message").build()
}

fn not_found(id: DeliveryId) -> Status {
    let message = "No such delivery; ListDeliveries shows those that you may see.";
    status(Code::NotFound, ErrorReason::DeliveryNotFound, message).resource(DELIVERY, id.to_string()).build()
}

fn store(error: rolecall_db::Error) -> Status {
    use rolecall_db::Error;
    match error {
        Error::Unavailable | Error::Timeout | Error::Conflict => {
            let message = "The database is out of reach or busy; repeat the call.";
            status(Code::Unavailable, ErrorReason::StoreUnavailable, message)
                .retry_after(Duration::from_secs(1))
                .source(error)
                .build()
        }
        Error::Unique(_) | Error::Internal(_) => rolecall_rpc::status::internal(DOMAIN, error),
    }
}
