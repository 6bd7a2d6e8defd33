//! Mails to a mail server (RFC 5321), over connections that are kept.
//!
//! The conversation is led here step by step, since what a refusal means depends on the step: of the
//! recipient it is final, of our credentials or our sender it says nothing about the mail.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailParameter};
use secrecy::ExposeSecret as _;
use tokio::time::Instant;

use crate::channel::{ChannelError, detail};
use crate::config::{SmtpConfig, SmtpTls};
use crate::mail::Answer;
use crate::message::Message;

/// A connection that was not used for so long is not used again; servers hang up after minutes.
const IDLE: Duration = Duration::from_secs(20);

/// The way to one mail server.
pub(super) struct Smtp {
    host: String,
    port: u16,
    tls: SmtpTls,
    /// None when the connection is not encrypted.
    parameters: Option<TlsParameters>,
    credentials: Option<Credentials>,
    name: ClientId,
    connect_timeout: Duration,
    idle: Mutex<Vec<(AsyncSmtpConnection, Instant)>>,
}

/// Where the conversation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Connect,
    Authenticate,
    Sender,
    Recipient,
    Data,
    Content,
}

/// What went wrong, and where.
struct Failure {
    step: Step,
    error: Error,
}

impl Step {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connecting",
            Self::Authenticate => "authentication",
            Self::Sender => "MAIL FROM",
            Self::Recipient => "RCPT TO",
            Self::Data => "DATA",
            Self::Content => "the message",
        }
    }

    fn failed(self, error: Error) -> Failure {
        Failure { step: self, error }
    }
}

impl Smtp {
    pub(super) fn new(smtp: &SmtpConfig, connect_timeout: Duration, from: &Mailbox) -> Result<Self, ChannelError> {
        let password = smtp.password.as_ref().map(|password| password.expose_secret().to_owned());
        Ok(Self {
            host: smtp.host.clone(),
            port: smtp.port(),
            tls: smtp.tls,
            parameters: (smtp.tls != SmtpTls::None).then(|| parameters(smtp)).transpose()?,
            credentials: smtp.username.clone().zip(password).map(|(name, password)| Credentials::new(name, password)),
            name: ClientId::Domain(from.email.domain().to_owned()),
            connect_timeout,
            idle: Mutex::default(),
        })
    }

    /// Sends a mail over a kept connection or a new one.
    pub(super) async fn send(&self, message: Message) -> Answer {
        if let Some(mut connection) = self.kept() {
            match transfer(&mut connection, &message).await {
                // The server hung up meanwhile; nothing was handed over yet, so a new connection may try.
                Err(failure) if failure.is_stale() => {}
                result => return self.finish(connection, result),
            }
        }
        match self.connect().await {
            Ok(mut connection) => {
                let result = transfer(&mut connection, &message).await;
                self.finish(connection, result)
            }
            Err(failure) => failure.outcome(),
        }
    }

    fn kept(&self) -> Option<AsyncSmtpConnection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(_, since)| since.elapsed() < IDLE);
        idle.pop().map(|(connection, _)| connection)
    }

    /// Keeps the connection after a success; after anything else its state is not worth knowing.
    fn finish(&self, connection: AsyncSmtpConnection, result: Result<String, Failure>) -> Answer {
        match result {
            Ok(answer) => {
                let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
                idle.push((connection, Instant::now()));
                Answer::Taken(answer)
            }
            Err(failure) => failure.outcome(),
        }
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Failure> {
        let implicit = self.parameters.clone().filter(|_| self.tls == SmtpTls::Implicit);
        let server = (self.host.as_str(), self.port);
        let opened =
            AsyncSmtpConnection::connect_tokio1(server, Some(self.connect_timeout), &self.name, implicit, None).await;
        let mut connection = opened.map_err(|error| Step::Connect.failed(error))?;
        if let (SmtpTls::StartTls, Some(parameters)) = (self.tls, &self.parameters) {
            // Fails when the server does not offer it: nothing is ever sent in the clear instead.
            let upgraded = connection.starttls(parameters.clone(), &self.name).await;
            upgraded.map_err(|error| Step::Connect.failed(error))?;
        }
        if let Some(credentials) = &self.credentials {
            let admitted = connection.auth(DEFAULT_MECHANISMS, credentials).await;
            admitted.map_err(|error| Step::Authenticate.failed(error))?;
        }
        Ok(connection)
    }
}

