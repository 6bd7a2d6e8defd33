//! Rows as they are stored.
#![expect(unreachable_pub, reason = "SeaORM's derived types are public; this module is not")]

pub mod access_change;
pub mod audit_chain;
pub mod audit_checkpoint;
pub mod audit_event;
pub mod audit_subject_key;
pub mod creation;
pub mod guest;
pub mod member;
pub mod member_role;
pub mod organization;
pub mod permission_namespace;
pub mod registered_permission;
pub mod role;
pub mod role_permission;
pub mod service_account;
