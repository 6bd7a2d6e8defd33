//! How many accounts of others an organization learns of: 100 a day, or addresses would be an address book.
//!
//! A draft shows nobody who belongs elsewhere. Its activation does, and is counted then. What goes beyond the rest of a
//! day uses that up: else the refusal itself would tell, as often as one asks.

use std::time::Duration;

use rolecall_kernel::id::OrganizationId;
use rolecall_kernel::time::Timestamp;

use super::AssetPolicy;

/// The most accounts of others within a day.
pub(crate) const A_DAY: u64 = 100;
/// How long one counts.
pub(crate) const DAY: Duration = Duration::from_hours(24);

/// What an organization was told within the last day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Disclosure {
    /// Of how many accounts of others.
    pub(crate) told: u64,
    /// When the first of them was told.
    pub(crate) since: Option<Timestamp>,
}

/// The organization has to wait for so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the organization was told of as many accounts of others as it may")]
pub(crate) struct Undisclosed {
    pub(crate) wait: Duration,
    /// How many are used up by having asked.
    pub(crate) used_up: u64,
}

impl Disclosure {
    /// Returns of how many accounts of others an activation tells.
    pub(crate) fn spend(self, policy: &AssetPolicy, now: Timestamp) -> Result<u64, Undisclosed> {
        let own = policy.organization_id;
        let others = policy.terms.beneficiaries.iter().filter(|known| !known.is_of(own));
        let (mut named, mut found) = (0, 0);
        for other in others {
            named += 1;
            found += u64::from(other.bond.is_some());
        }
        let left = A_DAY.saturating_sub(self.told);
        let wait = self.since.map_or(DAY, |since| since.plus(DAY).since(now));
        match left {
            // Whether there is anybody must not be told by the answer.
            0 if named > 0 => Err(Undisclosed { wait, used_up: 0 }),
            _ if found > left => Err(Undisclosed { wait, used_up: left }),
            _ => Ok(found),
        }
    }
}

impl super::Beneficiary {
    /// Tells whether a living account of this organization stands behind the address.
    pub(crate) fn is_of(&self, organization: OrganizationId) -> bool {
        self.bond.is_some_and(|bond| bond.organization_id == Some(organization))
    }
}
