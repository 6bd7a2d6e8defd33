//! What `docs/asvs.toml` holds.

use serde::Deserialize;

/// The rows and the attacks, in the order of the page.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Catalogue {
    #[serde(default)]
    pub(super) row: Vec<Row>,
    #[serde(default)]
    pub(super) attack: Vec<Attack>,
}

/// A requirement of ASVS 5.0.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    /// Such as `V6.2.1`.
    pub(super) id: String,
    /// 1 to 3.
    pub(super) level: u8,
    /// Who answers for it.
    pub(super) owner: Owner,
    /// What it asks for, in our words.
    pub(super) asks: String,
    pub(super) state: State,
    /// Of a deviation: where it is decided.
    #[serde(default)]
    pub(super) setting: String,
    /// Why it does not apply, or only under a condition, or not as it is asked.
    #[serde(default)]
    pub(super) reason: String,
    /// Which part of it no test proves yet.
    #[serde(default)]
    pub(super) missing: String,
}

impl Row {
    /// Whether it says less than its state needs.
    pub(super) fn lacks_words(&self) -> bool {
        match self.state {
            State::Test | State::NotYet => false,
            State::Conditional | State::NotApplicable => self.reason.is_empty(),
            State::Deviation => self.reason.is_empty() || self.setting.is_empty(),
        }
    }
}

/// How a row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum State {
    /// Tests prove it, but for what is `missing`.
    Test,
    /// It is answered in another way, and a test shows which.
    Deviation,
    /// It applies once something exists that does not.
    Conditional,
    /// It cannot apply.
    NotApplicable,
    /// It applies, and no test is named after it.
    NotYet,
}

/// Who answers for a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Owner {
    Identity,
    Organization,
    Notification,
    /// The crates that all services share.
    Shared,
    /// What is written down in the repository.
    Documents,
}

impl Owner {
    pub(super) const ALL: [Self; 5] =
        [Self::Identity, Self::Organization, Self::Notification, Self::Shared, Self::Documents];

    /// As a heading.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Identity => "Identity",
            Self::Organization => "Organization",
            Self::Notification => "Notification",
            Self::Shared => "All services",
            Self::Documents => "Documents",
        }
    }
}

/// An attack that happened elsewhere.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Attack {
    /// Such as `T04`.
    pub(super) id: String,
    /// What is tried.
    #[serde(rename = "attack")]
    pub(super) what: String,
    /// What no test tries yet.
    #[serde(default)]
    pub(super) missing: String,
}
