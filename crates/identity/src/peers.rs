//! The other contexts, in the words of this one.

mod convert;
pub(crate) mod deliver;
mod guests;
pub(crate) mod organization;
mod registration;
mod settings;

pub(crate) use organization::{Access, Organization, OrganizationName, PeerError, Refusal, RoleChange};
pub(crate) use settings::{OrganizationSettings, Passwords, RegistrationMode};
