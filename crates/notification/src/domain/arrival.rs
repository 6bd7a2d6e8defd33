//! What other contexts tell, in this context's words.

use std::collections::BTreeMap;

use rolecall_kernel::id::{EventId, OrganizationId, SubjectId};
use rolecall_kernel::text::EmailAddress;
use rolecall_kernel::time::Timestamp;

use super::template::Template;

/// What a template shows, by name.
pub(crate) type Variables = BTreeMap<String, String>;

/// An event that somebody must hear of.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    /// The event; worked on once.
    pub(crate) event_id: EventId,
    /// The context that it comes from.
    pub(crate) source: String,
    /// The trace that it belongs to.
    pub(crate) trace: Option<String>,
    /// What to tell, and whom.
    pub(crate) content: Content,
}

/// What to tell, and whom.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    /// A mail that is complete but for its secret's seal.
    Command(Command),
    /// A security notice; names and addresses are still to be asked for.
    Notice(Notice),
    /// Somebody, or an organization, is gone: what is known of it ends.
    Ended(End),
}

/// What is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// An account: what is known of its person ends.
    Account(Ended),
    /// An organization: its templates end, and what waits to be told of it.
    Organization(OrganizationId),
}

/// An account that is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ended {
    /// Whose it was.
    pub(crate) subject: SubjectId,
    /// Whether what names the person is erased everywhere.
    pub(crate) is_erased: bool,
}

/// A mail as another context orders it.
#[derive(Clone)]
pub(crate) struct Command {
    /// What it tells.
    pub(crate) template: Template,
    /// Whom.
    pub(crate) recipient: SubjectId,
    /// Where.
    pub(crate) email: EmailAddress,
    /// What it concerns; none for the whole installation.
    pub(crate) organization: Option<OrganizationId>,
    /// What the template shows.
    pub(crate) variables: Variables,
    /// The secret, sealed.
    pub(crate) sealed_secret: Option<Vec<u8>>,
    /// After this it is of no use.
    pub(crate) expires: Option<Timestamp>,
}

impl std::fmt::Debug for Command {
    /// Addresses, names and secrets stay out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Command").field("template", &self.template).finish_non_exhaustive()
    }
}

/// Something that was done to a person's account.
#[derive(Debug, Clone)]
pub(crate) struct Notice {
    /// What it tells.
    pub(crate) template: Template,
    /// To whom it was done.
    pub(crate) target: SubjectId,
    /// Whom to tell, each in a mail of its own.
    pub(crate) recipients: Vec<SubjectId>,
    /// Where, instead of where the recipients can be reached now; each in a mail of its own.
    pub(crate) addresses: Vec<EmailAddress>,
    /// Who did it; none when the installation did.
    pub(crate) actor: Option<SubjectId>,
    /// Where.
    pub(crate) organization: Option<OrganizationId>,
    /// What the template shows beside names and time.
    pub(crate) variables: Variables,
    /// When it happened.
    pub(crate) occurred: Timestamp,
}

/// How to reach a person.
#[derive(Clone)]
pub(crate) struct Contact {
    /// The person's address.
    pub(crate) email: EmailAddress,
    /// The person's name.
    pub(crate) name: String,
}
