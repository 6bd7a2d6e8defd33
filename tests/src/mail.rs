//! The mails that arrived, whichever way they came.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mail_parser::{HeaderValue, MessageParser};
use rolecall_testkit::SmtpSink;

/// A mail as its reader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Address that it went to.
    pub to: String,
    /// Subject line.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// Its `Message-ID`.
    pub message_id: String,
}

impl Mail {
    /// Reads a mail from its bytes.
    pub fn parse(raw: &[u8]) -> Self {
        let message = MessageParser::default().parse(raw).expect("a mail that can be parsed");
        let to = message.to().and_then(|to| to.first()).and_then(|to| to.address()).unwrap_or_default();
        let id = match message.header("Message-ID") {
            Some(HeaderValue::Text(id)) => id.to_string(),
            other => panic!("a mail without one Message-ID: {other:?}"),
        };
        Self {
            to: to.to_owned(),
            subject: message.subject().unwrap_or_default().to_owned(),
            text: message.body_text(0).unwrap_or_default().into_owned(),
            message_id: id,
        }
    }

    /// Finds the link to a page.
    pub fn link(&self) -> String {
        let is_link = |word: &&str| word.starts_with("http") && word.contains("?code=rc");
        self.text.split_whitespace().find(is_link).expect("a mail with a link").to_owned()
    }

    /// Finds the invitation code in the text.
    pub fn code(&self) -> String {
        let is_code = |word: &&str| word.starts_with("rci_") && word.len() == 47;
        self.text.split_whitespace().find(is_code).expect("a mail with a code").to_owned()
    }
}

/// Where the mails of a stack arrive.
pub enum Mailbox {
    /// A real mail server.
    Smtp(SmtpSink),
    /// The mail folder of a stack without a mail server.
    Folder(PathBuf),
}

impl Mailbox {
    /// Every mail that has arrived, in no order.
    pub fn mails(&self) -> Vec<Mail> {
        match self {
            Self::Smtp(sink) => sink.mails().iter().map(|mail| Mail::parse(&mail.data)).collect(),
            Self::Folder(folder) => read_folder(folder),
        }
    }

    /// Waits until a mail to `to` with `subject_part` in its subject has arrived; at most 20 seconds.
    pub async fn wait_for(&self, to: &str, subject_part: &str) -> Mail {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        loop {
            let is_wanted = |mail: &Mail| mail.to.eq_ignore_ascii_case(to) && mail.subject.contains(subject_part);
            if let Some(mail) = self.mails().into_iter().find(is_wanted) {
                return mail;
            }
            let seen: Vec<_> = self.mails().iter().map(|mail| format!("{}: {}", mail.to, mail.subject)).collect();
            assert!(tokio::time::Instant::now() < deadline, "no mail {subject_part:?} to {to}; arrived: {seen:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// How many copies of each mail arrived, by `Message-ID`.
    pub fn copies(&self) -> BTreeMap<String, usize> {
        let mut copies = BTreeMap::new();
        for mail in self.mails() {
            *copies.entry(mail.message_id).or_default() += 1;
        }
        copies
    }
}

fn read_folder(folder: &Path) -> Vec<Mail> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let files = entries.filter_map(Result::ok).map(|entry| entry.path());
    let mails = files.filter(|path| path.extension().is_some_and(|extension| extension == "eml"));
    mails.map(|path| Mail::parse(&std::fs::read(path).expect("a mail file"))).collect()
}
