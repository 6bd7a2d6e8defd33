//! What this context tells the others.

use rolecall_kernel::id::{DeliveryId, EventId, MessageId, NotificationId, OrganizationId, SubjectId, TemplateId};
use rolecall_kernel::time::Timestamp;

use super::category::Category;
use super::suppression::Reason;

/// Something that happened.
#[derive(Debug, Clone)]
#[expect(clippy::struct_field_names, reason = "named as on the wire and in the table")]
pub(crate) struct Event {
    pub(crate) event_id: EventId,
    /// None when the installation did it.
    pub(crate) actor: Option<SubjectId>,
    pub(crate) organization_id: Option<OrganizationId>,
    /// Whom it concerns.
    pub(crate) target: Option<SubjectId>,
    /// Request id of the call that caused it.
    pub(crate) request_id: Option<String>,
    pub(crate) occurred: Timestamp,
    pub(crate) what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// A parked delivery was taken up again.
    DeliveryRetried(DeliveryId),
    /// A delivery of this template was parked.
    DeliveryParked(DeliveryId, String),
    /// Somebody changed these of its preferences.
    PreferencesUpdated(Vec<&'static str>),
    /// Somebody ended mails of these categories by a link.
    MailUnsubscribed(Vec<Category>),
    /// A notification was accepted.
    NotificationSent { notification_id: NotificationId, category: &'static str, recipient_count: i32 },
    /// A notification was taken back.
    NotificationCancelled(NotificationId),
    /// A person answered a message, by this one.
    MessageAnswered(MessageId),
    /// A template of this name was made.
    TemplateCreated(TemplateId, String),
    /// A version of a template of this name was published.
    TemplateUpdated(TemplateId, String, i32),
    /// A template of this name was deleted.
    TemplateDeleted(TemplateId, String),
    /// An address gets no mail any more, for this reason.
    SuppressionCreated(Reason),
    /// An address gets mail again.
    SuppressionDeleted,
}
