//! Identity over the wire, on both databases, beside a double of the other contexts.
#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails where it stands")]

mod access_tokens;
mod accounts;
mod authenticator;
mod bootstrap;
mod challenges;
mod credentials;
mod deletions;
mod email_change;
mod factors;
mod harness;
mod introspection;
mod invitations;
mod login;
mod login_model;
mod mailbox;
mod others;
mod password_reset;
mod peers;
mod pending_invitations;
mod profile;
mod reauthentication;
mod sagas;
mod service_accounts;
mod sessions;
mod signing_keys;
mod user_lists;
mod user_updates;
mod users;
mod watching;