/// Leads one mail through a connection and returns what the server said last.
async fn transfer(connection: &mut AsyncSmtpConnection, message: &Message) -> Result<String, Failure> {
    let is_ascii = AsRef::<str>::as_ref(&message.recipient).is_ascii();
    let offers_utf8 = connection.server_info().supports_feature(Extension::SmtpUtfEight);
    // A server without SMTPUTF8 (RFC 6531) refuses the recipient itself, with a reason that is worth showing.
    let options = if !is_ascii && offers_utf8 { vec![MailParameter::SmtpUtfEight] } else { Vec::new() };
    let sender = Mail::new(Some(message.sender.clone()), options);
    connection.command(sender).await.map_err(|error| Step::Sender.failed(error))?;
    let recipient = Rcpt::new(message.recipient.clone(), Vec::new());
    connection.command(recipient).await.map_err(|error| Step::Recipient.failed(error))?;
    connection.command(Data).await.map_err(|error| Step::Data.failed(error))?;
    let answer = connection.message(&message.bytes).await.map_err(|error| Step::Content.failed(error))?;
    Ok(detail(&answer.message().collect::<Vec<_>>().join(" ")))
}

impl Failure {
    /// Tells whether a kept connection had ended before it was used.
    fn is_stale(&self) -> bool {
        let said_goodbye = self.error.status().is_some_and(|code| u16::from(code) == 421);
        self.step == Step::Sender && (self.error.status().is_none() || said_goodbye)
    }

    fn outcome(&self) -> Answer {
        let text = detail(&format!("{}: {}", self.step.as_str(), self.error));
        match (self.step, self.error.is_permanent()) {
            // Wrong credentials stay wrong: asking again and again locks the account.
            (Step::Authenticate, _) if self.error.status().is_some() || self.error.is_client() => {
                Answer::Unusable(text)
            }
            (Step::Sender, true) => Answer::Unusable(text),
            (Step::Recipient, true) if is_about_recipient(&text) => Answer::NoSuchRecipient(text),
            (Step::Recipient | Step::Data | Step::Content, true) => Answer::Never(text),
            _ => Answer::Later(text),
        }
    }
}

/// Tells whether a refusal says for certain that the address gets no mail (enhanced status codes, RFC 3463).
///
/// What says nothing of the kind may be about us, our relay or a policy: then everybody would be taken for unknown as
/// long as that lasts.
fn is_about_recipient(answer: &str) -> bool {
    let known = ["5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"];
    let is_separator = |letter: char| !letter.is_ascii_digit() && letter != '.';
    answer.split(is_separator).any(|word| known.contains(&word.trim_end_matches('.')))
}

fn parameters(smtp: &SmtpConfig) -> Result<TlsParameters, ChannelError> {
    let mut builder = TlsParameters::builder(smtp.host.clone());
    if let Some(path) = &smtp.ca_file {
        let failed = |reason: String| ChannelError::CaFile { path: path.display().to_string(), reason };
        let pem = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
        builder = builder.add_root_certificate(Certificate::from_pem(&pem).map_err(|error| failed(error.to_string()))?);
    }
    builder.build().map_err(|error| ChannelError::Tls(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refusal_that_says_so_is_about_the_address() {
        for about in [
            "RCPT TO: permanent error (550): 5.1.1 no such user",
            "RCPT TO: permanent error (553): no such user (#5.1.1)",
            "RCPT TO: permanent error (550): 5.1.10: recipient not found",
        ] {
            assert!(is_about_recipient(about), "{about}");
        }
        for other in [
            "permanent error (554): 5.7.1 relay access denied",
            "permanent error (552): 5.2.2 over quota",
            "permanent error (550): relay not permitted",
            "permanent error (530): SMTP authentication is required",
            "permanent error (553): sorry, that domain isn't in my list (#5.7.1)",
            "permanent error (550): 5.1.8 sender address rejected",
            "permanent error (550): unknown",
        ] {
            assert!(!is_about_recipient(other), "{other}");
        }
    }
}
