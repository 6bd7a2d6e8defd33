//! The identity context: accounts, invitations, credentials, sessions, tokens, service accounts.
//!
//! | Module | Holds |
//! |---|---|
//! | `domain` | what an account, an invitation, a session are, and how each may change; pure |
//! | `app` | use cases, one a file |
//! | `store` | the tables, and the schema's steps |
//! | `grpc` | one file a service; conversion and errors |
//! | `peers` | the other contexts, in words of this one |
//! | `events` | what is told to others, and what is done about what they tell |
//! | `hashing` | passwords, bounded by processors |
//! | `oidc` | identity providers over the wire |
//! | `http` | the keys of access tokens for verifiers outside |
//! | `pages` | what mails link to, for browsers |
//! | `qr_code` | what authenticator apps read, as an image |
//! | `jobs` | recovery of unfinished work, revocations of other processes, sweeps |
//! | [`context`] | the wiring |
//!
//! To add a method: its line in `proto/`, `cargo xtask codegen`, a use case in `app/`, its errors in
//! `grpc/status.rs`, its handler in the service's file under `grpc/`.

mod app;
mod config;
pub mod context;
mod domain;
mod events;
mod grpc;
mod hashing;
mod http;
mod jobs;
mod oidc;
mod pages;
mod peers;
mod qr_code;
mod store;

pub use app::signing_keys::SigningKeyError;
pub use config::{HashingConfig, IdentityConfig, PageLinks, PagesConfig};
pub use context::{Dependencies, Identity, Peers, SetupSecret, StartError, Worker};
