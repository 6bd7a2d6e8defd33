//! Work that spans contexts: its progress is stored, so that whoever comes next can finish it.

use rolecall_kernel::id::SagaId;

/// What kind of work it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SagaKind {
    /// An account and its membership are made; named by the user id.
    CreateUser,
    /// A service account and its permissions are made; named by its id.
    CreateServiceAccount,
    /// A service account is gone; its permissions have to follow.
    DeleteServiceAccount,
}

impl SagaKind {
    /// Returns its name in tables.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::CreateUser => "CREATE_USER",
            Self::CreateServiceAccount => "CREATE_SERVICE_ACCOUNT",
            Self::DeleteServiceAccount => "DELETE_SERVICE_ACCOUNT",
        }
    }

    /// Reads the name in a table.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::CreateUser, Self::CreateServiceAccount, Self::DeleteServiceAccount]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}

/// How far it is. Our own commit is the point of no return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SagaState {
    /// Organization may or may not have done its part; ours is not committed.
    Started,
    /// It is given up: organization's part is taken back.
    Aborting,
    /// Our part is committed: organization's part is finished.
    Committed,
}

impl SagaState {
    /// Returns its name in tables.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Started => "STARTED",
            Self::Aborting => "ABORTING",
            Self::Committed => "COMMITTED",
        }
    }

    /// Reads the name in a table.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Started, Self::Aborting, Self::Committed].into_iter().find(|state| state.as_str() == text)
    }
}

/// The progress of one piece of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "identifiers are called here what the contract calls them")]
pub(crate) struct Saga {
    /// Identifier: that of the account it is about.
    pub(crate) saga_id: SagaId,
    /// What kind of work it is.
    pub(crate) kind: SagaKind,
    /// How far it is.
    pub(crate) state: SagaState,
}

/// What a worker does with work that was left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Recovery {
    /// Take back what organization did.
    Undo,
    /// Have organization finish its part.
    Finish,
}

impl Saga {
    /// Decides from the stored progress alone.
    pub(crate) const fn recovery(&self) -> Recovery {
        match self.state {
            SagaState::Started | SagaState::Aborting => Recovery::Undo,
            SagaState::Committed => Recovery::Finish,
        }
    }
}
