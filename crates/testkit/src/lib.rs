//! Real parts for tests: databases, clocks, randomness that can be repeated, a mail server.
//!
//! | Module | Holds |
//! |---|---|
//! | [`TestDatabase`], [`on_each_database!`] | a fresh SQLite file or PostgreSQL database; a test that runs on both |
//! | [`postgres`] | the PostgreSQL server of the test run, or one of a test's own that can be killed |
//! | [`TestClock`] | a clock that stands still until it is told otherwise |
//! | [`SeededEntropy`] | randomness that prints its seed |
//! | [`DnsServer`] | a name server that says what a test wants |
//! | [`free_port`] | a port for a server that is killed and started again |
//! | [`smtp`] | a mail server that keeps what it gets and misbehaves on request |
//!
//! A missing part is a failure that names what to install, never a skipped test.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that lacks its parts has to fail where they are missing"
)]

pub mod postgres;
pub mod smtp;

mod clock;
mod database;
mod dns;
mod entropy;
mod port;

pub use clock::TestClock;
pub use database::TestDatabase;
pub use dns::DnsServer;
pub use entropy::SeededEntropy;
pub use port::free_port;
pub use smtp::{Behaviour, Mail, SmtpSink};

/// Returns a setting of the test run.
#[expect(clippy::disallowed_methods, reason = "tests are steered by the environment; no configuration reaches them")]
fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
