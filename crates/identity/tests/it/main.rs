//! Identity over the wire, on both databases, beside a double of the other contexts.
#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails where it stands")]

mod accounts;
mod bootstrap;
mod harness;
mod invitations;
mod login;
mod others;
mod peers;
mod sagas;
mod service_accounts;
mod users;
mod watching;
