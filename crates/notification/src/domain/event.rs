//! What this context tells the others.

use rolecall_kernel::id::{DeliveryId, EventId, OrganizationId, SubjectId};
use rolecall_kernel::time::Timestamp;

/// Something that happened to a delivery.
#[derive(Debug, Clone)]
#[expect(clippy::struct_field_names, reason = "named as on the wire and in the table")]
pub(crate) struct Event {
    pub(crate) event_id: EventId,
    /// None when the installation did it.
    pub(crate) actor: Option<SubjectId>,
    pub(crate) organization_id: Option<OrganizationId>,
    pub(crate) recipient_id: SubjectId,
    pub(crate) delivery_id: DeliveryId,
    /// Request id of the call that caused it.
    pub(crate) request_id: Option<String>,
    pub(crate) occurred: Timestamp,
    pub(crate) what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// A parked delivery was taken up again.
    DeliveryRetried,
    /// A delivery of this template was parked.
    DeliveryParked(String),
}
