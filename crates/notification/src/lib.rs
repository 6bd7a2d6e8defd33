//! The notification context: who must hear about it, and whether they did.
//!
//! Events of the other contexts become deliveries, each once; a worker sends each delivery by mail, at
//! least once and under one Message-ID, or writes it into a folder.
//!
//! | Module | Holds |
//! |---|---|
//! | `domain` | deliveries, templates, the retry schedule, what names may hold; pure |
//! | `app` | one use case a file: accept events, deliver, list, get, retry |
//! | `store` | the tables `deliveries` and `delivery_attempts` |
//! | `render`, `templates/` | from a template and what it shows to a mail |
//! | `channel` | the mail server, or the folder |
//! | `grpc`, `events`, `peers` | the wire: services, events heard and told, other contexts |
//!
//! To tell people of one more thing: a value of `domain::template::Template`, its three files in
//! `templates/v1`, the topic in `events::consume`, and the golden files that `UPDATE_GOLDEN=1` writes.

mod app;
mod channel;
mod config;
mod context;
mod domain;
mod events;
mod grpc;
mod jobs;
mod peers;
mod render;
mod store;

pub use channel::ChannelError;
pub use config::{LinksConfig, NotificationConfig, SmtpConfig, SmtpTls};
pub use context::{Dependencies, Notification, StartError, Worker};
pub use domain::delivery::ChannelKind;
pub use peers::Peers;
