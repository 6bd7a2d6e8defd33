//! Organization as its callers see it, on both databases: real messages, the real codec, the real rules.
#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot go on has to fail where it stands")]

mod admins;
mod audit;
mod audit_chain;
mod audit_export;
mod audit_tamper;
mod blocks;
mod bootstrap;
mod custom_roles;
mod endings;
mod foreign;
mod guests;
mod member_filters;
mod memberships;
mod organizations;
mod owners;
mod permissions;
mod policy;
mod races;
mod registering;
mod roles;
mod roles_by_identity;
mod service_accounts;
mod settings;
mod sign_in;
mod stage;
mod suspension;
mod validation;
mod watch;
