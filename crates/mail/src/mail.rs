//! A finished mail, and what becomes of it.

use rolecall_kernel::id::DeliveryId;
use rolecall_kernel::time::Timestamp;

/// A mail to one person, rendered; it may hold a secret and is never printed.
pub struct Mail {
    /// The delivery: the left part of its Message-ID, the same at every attempt.
    pub delivery_id: DeliveryId,
    /// The one recipient.
    pub to: String,
    /// When it is sent.
    pub date: Timestamp,
    /// What it says.
    pub content: Rendered,
    /// Where one click ends mails of its kind (RFC 8058); none for what is mandatory.
    pub unsubscribe: Option<String>,
}

/// What a mail says.
#[derive(PartialEq, Eq)]
pub struct Rendered {
    /// One line.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
}

/// How a mail travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelKind {
    /// To a mail server.
    Smtp,
    /// Into a folder on this machine.
    Folder,
}

impl ChannelKind {
    /// Returns its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Smtp => "smtp",
            Self::Folder => "folder",
        }
    }

    /// Reads a name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Smtp, Self::Folder].into_iter().find(|kind| kind.as_str() == name)
    }
}

/// What a channel did with a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Took it, saying this.
    Taken(String),
    /// May take it later.
    Later(String),
    /// Will never take this mail.
    Never(String),
    /// Will never take a mail to this recipient.
    NoSuchRecipient(String),
    /// Takes no mail at all before somebody sees to it: wrong credentials, or a refused sender.
    Unusable(String),
}
