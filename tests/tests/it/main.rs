//! The stories that Rolecall must tell, told over the wire.
#![expect(clippy::panic, clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod acting;
mod attacks;
mod authorization;
mod bad_input;
mod clients;
mod contract;
mod crash;
mod journey;
mod mail;
mod mfa;
mod pages;
mod race;
mod registration;
mod rotation;
mod settings;
mod sources;
mod taint;
mod tokens;
mod world;
