//! The composition root: configuration, wiring, signals, and the commands of the one who runs the server.
//!
//! | Module | Holds |
//! |---|---|
//! | [`config`] | every setting, from file, environment and flags; all problems at once |
//! | `settings` | from the sections to what each crate asks for |
//! | [`Command`] | `serve`, `migrate`, `config`, `doctor`, `setup-secret`, `version` |
//! | `serve` | the order of a start and of an end |
//! | `compose` | contexts, channels between them, the stack in front of them |
//! | `databases` | opening, checking and migrating the databases of the hosted services |
//! | `follow` | streams from other processes that keep access, revocations and keys fresh |
//! | `doctor` | what is wrong with an installation, and what to do |
//!
//! To host a further context: its section in `config/schema`, its databases in `databases.rs`, its file in `compose/`.

mod announce;
mod command;
mod compose;
pub mod config;
mod data_dir;
mod databases;
mod doctor;
mod follow;
mod serve;
mod settings;

pub use command::{Command, run};

/// The version of the server.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
