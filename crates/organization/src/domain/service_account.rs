//! Service accounts: programs that act with permissions of their own.

use std::collections::BTreeSet;

use rolecall_kernel::id::{OrganizationId, ServiceAccountId};

/// What a service account may do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "an id bears one name on the wire, in tables and here")]
pub(crate) struct ServiceAccount {
    pub(crate) service_account_id: ServiceAccountId,
    /// Where it acts; none for the whole instance.
    pub(crate) organization_id: Option<OrganizationId>,
    /// Names of its permissions: of the catalogue, or registered by another backend.
    pub(crate) permissions: BTreeSet<String>,
}
