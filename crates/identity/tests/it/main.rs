//! Identity over the wire, on both databases, beside a double of the other contexts.

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
