//! What somebody wants people to be told.

use rolecall_kernel::id::{NotificationId, OrganizationId, SubjectId, TemplateId, UserId};
use rolecall_kernel::text::{EmailAddress, TextError, is_forbidden};
use rolecall_kernel::time::Timestamp;
use rolecall_templates::{Data, Name};

use super::category::Category;

/// The most people that one notification reaches.
pub(crate) const MOST_RECIPIENTS: usize = 1_000;

/// A notification as it was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "named as on the wire and in the table")]
pub(crate) struct Notification {
    pub(crate) notification_id: NotificationId,
    /// None when it concerns the whole installation.
    pub(crate) organization_id: Option<OrganizationId>,
    pub(crate) sender_id: SubjectId,
    pub(crate) category: Category,
    pub(crate) title: String,
    pub(crate) recipient_count: i32,
    pub(crate) created: Timestamp,
    pub(crate) scheduled: Option<Timestamp>,
    pub(crate) expires: Option<Timestamp>,
    pub(crate) cancelled: Option<Timestamp>,
    /// The template that it is sent with; none for a text as it is.
    pub(crate) template: Option<Pinned>,
}

/// A template in the version of when the notification was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pinned {
    pub(crate) template_id: TemplateId,
    pub(crate) name: String,
    pub(crate) version: i32,
}

/// How many of its mails stand where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Counts {
    pub(crate) pending: i32,
    pub(crate) sent: i32,
    pub(crate) parked: i32,
    pub(crate) expired: i32,
    pub(crate) suppressed: i32,
}

/// Whom to tell.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Recipient {
    /// A person.
    User(UserId),
    /// Everybody of the organization who holds the role.
    Role(String),
    /// An address, whoever reads there.
    Address(EmailAddress),
}

impl std::fmt::Debug for Recipient {
    /// Addresses stay out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::User(user) => f.debug_tuple("User").field(user).finish(),
            Self::Role(role) => f.debug_tuple("Role").field(role).finish(),
            Self::Address(_) => f.write_str("Address"),
        }
    }
}

/// What is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Words {
    /// This.
    Inline(InlineText),
    /// What a template of the organization makes of data.
    Template {
        /// What the template is called.
        name: Name,
        /// Its version; the latest when absent.
        version: Option<i32>,
        /// The values of its variables.
        data: Data,
    },
}

/// A text as it is, of somebody who is trusted with the whole installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InlineText {
    pub(crate) title: Title,
    pub(crate) text: Body,
}

/// One line of 1 to 150 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Title(String);

/// Lines of 1 to 10 000 characters together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Body(String);

impl Title {
    const MAX: usize = 150;

    pub(crate) fn parse(text: &str) -> Result<Self, TextError> {
        plain(text, Self::MAX, |_| false).map(Self)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Body {
    const MAX: usize = 10_000;

    pub(crate) fn parse(text: &str) -> Result<Self, TextError> {
        plain(&text.replace("\r\n", "\n"), Self::MAX, |c| c == '\n' || c == '\t').map(Self)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

fn plain(text: &str, max: usize, is_fine: fn(char) -> bool) -> Result<String, TextError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(TextError::Required);
    }
    if text.chars().any(|c| is_forbidden(c) && !is_fine(c)) {
        return Err(TextError::ControlCharacter);
    }
    if text.chars().count() > max {
        return Err(TextError::TooLong(max));
    }
    Ok(text.to_owned())
}
