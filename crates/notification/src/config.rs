//! The `[notification]` section of the configuration.

mod links;

use std::path::PathBuf;
use std::time::Duration;

use rolecall_kernel::text::Website;
use serde::Deserialize;

use crate::domain::schedule::Schedule;

pub use links::LinksConfig;
pub(crate) use links::link;
pub use rolecall_mail::{SmtpConfig, SmtpTls};

/// How this context works.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NotificationConfig {
    /// The address of the server that mails name, such as `https://rolecall.example.org`; set from `[server]`.
    #[serde(skip)]
    pub external_url: String,
    /// Where the links of mails lead; set from `[links]` and `[pages]`.
    #[serde(skip)]
    pub links: LinksConfig,
    /// The folder that mails are written into while no mail server is configured; `mail` in the data folder.
    #[serde(skip)]
    pub mail_folder: PathBuf,
    /// Who the mails come from, such as `Rolecall <rolecall@example.org>`; its domain ends every Message-ID.
    pub from: String,
    /// The mail server; absent means the folder.
    pub smtp: Option<SmtpConfig>,
    /// Pauses after the first, second, ... failed try; the last one repeats.
    #[serde(deserialize_with = "durations")]
    pub retry: Vec<Duration>,
    /// How long a mail that does not expire is tried before it is parked.
    #[serde(with = "humantime_serde")]
    pub give_up_after: Duration,
    /// How long the mail server rests after it refused our credentials or our sender.
    #[serde(with = "humantime_serde")]
    pub channel_pause: Duration,
    /// How long one attempt may take.
    #[serde(with = "humantime_serde")]
    pub send_timeout: Duration,
    /// How long a claim holds; a dead process's mails are taken up after that.
    #[serde(with = "humantime_serde")]
    pub lease: Duration,
    /// How often the database is asked for work that another process accepted.
    #[serde(with = "humantime_serde")]
    pub poll: Duration,
    /// How many mails are sent at once.
    pub concurrency: u16,
    /// How many mails of one category a person gets in 24 hours, mandatory ones apart; a digest tells the rest.
    pub mails_per_day: u16,
    /// How often in 24 hours one sender that is not trusted with the whole installation writes to one person.
    pub messages_per_day: u16,
    /// How long deliveries are kept once they are sent, parked or expired.
    #[serde(with = "humantime_serde")]
    pub retention: Duration,
}

const MINUTE: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);

impl Default for NotificationConfig {
    fn default() -> Self {
        Self {
            external_url: "http://127.0.0.1:50051".to_owned(),
            links: LinksConfig::default(),
            mail_folder: PathBuf::from("rolecall-data/mail"),
            from: "Rolecall <rolecall@localhost>".to_owned(),
            smtp: None,
            retry: [1, 5, 15, 30, 60].map(|minutes| MINUTE * minutes).to_vec(),
            give_up_after: DAY * 3,
            channel_pause: MINUTE,
            send_timeout: MINUTE / 2,
            lease: MINUTE,
            poll: Duration::from_secs(1),
            concurrency: 8,
            mails_per_day: 20,
            messages_per_day: 50,
            retention: DAY * 90,
        }
    }
}

impl NotificationConfig {
    /// Reports everything that is wrong with the section.
    pub fn validate(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut claim = |holds: bool, problem: &str| {
            if !holds {
                problems.push(format!("notification.{problem}"));
            }
        };
        claim(
            is_shell_safe(&self.external_url),
            "external_url: must be a plain address such as https://rolecall.example.org",
        );
        claim(rolecall_mail::is_sender(&self.from), "from: must be a sender such as Rolecall <rolecall@example.org>");
        claim(!self.retry.is_empty(), "retry: must hold at least one pause");
        claim(self.retry.iter().all(|pause| !pause.is_zero()), "retry: must hold no pause of zero");
        claim((1..=256).contains(&self.concurrency), "concurrency: must be 1 to 256");
        claim(self.mails_per_day > 0, "mails_per_day: must be 1 at least; people end mails by their preferences");
        claim(self.messages_per_day > 0, "messages_per_day: must be 1 at least");
        claim(!self.poll.is_zero(), "poll: must be longer than zero");
        claim(!self.send_timeout.is_zero(), "send_timeout: must be longer than zero");
        claim(
            self.send_timeout * 2 <= self.lease,
            "send_timeout: must be at most half of lease, so that no mail is sent by two processes",
        );
        if let Some(smtp) = &self.smtp {
            problems.extend(smtp.problems());
        }
        problems.extend(self.links.problems());
        problems
    }

    pub(crate) fn schedule(&self) -> Schedule {
        Schedule { pauses: self.retry.clone(), give_up_after: self.give_up_after, channel_pause: self.channel_pause }
    }
}

/// The address goes into command lines that people paste into a shell.
fn is_shell_safe(url: &str) -> bool {
    let is_safe = |c: char| c.is_ascii_alphanumeric() || "-._:/[]".contains(c);
    Website::parse(url).is_ok() && url.chars().all(is_safe)
}

fn durations<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Duration>, D::Error> {
    let pauses = Vec::<humantime_serde::Serde<Duration>>::deserialize(deserializer)?;
    Ok(pauses.into_iter().map(humantime_serde::Serde::into_inner).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid() {
        assert_eq!(NotificationConfig::default().validate(), Vec::<String>::new());
    }

    #[test]
    fn all_problems_are_reported_at_once() {
        let config = NotificationConfig {
            external_url: "https://example.org/$(reboot)".to_owned(),
            from: "nobody".to_owned(),
            retry: Vec::new(),
            concurrency: 0,
            mails_per_day: 0,
            messages_per_day: 0,
            send_timeout: MINUTE,
            smtp: Some(SmtpConfig {
                host: "mail.example.org".to_owned(),
                port: None,
                tls: SmtpTls::None,
                ca_file: None,
                username: Some("rolecall".to_owned()),
                password: None,
            }),
            ..NotificationConfig::default()
        };
        let problems = config.validate().join("\n");
        for part in [
            "external_url",
            "from",
            "retry",
            "concurrency",
            "mails_per_day",
            "messages_per_day",
            "send_timeout",
            "smtp.tls",
            "username",
        ] {
            assert!(problems.contains(part), "{part} in {problems}");
        }
    }

    #[test]
    fn a_section_is_read_and_unknown_keys_are_refused() {
        let read = |text| serde_json::from_str::<NotificationConfig>(text);
        let config = read(r#"{"retry": ["1s", "2m"], "smtp": {"host": "mail", "tls": "starttls", "password": "x"}}"#);
        let config = config.expect("valid");
        assert_eq!(config.retry, [Duration::from_secs(1), MINUTE * 2]);
        assert_eq!(config.smtp.as_ref().map(SmtpConfig::port), Some(587));
        assert!(!format!("{config:?}").contains("\"x\""), "the password is not printed");
        assert!(read(r#"{"colour": "red"}"#).is_err());
    }
}
