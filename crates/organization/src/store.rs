//! The tables of organization: rows in, domain types out.
//!
//! Functions on tenant data take a scope, which becomes part of the WHERE, and changes demand the
//! permit that a row read under a scope gave. What is hidden is found only by the functions that
//! say so.

pub(crate) mod access;
pub(crate) mod audit;
pub(crate) mod audit_chains;
pub(crate) mod audit_keys;
pub(crate) mod audit_sources;
pub(crate) mod creations;
pub(crate) mod guests;
pub(crate) mod members;
pub(crate) mod migrations;
pub(crate) mod organizations;
pub(crate) mod registered_permissions;
pub(crate) mod removals;
pub(crate) mod roles;
pub(crate) mod service_accounts;
pub(crate) mod settings;
pub(crate) mod subjects;

mod entity;

use rolecall_db::UniqueConstraint;
use sea_orm::DbErr;

/// The name of an organization is taken.
pub(crate) const NAME_KEY: &str = "organizations_name_key";
/// The account is a member already.
pub(crate) const MEMBERS_KEY: &str = "members_pkey";
/// The name of a role is taken in its organization.
pub(crate) const ROLE_NAME_KEY: &str = "roles_name_key";
/// The same request is being carried out.
pub(crate) const CREATION_REQUEST_KEY: &str = "organization_creations_request_key";

/// The unique constraints of this context.
pub(crate) const CONSTRAINTS: &[UniqueConstraint] = rolecall_db::constraints! {
    "organizations_pkey" => "organizations", ["organization_id"];
    "organizations_name_key" => "organizations", ["name_key"];
    "organizations_home_key" => "organizations", ["home"];
    "members_pkey" => "members", ["user_id"];
    "roles_pkey" => "roles", ["role_id"];
    "roles_name_key" => "roles", ["organization_id", "name"];
    "role_permissions_pkey" => "role_permissions", ["role_id", "permission"];
    "member_roles_pkey" => "member_roles", ["user_id", "role_id"];
    "permission_namespaces_pkey" => "permission_namespaces", ["namespace"];
    "registered_permissions_pkey" => "registered_permissions", ["name"];
    "service_accounts_pkey" => "service_accounts", ["service_account_id"];
    "guests_pkey" => "guests", ["guest_id"];
    "access_changes_pkey" => "access_changes", ["revision"];
    "audit_events_pkey" => "audit_events", ["event_id"];
    "audit_events_chain_key" => "audit_events", ["chain_id", "sequence"];
    "audit_chains_pkey" => "audit_chains", ["chain_id"];
    "audit_checkpoints_pkey" => "audit_checkpoints", ["chain_id", "sequence"];
    "audit_subject_keys_pkey" => "audit_subject_keys", ["subject_id"];
    "audit_sources_pkey" => "audit_sources", ["source"];
    "audit_gaps_pkey" => "audit_gaps", ["source", "number"];
    "removed_subjects_pkey" => "removed_subjects", ["subject_id"];
    "organization_creations_pkey" => "organization_creations", ["organization_id"];
    "organization_creations_request_key" => "organization_creations", ["actor_id", "request_id"];
};

/// Reports a stored value that no version of this program wrote.
fn corrupt(what: &str) -> DbErr {
    DbErr::Custom(format!("the stored {what} is not one"))
}
