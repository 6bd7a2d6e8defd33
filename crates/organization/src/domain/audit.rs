//! Entries of the audit log.

use std::collections::BTreeMap;

use rolecall_kernel::id::EventId;
use rolecall_kernel::time::Timestamp;
use uuid::Uuid;

/// An event of any context, as auditors read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AuditEvent {
    pub(crate) event_id: EventId,
    pub(crate) topic: String,
    pub(crate) actor_id: Option<Uuid>,
    /// As whom the actor acted, when not as itself.
    pub(crate) on_behalf_of_id: Option<Uuid>,
    pub(crate) organization_id: Option<Uuid>,
    /// The user, service account or organization that it happened to.
    pub(crate) target_id: Option<Uuid>,
    pub(crate) request_id: String,
    pub(crate) occurred: Timestamp,
    pub(crate) details: BTreeMap<String, String>,
}

/// The place of an entry in the order of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AuditPosition {
    pub(crate) occurred: Timestamp,
    pub(crate) event_id: EventId,
}

/// Which entries are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AuditFilter {
    pub(crate) target: Option<Uuid>,
    pub(crate) actor: Option<Uuid>,
    pub(crate) topic: Option<String>,
}
