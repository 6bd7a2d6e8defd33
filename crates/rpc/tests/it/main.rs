//! The stack and the listener as a client sees them.

#![expect(clippy::expect_used, clippy::panic, reason = "a helper that cannot go on fails its test")]

mod authentication;
mod channel;
mod drain;
mod listener;
mod log;
mod plain;
mod reflection;
mod refusals;
mod streams;
mod web;
mod world;
