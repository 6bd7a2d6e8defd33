//! The mail folder, which takes the place of a mail server while none is configured.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use mail_parser::{Address, Message, MessageParser};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::output::{Answer, Column, View};

const MAILS: &[Column] =
    &[Column("MAIL", "mail", ""), Column("DATE", "date", ""), Column("TO", "to", ""), Column("SUBJECT", "subject", "")];

/// Read the mails of a server without a mail server, in the folder `mail` of its data folder
#[derive(Debug, Args)]
pub struct Mail {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands of the group.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the mails, the newest last
    #[command(after_help = "Examples:
  rolecall mail list
  rolecall mail list --data-dir /var/lib/rolecall")]
    List {
        #[command(flatten)]
        folder: Folder,
    },
    /// Show a mail as text
    #[command(after_help = "Examples:
  rolecall mail show
  rolecall mail show 01890a5d-ac96-774b-bcce-b302099a8057")]
    Show {
        /// Name of the mail, or how it begins; the newest when absent
        mail: Option<String>,
        #[command(flatten)]
        folder: Folder,
    },
}

/// Where the mails are.
#[derive(Debug, Args)]
pub(crate) struct Folder {
    /// Data folder of the server
    #[arg(long, env = "ROLECALL__SERVER__DATA_DIR", default_value = "./rolecall-data", hide_env = true)]
    data_dir: PathBuf,
}

impl Command {
    pub(crate) fn run(self) -> Result<Answer, Failure> {
        match self {
            Self::List { folder } => {
                let mails = folder.files()?.iter().map(|file| summary(file)).collect::<Result<Vec<_>, _>>()?;
                Ok(Answer::json(json!({ "mails": mails }), View::List("mails", MAILS)))
            }
            Self::Show { mail, folder } => folder.show(mail.as_deref()),
        }
    }
}

impl Folder {
    /// Returns the files of the mails in order of their names, which begin with the time.
    fn files(&self) -> Result<Vec<PathBuf>, Failure> {
        let folder = self.data_dir.join("mail");
        let unreadable = |error| {
            Failure::local(format!("the mail folder {} cannot be read; give --data-dir", folder.display()), error)
        };
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            // The server makes the folder with the first mail.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && self.data_dir.is_dir() => {
                return Ok(Vec::new());
            }
            Err(error) => return Err(unreadable(error)),
        };
        let files = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>();
        let mut files = files.map_err(unreadable)?;
        files.retain(|file| file.extension().is_some_and(|extension| extension == "eml"));
        files.sort();
        Ok(files)
    }

    fn show(&self, mail: Option<&str>) -> Result<Answer, Failure> {
        let mut files = self.files()?;
        files.retain(|file| mail.is_none_or(|mail| name(file).starts_with(mail)));
        let file = match (files.as_slice(), mail) {
            ([], _) => {
                return Err(Failure::Local("there is no such mail; see `rolecall mail list`".to_owned()));
            }
            ([one], _) => one,
            ([.., newest], None) => newest,
            (_, Some(_)) => {
                return Err(Failure::Usage("several mails begin so; give more of the name".to_owned()));
            }
        };
        let bytes = read(file)?;
        let message = parse(file, &bytes)?;
        let text = message.body_text(0).unwrap_or_default().replace("\r\n", "\n");
        let mut value = describe(file, &message);
        let head =
            ["from", "to", "date", "subject"].map(|key| format!("{key}: {}", value[key].as_str().unwrap_or("-")));
        let sentence = format!("{}\n\n{}", head.join("\n"), printable_lines(text.trim_end()));
        value["text"] = Value::String(text);
        Ok(Answer::json(value, View::Sentence(sentence)))
    }
}

fn printable_lines(text: &str) -> String {
    text.lines().map(crate::failure::printable).collect::<Vec<_>>().join("\n")
}

fn summary(file: &Path) -> Result<Value, Failure> {
    let bytes = read(file)?;
    Ok(describe(file, &parse(file, &bytes)?))
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(file).map_err(|error| Failure::local(format!("{} cannot be read", file.display()), error))
}

fn parse<'a>(file: &Path, bytes: &'a [u8]) -> Result<Message<'a>, Failure> {
    let message = MessageParser::default().parse(bytes);
    message.ok_or_else(|| Failure::Local(format!("{} is no mail", file.display())))
}

fn describe(file: &Path, message: &Message<'_>) -> Value {
    json!({
        "mail": name(file),
        "from": address(message.from()),
        "to": address(message.to()),
        "subject": message.subject().unwrap_or_default(),
        "date": message.date().map(mail_parser::DateTime::to_rfc3339).unwrap_or_default(),
        "messageId": message.message_id().unwrap_or_default(),
    })
}

fn name(file: &Path) -> String {
    file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

fn address(addresses: Option<&Address<'_>>) -> String {
    let first = addresses.and_then(Address::first);
    first.and_then(|address| address.address()).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Format;

    const MAIL: &str = "From: Rolecall <rolecall@localhost>\r\nTo: Ada <ada@example.org>\r\n\
        Subject: =?utf-8?q?Einladung_f=C3=BCr_Ada?=\r\nDate: Sat, 22 Nov 2025 10:00:00 +0000\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/alternative; boundary=\"x\"\r\n\r\n--x\r\nContent-Type: text/plain; charset=utf-8\r\n\
        Content-Transfer-Encoding: quoted-printable\r\n\r\nrci_abc=\r\ndef gr=C3=BC=C3=9Ft\r\n--x\r\n\
        Content-Type: text/html; charset=utf-8\r\n\r\n<p>no</p>\r\n--x--\r\n";

    fn folder() -> (tempfile::TempDir, Folder) {
        let data = tempfile::tempdir().expect("folder");
        std::fs::create_dir(data.path().join("mail")).expect("folder");
        for name in ["0198-a.eml", "0199-b.eml", "ignored.tmp"] {
            std::fs::write(data.path().join("mail").join(name), MAIL).expect("written");
        }
        let folder = Folder { data_dir: data.path().to_owned() };
        (data, folder)
    }

    #[test]
    fn mails_are_listed_with_decoded_subjects() {
        let (_data, folder) = folder();
        let (text, _) = Command::List { folder }.run().expect("listed").render(Format::Table);
        assert_eq!(text.lines().count(), 3);
        assert!(text.contains("Einladung für Ada") && text.contains("0199-b"), "{text}");
    }

    #[test]
    fn a_mail_is_shown_as_its_decoded_text_part() {
        let (_data, folder) = folder();
        let show = Command::Show { mail: Some("0198".to_owned()), folder };
        let (text, _) = show.run().expect("shown").render(Format::Table);
        assert!(text.contains("rci_abcdef grüßt") && text.contains("to: ada@example.org"), "{text}");
        assert!(!text.contains("<p>"));
    }

    #[test]
    fn a_name_that_fits_several_mails_is_not_guessed() {
        let (_data, folder) = folder();
        assert!(Command::Show { mail: Some("019".to_owned()), folder }.run().is_err());
    }

    #[test]
    fn a_data_folder_without_mails_has_an_empty_list() {
        let data = tempfile::tempdir().expect("folder");
        let folder = Folder { data_dir: data.path().to_owned() };
        assert!(Command::List { folder }.run().is_ok());
    }
}
