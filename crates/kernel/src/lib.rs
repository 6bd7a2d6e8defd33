//! The vocabulary of Rolecall: what every other crate may speak of.
//!
//! No I/O, no async, no wire format, no framework: this crate outlives them.
//!
//! | Module | Holds |
//! |---|---|
//! | [`id`] | typed `UUIDv7` identifiers |
//! | [`time`] | [`Timestamp`](time::Timestamp) and the [`Clock`](time::Clock) that is handed in |
//! | [`entropy`] | the [`Entropy`](entropy::Entropy) that is handed in, and one-time secrets |
//! | [`key`] | the master key and the keys derived from it; sealing |
//! | [`audit`] | the hash chain of the audit log, and its checkpoints |
//! | [`calendar`] | times as people read them |
//! | [`network`] | the networks that callers come from |
//! | [`page`] | page sizes and sealed page tokens |
//! | [`text`] | e-mail addresses, names, web addresses |
//!
//! To add an identifier: one line in `id.rs`. To add a text type: a `parse` that returns
//! [`text::TextError`], its documented limits, and a property test beside it.

pub mod audit;
pub mod calendar;
pub mod entropy;
pub mod id;
pub mod key;
pub mod network;
pub mod page;
pub mod text;
pub mod time;
