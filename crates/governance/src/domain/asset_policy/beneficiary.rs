//! Beneficiaries: addresses, and the accounts that stand behind them.

use rolecall_kernel::id::{OrganizationId, UserId};
use rolecall_kernel::text::EmailAddress;
use rolecall_kernel::time::Timestamp;

/// The account behind an address: the first that proved it, and no other ever after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bond {
    pub(crate) user_id: UserId,
    /// When it was found.
    pub(crate) bound: Timestamp,
    /// Where the account belongs; none when it was deleted since, and nobody takes its place.
    pub(crate) organization_id: Option<OrganizationId>,
}

/// Somebody to whom a policy opens its datasets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Beneficiary {
    /// The address, as the owner wrote it.
    pub(crate) email: EmailAddress,
    /// None while it waits for somebody to prove the address.
    pub(crate) bond: Option<Bond>,
}

impl Beneficiary {
    /// Somebody of whom nothing but the address is known.
    pub(crate) const fn waiting(email: EmailAddress) -> Self {
        Self { email, bond: None }
    }

    /// Returns the living account behind the address.
    pub(crate) fn user(&self) -> Option<UserId> {
        self.bond.filter(|bond| bond.organization_id.is_some()).map(|bond| bond.user_id)
    }
}
