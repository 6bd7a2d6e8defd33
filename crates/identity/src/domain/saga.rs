//! Work that spans contexts: its progress is stored, so that whoever comes next can finish it.

use rolecall_kernel::id::{RequestId, SagaId, SubjectId};

/// What kind of work it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SagaKind {
    /// An account and its membership are made, and its person invited; named by the user id.
    CreateUser,
    /// An account and its membership are made and active at once; named by the user id.
    CreateActiveUser,
    /// A person that registered gets its account and its membership; named by the user id.
    RegisterUser,
    /// An account gave its address to whoever proved it; its membership has to follow. Named by the user id.
    YieldUser,
    /// An account and its membership end; named by the user id.
    DeleteUser,
    /// The same, and what names the person is erased at once.
    EraseUser,
    /// A service account and its permissions are made; named by its id.
    CreateServiceAccount,
    /// A service account is given other permissions; named by its id.
    UpdateServiceAccount,
    /// A service account is gone; its permissions have to follow.
    DeleteServiceAccount,
}

impl SagaKind {
    const ALL: [Self; 9] = [
        Self::CreateUser,
        Self::CreateActiveUser,
        Self::RegisterUser,
        Self::YieldUser,
        Self::DeleteUser,
        Self::EraseUser,
        Self::CreateServiceAccount,
        Self::UpdateServiceAccount,
        Self::DeleteServiceAccount,
    ];

    /// Returns its name in tables.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::CreateUser => "CREATE_USER",
            Self::CreateActiveUser => "CREATE_ACTIVE_USER",
            Self::RegisterUser => "REGISTER_USER",
            Self::YieldUser => "YIELD_USER",
            Self::DeleteUser => "DELETE_USER",
            Self::EraseUser => "ERASE_USER",
            Self::CreateServiceAccount => "CREATE_SERVICE_ACCOUNT",
            Self::UpdateServiceAccount => "UPDATE_SERVICE_ACCOUNT",
            Self::DeleteServiceAccount => "DELETE_SERVICE_ACCOUNT",
        }
    }

    /// Reads the name in a table.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
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

/// Who ordered a piece of work, and by which request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Order {
    /// Who; its rights are checked wherever the work is done.
    pub(crate) actor: SubjectId,
    /// The name of the request and its fingerprint, if it may be repeated.
    pub(crate) request: Option<(RequestId, [u8; 32])>,
}

impl Order {
    /// Whether another order is by the same request.
    pub(crate) fn is_repeated_by(&self, other: &Self) -> bool {
        let name = |order: &Self| (order.actor, order.request.map(|(request_id, _)| request_id));
        name(self) == name(other)
    }
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
        match (self.kind, self.state) {
            // What organization ended cannot be brought back.
            (SagaKind::DeleteUser | SagaKind::EraseUser | SagaKind::YieldUser, _) | (_, SagaState::Committed) => {
                Recovery::Finish
            }
            (_, SagaState::Started | SagaState::Aborting) => Recovery::Undo,
        }
    }
}
