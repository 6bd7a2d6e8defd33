//! The configured way out.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use lettre::message::Mailbox;
use rolecall_kernel::time::Timestamp;

use crate::config::SmtpConfig;
use crate::folder::Folder;
use crate::mail::{Answer, ChannelKind, Mail};
use crate::message::{EncodeError, Encoder};
use crate::smtp::Smtp;

/// The most characters kept of what a channel answers.
const DETAIL_MAX: usize = 300;

/// Why mails cannot be sent with this configuration; the text says what to change.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// The sender is no address.
    #[error("the sender of mails, notification.from, must be written like Rolecall <rolecall@example.org>")]
    Sender,
    /// The folder cannot be used.
    #[error("the mail folder {path} cannot be used ({reason}): check that it can be made and written")]
    Folder {
        /// The folder.
        path: String,
        /// Why.
        reason: String,
    },
    /// The certificate authority cannot be used.
    #[error("notification.smtp.ca_file {path} cannot be used ({reason})")]
    CaFile {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// Encryption cannot be set up.
    #[error("the connection to the mail server cannot be encrypted ({0}): check notification.smtp")]
    Tls(String),
}

/// The configured way out; clones share its connections.
#[derive(Clone)]
pub struct Channel {
    encoder: Arc<Encoder>,
    route: Route,
    /// Until when it rests, in microseconds.
    resting: Arc<AtomicI64>,
}

#[derive(Clone)]
enum Route {
    Smtp(Arc<Smtp>),
    Folder(Arc<Folder>),
}

impl std::fmt::Debug for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Channel").field("kind", &self.kind()).finish_non_exhaustive()
    }
}

impl Channel {
    /// Makes the channel that is configured: a mail server if there is one, else the folder.
    pub fn new(
        from: &str,
        smtp: Option<&SmtpConfig>,
        folder: &Path,
        connect_timeout: Duration,
    ) -> Result<Self, ChannelError> {
        let from: Mailbox = from.parse().map_err(|_| ChannelError::Sender)?;
        let route = match smtp {
            Some(smtp) => Route::Smtp(Arc::new(Smtp::new(smtp, connect_timeout, &from)?)),
            None => Route::Folder(Arc::new(Folder::open(folder)?)),
        };
        Ok(Self { encoder: Arc::new(Encoder::new(from)), route, resting: Arc::default() })
    }

    /// Returns which it is.
    pub fn kind(&self) -> ChannelKind {
        match self.route {
            Route::Smtp(_) => ChannelKind::Smtp,
            Route::Folder(_) => ChannelKind::Folder,
        }
    }

    /// Hands a mail over, and says what became of it.
    pub async fn send(&self, mail: &Mail) -> Answer {
        let message = match self.encoder.encode(mail) {
            Ok(message) => message,
            Err(error @ EncodeError::Address(_)) => {
                return Answer::NoSuchRecipient(detail(&format!("the address cannot be written: {error}")));
            }
            Err(error @ EncodeError::Message(_)) => {
                return Answer::Never(detail(&format!("the mail cannot be written: {error}")));
            }
        };
        match &self.route {
            Route::Smtp(smtp) => smtp.send(message).await,
            Route::Folder(folder) => folder.send(mail.delivery_id, message.bytes).await,
        }
    }

    /// Lets it rest, after it turned out to be unusable.
    pub fn rest_until(&self, until: Timestamp) {
        self.resting.fetch_max(until.as_micros(), Ordering::Relaxed);
    }

    /// Tells whether it rests.
    pub fn is_resting(&self, now: Timestamp) -> bool {
        now.as_micros() < self.resting.load(Ordering::Relaxed)
    }
}

/// Tells whether a text is a sender, such as `Rolecall <rolecall@example.org>`.
pub fn is_sender(text: &str) -> bool {
    text.parse::<Mailbox>().is_ok()
}

/// Shortens what a channel says to one line that is safe to show.
pub fn detail(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect();
    words.join(" ").chars().take(DETAIL_MAX).collect()
}
