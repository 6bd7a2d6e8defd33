//! How a code reaches its person.

use rolecall_authz::{RowFacts, Scope};

/// What whoever gets codes needs where the account belongs.
pub(crate) const PERMISSION: &str = "identity.users.return_code";

/// How a code reaches its person.
#[derive(Debug, Clone)]
pub(crate) enum Delivery {
    /// By mail.
    Send,
    /// Through whoever makes it, where this scope of the permission to be given codes reaches.
    Return(Scope),
}

impl Delivery {
    /// Whether whoever makes the code gets it.
    pub(crate) const fn is_return(&self) -> bool {
        matches!(self, Self::Return(_))
    }

    /// Whether whoever makes the code for this account may have it so.
    pub(crate) fn is_permitted_on(&self, account: RowFacts) -> bool {
        match self {
            Self::Send => true,
            Self::Return(scope) => scope.permit(account).is_some(),
        }
    }
}
