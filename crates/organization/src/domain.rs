//! The rules of organizations, as pure functions: no input but arguments, no output but answers.

pub(crate) mod actor;
pub(crate) mod audit;
pub(crate) mod custom_role;
pub(crate) mod event;
pub(crate) mod guard;
pub(crate) mod guest;
pub(crate) mod member;
pub(crate) mod member_filter;
pub(crate) mod organization;
pub(crate) mod page;
pub(crate) mod permission;
pub(crate) mod role;
pub(crate) mod service_account;
pub(crate) mod settings;
