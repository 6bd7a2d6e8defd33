//! The organization context: where subjects belong and what they may do. It is the authority on permission.
//!
//! | Module | Holds |
//! |---|---|
//! | `domain` | the permission catalogue, roles, the grant rule, guards, the evaluator; pure |
//! | `app` | one use case a file |
//! | `store` | tables, queries, migrations |
//! | `grpc` | the services of `rolecall.organization.v1` |
//! | `events` | domain events out, audit entries in |
//! | `peers` | identity, and the delivery of events |
//! | `jobs` | following, recovering, tidying |
//! | [`ground`] | what the governed resources stand on (`rolecall-governance`) |
//! | `context` | [`Organization`]: the wiring |
//!
//! To add a permission: one line in `domain/permission.rs`, then
//! `UPDATE_GOLDEN=1 cargo test -p rolecall-organization`, and review the golden file. To add a change
//! of a member: a use case whose `run` calls `change_member::apply`, which brings the lock, the
//! scope, the guards and the event.

pub mod ground;

mod app;
mod config;
mod context;
mod domain;
mod events;
mod grpc;
mod jobs;
mod peers;
mod store;

pub use app::subject_access::LocalAccess;
pub use config::OrganizationConfig;
pub use context::{Dependencies, Organization, Worker};
pub use events::consume::DescriptorError;
pub use peers::Peers;
