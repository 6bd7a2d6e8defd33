//! The black-box tests of Rolecall: the real binary, over the wire, with real databases and mail.
//!
//! | Module | Holds |
//! |---|---|
//! | [`stack`] | starts, kills and restarts servers in every layout |
//! | [`actor`] | somebody who calls: a person, an administrator, a backend |
//! | [`authenticator`] | an authenticator app on the real clock |
//! | [`browser`], [`html`] | looks at pages and fills in forms |
//! | [`identity_provider`] | an identity provider of the real kind, and the browser of somebody who logs in there |
//! | [`mail`] | reads the mails that arrived |
//! | [`raw`] | calls any method by its path, with any bytes |
//! | [`refusal`] | reads a refusal as a client would |
//!
//! The stories are in `tests/it/`. A test helper that fails is a failed test, so helpers panic.
#![expect(clippy::expect_used, clippy::panic, reason = "a helper that fails is a failed test")]

pub mod actor;
pub mod authenticator;
pub mod browser;
pub mod html;
pub mod identity_provider;
pub mod mail;
pub mod raw;
pub mod refusal;
pub mod stack;
