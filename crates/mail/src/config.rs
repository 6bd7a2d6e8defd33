//! Which mail server takes mails, and how it is reached.

use std::path::PathBuf;

use secrecy::SecretString;
use serde::Deserialize;

/// A mail server to hand mails to.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmtpConfig {
    /// Name of the server, as in its certificate.
    pub host: String,
    /// Port; 465 for `implicit`, 587 for `starttls`, 25 for `none` when absent.
    #[serde(default)]
    pub port: Option<u16>,
    /// How the connection is encrypted.
    #[serde(default)]
    pub tls: SmtpTls,
    /// A certificate authority in PEM form beside those of the system.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// User name; absent means without authentication.
    #[serde(default)]
    pub username: Option<String>,
    /// The password of the user.
    #[serde(default)]
    pub password: Option<SecretString>,
}

/// How the connection to a mail server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmtpTls {
    /// From its first byte (RFC 8314).
    #[default]
    Implicit,
    /// By the STARTTLS command, which the server must offer.
    StartTls,
    /// Not at all; only to this machine.
    None,
}

impl SmtpConfig {
    /// Returns the port, the usual one for the encryption when none was given.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.tls {
            SmtpTls::Implicit => 465,
            SmtpTls::StartTls => 587,
            SmtpTls::None => 25,
        })
    }

    /// Reports everything that is wrong with it.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.host.trim().is_empty() {
            problems.push("notification.smtp.host: must name the mail server".to_owned());
        }
        if self.tls == SmtpTls::None && !is_loopback(&self.host) {
            problems.push("notification.smtp.tls: may be none only for a mail server on this machine".to_owned());
        }
        if self.username.is_some() != self.password.is_some() {
            problems.push("notification.smtp: username and password belong together; give both or none".to_owned());
        }
        problems
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
