//! How a mail leaves: to a mail server, or into a folder.
//!
//! One mail has one recipient. What is sent twice is the same mail, under the same Message-ID; header values are encoded
//! by their types, so that none can begin another. Who is told what and how often it is tried is the business of the
//! notification context.
//!
//! | Module | Holds |
//! |---|---|
//! | `channel` | the configured way out |
//! | `mail` | a finished mail, and what becomes of it |
//! | `message` | its bytes (RFC 5322, MIME) |
//! | `smtp` | the conversation with a mail server (RFC 5321) |
//! | `folder` | mails as files |
//! | `config` | which mail server, and how it is reached |

mod channel;
mod config;
mod folder;
mod mail;
mod message;
mod smtp;

pub use channel::{Channel, ChannelError, detail, is_sender};
pub use config::{SmtpConfig, SmtpTls};
pub use mail::{Answer, ChannelKind, Mail, Rendered};
