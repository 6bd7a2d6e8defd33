//! Every error of a use case to its status.

use std::time::Duration;

use rolecall_api::notification::v1::ErrorReason;
use rolecall_kernel::id::{DeliveryId, NotificationId, OrganizationId};
use rolecall_rpc::status::{StatusBuilder, Violations, domain, reason};
use rolecall_templates::Fault;
use rolecall_templates::render::UnusableError;
use tonic::{Code, Status};

use crate::app::pace::TooMany;
use crate::app::{
    cancel_notification, change_templates, get_delivery, inbox, list_deliveries, notifications, preferences,
    retry_deliveries, send_notification, suppressions, templates, watch_inbox,
};
use crate::peers::Unreachable;

const DOMAIN: &str = domain::NOTIFICATION;
const NOTIFICATION: &str = "rolecall.notification.v1.Notification";
const MESSAGE: &str = "rolecall.notification.v1.InboxMessage";
const TEMPLATE: &str = "rolecall.notification.v1.Template";
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
            Error::OrganizationNotFound(id) => organization_not_found(id),
            Error::Unreachable(error) => unreachable(error),
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
            Error::RequestIdReused(_) => request_id_reused(),
            Error::Store(error) => store(error),
        }
    }
}

impl From<preferences::Error> for Status {
    fn from(error: preferences::Error) -> Self {
        use preferences::Error;
        match error {
            Error::Changed { etag } => {
                let message = "The preferences were changed meanwhile; read them again and repeat with their etag.";
                status(Code::Aborted, ErrorReason::PreferencesChanged, message).metadata("etag", etag).build()
            }
            Error::TokenInvalid => {
                let message = "The token ends no mails; copy the whole link of a mail, or use UpdatePreferences.";
                let builder = status(Code::InvalidArgument, ErrorReason::UnsubscribeTokenInvalid, message);
                builder.violation("token", "INVALID", "must be the token of a link in a mail").build()
            }
            Error::RequestIdReused(_) => request_id_reused(),
            Error::Store(error) => store(error),
        }
    }
}

impl From<send_notification::Error> for Status {
    fn from(error: send_notification::Error) -> Self {
        use send_notification::Error;
        match error {
            Error::OrganizationNotFound(id) => organization_not_found(id),
            Error::RecipientNotFound(recipient) => {
                let message = "A recipient does not exist, so nobody is told; name people and roles that do.";
                status(Code::NotFound, ErrorReason::RecipientNotFound, message)
                    .metadata("recipient", &recipient)
                    .resource("rolecall.notification.v1.Recipient", &recipient)
                    .build()
            }
            Error::TooMany => {
                let message = "More than 1000 people would be told, so nobody is; send several notifications.";
                let builder = status(Code::FailedPrecondition, ErrorReason::RecipientsTooMany, message);
                builder.metadata("most", "1000").precondition("TOO_MANY", "recipients", "see the message").build()
            }
            Error::InstanceSenderRequired => {
                let message = "Free addresses and inline text need a sender for the whole installation; \
                    send to members of your organization, with a template of it.";
                status(Code::PermissionDenied, ErrorReason::InstanceSenderRequired, message).build()
            }
            Error::TemplateNotFound(name) => template_not_found(&name),
            Error::Data(faults) => data_invalid("data", faults),
            Error::Unusable(error) => template_unusable(&error),
            Error::Pace(limit) => too_many(limit),
            Error::RequestIdReused(_) => request_id_reused(),
            Error::Unreachable(error) => unreachable(error),
            Error::Store(error) => store(error),
        }
    }
}

impl From<notifications::Error> for Status {
    fn from(error: notifications::Error) -> Self {
        use notifications::Error;
        match error {
            Error::NotFound(id) => notification_not_found(id),
            Error::OrganizationNotFound(id) => organization_not_found(id),
            Error::Unreachable(error) => unreachable(error),
            Error::Store(error) => store(error),
        }
    }
}

