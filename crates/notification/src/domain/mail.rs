//! A finished mail.

use rolecall_kernel::id::DeliveryId;
use rolecall_kernel::time::Timestamp;

/// A mail to one person, rendered; it may hold a secret and is never printed.
pub(crate) struct Mail {
    /// The delivery: the left part of its Message-ID, the same at every attempt.
    pub(crate) delivery_id: DeliveryId,
    /// The one recipient.
    pub(crate) to: String,
    /// When it is sent.
    pub(crate) date: Timestamp,
    /// What it says.
    pub(crate) content: Rendered,
    /// Where one click ends mails of its kind (RFC 8058); none for what is mandatory.
    pub(crate) unsubscribe: Option<String>,
}

/// What a mail says.
#[derive(PartialEq, Eq)]
pub(crate) struct Rendered {
    /// One line.
    pub(crate) subject: String,
    /// The plain text.
    pub(crate) text: String,
    /// The same as HTML.
    pub(crate) html: String,
}
