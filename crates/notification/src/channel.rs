//! How a mail leaves: to a mail server, or into a folder.

mod folder;
mod message;
mod smtp;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use lettre::message::Mailbox;
use rolecall_kernel::time::Timestamp;

use crate::config::NotificationConfig;
use crate::domain::delivery::ChannelKind;
use crate::domain::mail::Mail;
use crate::domain::schedule::Outcome;
use folder::Folder;
use message::Encoder;
use smtp::Smtp;

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
pub(crate) struct Channel {
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

impl Channel {
    /// Makes the channel that is configured: a mail server if there is one, else the folder.
    pub(crate) fn new(config: &NotificationConfig) -> Result<Self, ChannelError> {
        let from: Mailbox = config.from.parse().map_err(|_| ChannelError::Sender)?;
        let route = match &config.smtp {
            Some(smtp) => Route::Smtp(Arc::new(Smtp::new(smtp, config, &from)?)),
            None => Route::Folder(Arc::new(Folder::open(&config.mail_folder)?)),
        };
        Ok(Self { encoder: Arc::new(Encoder::new(from)), route, resting: Arc::default() })
    }

    /// Returns which it is.
    pub(crate) fn kind(&self) -> ChannelKind {
        match self.route {
            Route::Smtp(_) => ChannelKind::Smtp,
            Route::Folder(_) => ChannelKind::Folder,
        }
    }

    /// Hands a mail over, and says what became of it.
    pub(crate) async fn send(&self, mail: &Mail) -> Outcome {
        let message = match self.encoder.encode(mail) {
            Ok(message) => message,
            Err(error) => return Outcome::Refused(detail(&format!("the address cannot be written: {error}"))),
        };
        match &self.route {
            Route::Smtp(smtp) => smtp.send(message).await,
            Route::Folder(folder) => folder.send(mail.delivery_id, message.bytes).await,
        }
    }

    /// Lets it rest, after it turned out to be unusable.
    pub(crate) fn rest_until(&self, until: Timestamp) {
        self.resting.fetch_max(until.as_micros(), Ordering::Relaxed);
    }

    /// Tells whether it rests.
    pub(crate) fn is_resting(&self, now: Timestamp) -> bool {
        now.as_micros() < self.resting.load(Ordering::Relaxed)
    }
}

/// Shortens what a channel says to one line that is safe to show.
pub(crate) fn detail(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect();
    words.join(" ").chars().take(DETAIL_MAX).collect()
}
