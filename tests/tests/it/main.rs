//! The stories that Rolecall must tell, told over the wire.
#![expect(clippy::panic, clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod acting;
mod attacks;
mod audited;
mod authorization;
mod bad_input;
mod clients;
mod command_line;
mod compute_specs;
mod contract;
mod crash;
mod journey;
mod mail;
mod mfa;
mod pages;
mod race;
mod refusals;
mod registration;
mod rotation;
mod settings;
mod sources;
mod sso;
mod suspension;
mod taint;
mod tokens;
mod world;
