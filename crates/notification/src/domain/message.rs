//! Messages that people read here.

use rolecall_kernel::id::{MessageId, NotificationId, OrganizationId, SubjectId};
use rolecall_kernel::time::Timestamp;

use super::category::Category;

/// A message in somebody's inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InboxMessage {
    pub(crate) message_id: MessageId,
    pub(crate) recipient_id: SubjectId,
    /// None for an answer.
    pub(crate) notification_id: Option<NotificationId>,
    pub(crate) organization_id: Option<OrganizationId>,
    pub(crate) sender_id: SubjectId,
    pub(crate) category: Category,
    pub(crate) title: String,
    pub(crate) text: String,
    pub(crate) reply_to_id: Option<MessageId>,
    /// When it lies there; before that nobody sees it.
    pub(crate) visible: Timestamp,
    pub(crate) expires: Option<Timestamp>,
    pub(crate) read: Option<Timestamp>,
}

/// How many messages there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Summary {
    pub(crate) messages: i32,
    pub(crate) unread: i32,
}
