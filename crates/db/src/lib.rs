//! Databases of Rolecall: SQLite and PostgreSQL behind one set of functions.
//!
//! A context owns one [`Database`]. It reads through [`Database::reader`], which cannot write, and
//! changes things only inside [`Database::write`], whose transaction commits or leaves nothing.
//!
//! | Module | Holds |
//! |---|---|
//! | [`Database`], [`Reader`], [`View`], [`Tx`] | pools, reading, reading one state, writing, retry after conflicts |
//! | [`Error`], [`constraints!`] | what a caller can act on; names of unique constraints on both databases |
//! | [`migrate`] | the schema's steps, applied under a lock, and the tables of this crate |
//! | [`outbox`], [`relay`], [`inbox`] | events: appended with the change, delivered at least once, handled once |
//! | [`feed`], [`sequencer`] | change feeds that many readers follow, numbered without gaps |
//! | [`leases`] | one worker among many replicas |
//! | `nudge` | who is woken by a commit, here and in other processes |
//! | [`idempotency`], [`once`] | answers kept for repeated requests; changes that are made once |
//!
//! Time and randomness are arguments. A new table of a context is a migration of that context; a
//! new table of every context is a step in `migrate/platform.rs`.

pub mod fault;
pub mod feed;
pub mod idempotency;
pub mod inbox;
pub mod leases;
pub mod migrate;
pub mod once;
pub mod outbox;
pub mod relay;
pub mod sequencer;
pub mod sweep;

mod config;
mod connect;
mod constraint;
mod database;
mod error;
mod lock;
mod nudge;
mod sql;
mod transaction;
mod view;

pub use config::DatabaseConfig;
pub use connect::ConnectError;
pub use constraint::UniqueConstraint;
pub use database::{Backend, Database, Reader};
pub use error::Error;
pub use feed::FeedEntry;
pub use leases::Lease;
pub use lock::LockRows;
pub use migrate::{Applied, MigrateError, SchemaState};
pub use outbox::{Consumer, Event};
pub use relay::{Deliver, Outcome, Relay, RelayConfig, RelayWaker};
/// What statements run on: a transaction or a reader. Use cases name it without seeing the mapper.
pub use sea_orm::ConnectionTrait as Connection;
pub use sequencer::{Sequencer, SequencerConfig};
pub use transaction::Tx;
pub use view::View;
