//! Messages as commands: every field is checked, and all violations are answered at once.

mod admins;
mod fields;
mod internal;
mod member_filter;
mod organizations;
mod page;
mod public;
mod roles;
mod settings;

pub(super) use admins::{grant_admin, list_admins, revoke_admin};
pub use fields::{Fields, Noted};
pub(super) use internal::{
    activate_member, add_guest, add_member, add_service_account, batch_ids, bootstrap_organization,
    change_member_roles, check_add_member, end_member, ingested, one_id, register_member, update_service_account,
};
pub(super) use member_filter::role_term;
pub use member_filter::{not_served, one_field, refuse_filter};
pub(super) use organizations::{delete_organization, resume_organization, suspend_organization, update_organization};
pub use page::{Place, by_creation, following, list_place, page_size as size, starting_at};
pub(super) use page::{by_occurrence, next_audit_page, next_page, position};
pub(super) use public::{
    block_member, create_organization, list_members, list_organizations, unblock_member, update_member_roles,
};
pub(super) use roles::{create_role, delete_role, named_page, register_permissions, role_name, update_role};
pub use settings::place;

pub(super) use settings::{list_discoverable, own_or, update_settings};

use rolecall_api::organization::v1 as pb;
use rolecall_kernel::time::Timestamp;
use rolecall_rpc::status::Violations;

use crate::domain::custom_role::{NamedRoles, RoleName};
use crate::domain::organization::MfaPolicy;
use crate::domain::role::Role;

/// What a name of a role has to be.
pub(super) const ROLE_UNKNOWN: &str =
    "must be DATA_SCIENTIST, DATA_STEWARD, GUEST, OWNER or a role that the organization composed";

/// The most roles that a member can be given in one request.
const MAX_ROLES: usize = 10;

/// The checks of fields that only this context has.
pub(super) trait OrganizationFields {
    /// Takes one to ten organizational roles.
    fn roles(&mut self, field: &str, names: &[String]) -> Option<NamedRoles>;
    /// Takes what an organization demands of logins: a second factor unless something else is written out.
    fn mfa_policy(&mut self, field: &str, policy: i32) -> Option<MfaPolicy>;
}

impl OrganizationFields for Violations {
    fn roles(&mut self, field: &str, names: &[String]) -> Option<NamedRoles> {
        if names.is_empty() {
            self.push(field, "REQUIRED", "is required");
            return None;
        }
        if names.len() > MAX_ROLES {
            self.push(field, "TOO_MANY", format!("must have at most {MAX_ROLES} entries"));
            return None;
        }
        let (mut roles, mut are_roles) = (NamedRoles::default(), true);
        for (index, name) in names.iter().enumerate() {
            match (Role::parse_organizational(name), RoleName::parse(name)) {
                (Ok(role), _) => roles.built_in = roles.built_in.with(role),
                (Err(_), Ok(name)) => roles.custom.push((index, name)),
                (Err(_), Err(_)) => {
                    are_roles = false;
                    self.push(format!("{field}[{index}]"), "ROLE_UNKNOWN", ROLE_UNKNOWN);
                }
            }
        }
        are_roles.then_some(roles)
    }

    fn mfa_policy(&mut self, field: &str, policy: i32) -> Option<MfaPolicy> {
        match pb::MfaPolicy::try_from(policy) {
            Ok(pb::MfaPolicy::Unspecified | pb::MfaPolicy::Required) => Some(MfaPolicy::Required),
            Ok(pb::MfaPolicy::Optional) => Some(MfaPolicy::Optional),
            Err(_) => {
                self.push(field, "ENUM_UNKNOWN", "must be MFA_POLICY_REQUIRED or MFA_POLICY_OPTIONAL");
                None
            }
        }
    }
}

/// Takes a time of the wire; times outside of years 1 to 9999 are no times.
pub fn parse_time(time: prost_types::Timestamp) -> Option<Timestamp> {
    const FIRST: i64 = -62_135_596_800;
    const LAST: i64 = 253_402_300_799;
    let nanos = i64::from(time.nanos);
    if !(FIRST..=LAST).contains(&time.seconds) || !(0..1_000_000_000).contains(&nanos) {
        return None;
    }
    Some(Timestamp::from_micros(time.seconds.checked_mul(1_000_000)?.checked_add(nanos / 1_000)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_wrong_roles_are_named_with_their_places() {
        let mut violations = Violations::default();
        let names = ["OWNER", "ADMIN", "king"].map(str::to_owned);
        assert_eq!(violations.roles("roles", &names), None);
        let status = super::super::status::invalid(violations);
        assert!(status.message().contains("roles[1]") && status.message().contains("roles[2]"));
        assert!(!status.message().contains("roles[0]"));
    }

    #[test]
    fn times_that_are_none_are_refused() {
        let time = |seconds, nanos| parse_time(prost_types::Timestamp { seconds, nanos });
        assert_eq!(time(1, 2_000), Some(Timestamp::from_micros(1_000_002)));
        assert_eq!(time(i64::MAX, 0), None);
        assert_eq!(time(0, -1), None);
        assert_eq!(time(0, 1_000_000_000), None);
    }
}
