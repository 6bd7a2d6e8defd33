//! Rows as they are stored.
#![expect(unreachable_pub, reason = "SeaORM's derived types are public; this module is not")]

pub mod access_change;
pub mod audit_event;
pub mod creation;
pub mod guest;
pub mod member;
pub mod organization;
pub mod service_account;
