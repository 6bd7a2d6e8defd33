//! The crate from outside: real descriptors, really signed tokens, the layer around a service.

#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

mod acting;
mod guests;
mod keys;
mod layer;
mod personal;
mod policy;
mod reasons;
mod standing;
mod support;
mod tokens;
