//! What notifications are about, and how they reach people.

/// What a notification is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Category {
    /// The security of an account or an organization; mandatory.
    Security,
    /// What a person needs to use its account; mandatory.
    Account,
    /// Steps of the data workflow.
    Workflow,
    /// Messages to a person.
    Message,
    /// News that concern everybody.
    Announcement,
}

impl Category {
    /// All of them, in the order of the contract.
    pub(crate) const ALL: [Self; 5] =
        [Self::Security, Self::Account, Self::Workflow, Self::Message, Self::Announcement];

    /// Returns its name.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Security => "security",
            Self::Account => "account",
            Self::Workflow => "workflow",
            Self::Message => "message",
            Self::Announcement => "announcement",
        }
    }

    /// Reads a name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.as_str() == name)
    }

    /// Tells whether nobody can switch it off.
    pub(crate) const fn is_mandatory(self) -> bool {
        matches!(self, Self::Security | Self::Account)
    }
}

/// How something reaches a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Medium {
    /// By mail.
    Mail,
    /// Into its inbox.
    Inbox,
}

impl Medium {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::Mail, Self::Inbox];

    /// Returns its name.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Inbox => "inbox",
        }
    }
}
