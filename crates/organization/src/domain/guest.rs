//! Guests: strangers who look around in one organization, without an account.

use rolecall_kernel::id::{OrganizationId, SubjectId};
use rolecall_kernel::time::Timestamp;

/// A stranger in an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "an id bears one name on the wire, in tables and here")]
pub(crate) struct Guest {
    pub(crate) guest_id: SubjectId,
    pub(crate) organization_id: OrganizationId,
    /// When it ends by itself.
    pub(crate) expires: Timestamp,
    /// Whether its organization is in operation and allows guests.
    pub(crate) allowed: bool,
}
