//! The part of the organization context that decides who may do what: a snapshot of all facts in memory, one evaluator,
//! and the method of asking both.
//!
//! One context, three crates: the same proto package, database and errors as `rolecall-organization`, of which it uses
//! what `rolecall_organization::ground` shows; it reads the tables of governance beside (docs/adr/0014).
//!
//! | Module | Holds |
//! |---|---|
//! | `domain` | the facts as a snapshot, permissions and rules as tables, the evaluator, explanations, lists; pure |
//! | `app` | which snapshot answers, how it follows the changes, one use case a file |
//! | `store` | facts of one revision out of the tables, changes, replicas, migrations |
//! | `grpc` | `AccessService` |
//! | `context` | [`Access`]: the wiring |
//!
//! To decide about another kind of resource: a line in `domain::vocabulary::Kind`, its facts in `domain::facts` and
//! `store::load`, the place of its ids in `store::load::places`, and a demand in `domain::decide` when it has conditions
//! of its own. Whatever changes such a fact draws a revision and records it with its organization.

mod app;
mod config;
mod context;
mod domain;
mod grpc;
mod store;

pub use config::AccessConfig;
pub use context::{Access, Dependencies, Worker};
