//! The notification context: who must hear about it, and whether they did.
//!
//! Events of the other contexts become deliveries, each once; a worker sends each delivery by mail, at
//! least once and under one Message-ID, or writes it into a folder.
//!
//! | Module | Holds |
//! |---|---|
//! | `domain` | deliveries, notifications, preferences, templates, the retry schedule, what names may hold; pure |
//! | `app` | one use case a file: accept events, send, deliver, gather digests, list, get, retry |
//! | `store` | the tables, the query of each aggregate in a file |
//! | `render`, `templates/` | from a template and what it shows to a mail |
//! | `http` | where one click ends mails that are not mandatory |
//! | `grpc`, `events`, `peers` | the wire: services, events heard and told, other contexts |
//!
//! To tell people of one more thing: a value of `domain::template::Template`, its three files in
//! `templates/v1`, the topic in `events::consume`, and the golden files that `UPDATE_GOLDEN=1` writes.

mod app;
mod config;
mod context;
mod domain;
mod events;
mod grpc;
mod http;
mod jobs;
mod peers;
mod render;
mod store;

pub use config::{LinksConfig, NotificationConfig, SmtpConfig, SmtpTls};
pub use context::{Dependencies, Notification, StartError, Worker};
pub use domain::delivery::ChannelKind;
pub use peers::Peers;
pub use rolecall_mail::ChannelError;
