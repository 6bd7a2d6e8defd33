//! The part of the organization context that is about data: models, datasets, and who may compute what on them.
//!
//! One context, two crates: the same proto package, database, outbox and errors as `rolecall-organization`, of which
//! it uses what `rolecall_organization::ground` shows (docs/adr/0012).
//!
//! | Module | Holds |
//! |---|---|
//! | `domain` | datasets; models, their versions and parameter schemas; asset policies; compute specs; pure |
//! | `app` | one use case a file |
//! | `store` | tables, queries, migrations |
//! | `grpc` | the services of `rolecall.organization.v1` about data |
//! | `events` | domain events out, proofs of addresses in |
//! | `peers` | identity, which knows whose addresses are proven |
//! | `context` | [`Governance`]: the wiring |
//!
//! To add a governed resource: its facts in `domain`, its table in `store` with a step of `store/migrations.rs`, a use
//! case whose transaction begins with `change::open`, which brings the revision, the lock and the actor's rights, and a
//! service in `grpc`, added in `context.rs`.

mod app;
mod context;
mod domain;
mod events;
mod grpc;
mod peers;
mod store;

pub use context::{Dependencies, Governance, Worker};