impl From<cancel_notification::Error> for Status {
    fn from(error: cancel_notification::Error) -> Self {
        use cancel_notification::Error;
        match error {
            Error::NotFound(id) => notification_not_found(id),
            Error::NotPending(id) => {
                let message = "Nothing of the notification waits any more; GetNotification shows what became of it.";
                let id = id.to_string();
                status(Code::FailedPrecondition, ErrorReason::NotificationNotPending, message)
                    .metadata("notification_id", &id)
                    .resource(NOTIFICATION, &id)
                    .precondition("NOT_PENDING", format!("notifications/{id}"), "see the message")
                    .build()
            }
            Error::RequestIdReused(_) => request_id_reused(),
            Error::Store(error) => store(error),
        }
    }
}

impl From<inbox::Error> for Status {
    fn from(error: inbox::Error) -> Self {
        use inbox::Error;
        match error {
            Error::NotFound(id) => {
                let message = "No such message; ListMessages shows those of your inbox.";
                status(Code::NotFound, ErrorReason::MessageNotFound, message).resource(MESSAGE, id.to_string()).build()
            }
            Error::ReplyNotPossible(id) => {
                let message = "Whoever sent the message reads no answers: a program, or somebody who is gone.";
                status(Code::FailedPrecondition, ErrorReason::ReplyNotPossible, message)
                    .metadata("message_id", id.to_string())
                    .resource(MESSAGE, id.to_string())
                    .precondition("NO_READER", format!("messages/{id}"), "see the message")
                    .build()
            }
            Error::TooMany(limit) => too_many(limit),
            Error::RequestIdReused(_) => request_id_reused(),
            Error::Unreachable(error) => unreachable(error),
            Error::Store(error) => store(error),
        }
    }
}

impl From<suppressions::Error> for Status {
    fn from(error: suppressions::Error) -> Self {
        use suppressions::Error;
        match error {
            Error::Exists => {
                let message = "The address gets no mail already; ListSuppressions shows why.";
                status(Code::AlreadyExists, ErrorReason::SuppressionExists, message).build()
            }
            Error::NotFound => {
                let message = "The address is not among those that get no mail; ListSuppressions shows them.";
                status(Code::NotFound, ErrorReason::SuppressionNotFound, message).build()
            }
            Error::RequestIdReused(_) => request_id_reused(),
            Error::Store(error) => store(error),
        }
    }
}

impl From<watch_inbox::Error> for Status {
    fn from(error: watch_inbox::Error) -> Self {
        use watch_inbox::Error;
        match error {
            Error::Expired => {
                let message = "The resume token is older than what is kept; list the messages, and watch without it.";
                status(Code::OutOfRange, ErrorReason::ResumeTokenExpired, message).build()
            }
            Error::TooMany => {
                let most = watch_inbox::MOST_STREAMS.to_string();
                let message = "You watch your inbox as often as is possible at one server; end one of the streams.";
                let builder = status(Code::ResourceExhausted, ErrorReason::StreamsTooMany, message);
                builder.metadata("most", &most).quota("person and server", format!("{most} streams")).build()
            }
            Error::Store(error) => store(error),
        }
    }
}

impl From<templates::Error> for Status {
    fn from(error: templates::Error) -> Self {
        use templates::Error;
        match error {
            Error::NotFound(which) => template_not_found(&which),
            Error::OrganizationNotFound(id) => organization_not_found(id),
            Error::Data(faults) => data_invalid("data", faults),
            Error::Unusable(error) => template_unusable(&error),
            Error::Broken(error) => rolecall_rpc::status::internal(DOMAIN, error),
            Error::Unreachable(error) => unreachable(error),
            Error::Store(error) => store(error),
        }
    }
}

