//! The administrator's commands: everything they do goes through the public API.
//!
//! | Module | Holds |
//! |---|---|
//! | [`Command`] | the commands and their dispatch |
//! | `commands/` | one file a group: arguments, call, what a table shows |
//! | `browser` | the way through the person's browser, and back by an address of this machine |
//! | `connection` | the way to the server, the token that goes along |
//! | `token_file` | the tokens of this machine's user, readable by nobody else |
//! | `output` | tables and JSON, both made from the contract's own description |
//! | `failure` | errors as people read them, and the exit code of each |
//! | `secrets` | passwords and codes, from a prompt or standard input, never from an argument |
//!
//! To add a command: a variant with its arguments and examples in the group's file, one arm that calls and names the
//! columns; the tests of `command.rs` check that it has help and that its examples parse.

mod browser;
mod command;
mod commands;
mod connection;
mod failure;
mod output;
mod secrets;
mod token_file;

pub use command::{Command, run};
pub use failure::{EXIT_CODES, Failure};
