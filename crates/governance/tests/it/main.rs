//! Governance as its callers see it, on both databases: real messages, the real codec, the real rules.
#![expect(clippy::expect_used, reason = "a test that cannot go on has to fail where it stands")]

mod asset_policies;
mod beneficiaries;
mod compute_specs;
mod datasets;
mod foreign;
mod granted;
mod models;
mod stage;
