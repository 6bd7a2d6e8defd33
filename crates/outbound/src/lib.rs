//! Requests to addresses that somebody else chose: identity providers now, receivers of webhooks later.
//!
//! Whoever configures such an address must not reach what only this server can reach (server-side request forgery). So
//! there is one way out, and it asks the same questions every time:
//!
//! | Module | Holds |
//! |---|---|
//! | [`config`] | what the operator opens |
//! | [`guard`] | which addresses may be spoken to; pure |
//! | [`names`] | addresses and texts of the Domain Name System |
//! | [`client`] | one request: resolved once, connected to that very address, no redirects, no proxy, small and short |
//!
//! To use it: [`Outbound::new`] once, then [`Outbound::send`] for each request.

pub mod client;
pub mod config;
pub mod guard;
pub mod names;
mod tls;

pub use client::{Error, Outbound};
pub use config::{ConfigError, OutboundConfig};
pub use names::{LookupError, Names};