impl From<change_templates::Error> for Status {
    fn from(error: change_templates::Error) -> Self {
        use change_templates::Error;
        match error {
            Error::NotFound(id) => template_not_found(&id.to_string()),
            Error::OrganizationNotFound(id) => organization_not_found(id),
            Error::NameTaken(name) => {
                let message = "The organization has a template of this name; choose another, or update that one.";
                let builder = status(Code::AlreadyExists, ErrorReason::TemplateNameTaken, message);
                builder.metadata("name", name.as_str()).resource(TEMPLATE, name.as_str()).build()
            }
            Error::Changed { etag } => {
                let message = "Another version was published meanwhile; read the template and repeat with its etag.";
                status(Code::Aborted, ErrorReason::TemplateChanged, message).metadata("etag", etag).build()
            }
            Error::Exhausted { what, most } => {
                let message = "No more are possible; delete templates that nobody needs.";
                let builder = status(Code::ResourceExhausted, ErrorReason::TemplatesExhausted, message);
                builder.metadata("most", most.to_string()).quota(what, format!("{most} {what}")).build()
            }
            Error::Undeclared(name) => {
                let mut found = Violations::default();
                let what = format!("show {name}, which is no variable of the template");
                found.push("template.texts", "UNDECLARED", what);
                violations(found)
            }
            Error::RequestIdReused(_) => request_id_reused(),
            Error::Unreachable(error) => unreachable(error),
            Error::Store(error) => store(error),
        }
    }
}

fn template_not_found(which: &str) -> Status {
    let message = "No such template, or version of it; ListTemplates shows those that you may see.";
    status(Code::NotFound, ErrorReason::TemplateNotFound, message).resource(TEMPLATE, which).build()
}

/// Names every value that a template does not take.
fn data_invalid(field: &str, faults: Vec<Fault>) -> Status {
    let mut found = Violations::default();
    for (name, reason, what) in faults {
        found.push(format!("{field}[{name}]"), reason, what);
    }
    violations(found)
}

fn template_unusable(error: &UnusableError) -> Status {
    let message = "What the template makes of the data is no mail; PreviewTemplate shows what to change.";
    status(Code::FailedPrecondition, ErrorReason::TemplateUnusable, message)
        .metadata("cause", error.to_string())
        .precondition("UNUSABLE", "template", error.to_string())
        .build()
}

fn too_many(limit: TooMany) -> Status {
    let TooMany { most, again } = limit;
    let message = "You wrote to one of the recipients as often as a day allows; wait, or name others.";
    status(Code::ResourceExhausted, ErrorReason::MessagesTooMany, message)
        .metadata("most", most.to_string())
        .quota("sender and recipient", format!("{most} messages in 24 hours"))
        .retry_after(again)
        .build()
}

fn organization_not_found(id: OrganizationId) -> Status {
    let message = "No such organization; leave organization_id out for your own.";
    status(Code::NotFound, ErrorReason::OrganizationNotFound, message)
        .resource("rolecall.organization.v1.Organization", id.to_string())
        .build()
}

fn unreachable(error: Unreachable) -> Status {
    let message = "A service that this call needs is out of reach; repeat the call.";
    StatusBuilder::new(Code::Unavailable, domain::AUTHZ, reason::UNREACHABLE, message)
        .retry_after(Duration::from_secs(1))
        .source(error)
        .build()
}

fn request_id_reused() -> Status {
    let message = "The request id was used before with other content; choose a new one.";
    let builder = status(Code::InvalidArgument, ErrorReason::RequestIdReused, message);
    builder.violation("request_id", "REUSED", "was used before with other content").build()
}

fn notification_not_found(id: NotificationId) -> Status {
    let message = "No such notification; ListNotifications shows those that you may see.";
    status(Code::NotFound, ErrorReason::NotificationNotFound, message).resource(NOTIFICATION, id.to_string()).build()
}

/// A stored answer that cannot be read is a defect.
pub(super) fn decoded<M: prost::Message + Default>(answer: &[u8]) -> Result<M, Status> {
    M::decode(answer).map_err(|error| rolecall_rpc::status::internal(DOMAIN, error))
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
