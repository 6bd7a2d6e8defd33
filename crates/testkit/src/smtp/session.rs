//! One client's conversation.

use std::io::{Error, ErrorKind};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use super::tls::{Stream, Terms};
use super::{Behaviour, Mail, Shared};

/// More than any mail of a test; a client that never ends its data is cut.
const MOST_BYTES: usize = 16 << 20;

struct Session<'a> {
    stream: BufReader<Box<dyn Stream>>,
    /// Whether nobody reads along, or nobody cares.
    is_protected: bool,
    shared: &'a Shared,
    sender: Option<String>,
    recipients: Vec<String>,
}

/// Answers the client until it quits, vanishes, or is hung up on.
pub(super) async fn serve(stream: TcpStream, shared: &Shared) {
    // A client that vanishes is none of the server's concern, nor one that does not trust it.
    let _ = begin(stream, shared).await;
}

async fn begin(stream: TcpStream, shared: &Shared) -> Result<(), Error> {
    let (stream, is_protected): (Box<dyn Stream>, _) = match &shared.security {
        Terms::None => (Box::new(stream), true),
        Terms::StartTls(_) => (Box::new(stream), false),
        Terms::Implicit(tls) => (Box::new(tls.accept(stream).await?), true),
    };
    let stream = BufReader::new(stream);
    Session { stream, is_protected, shared, sender: None, recipients: Vec::new() }.converse().await
}

/// Ends the conversation without a word.
fn hang_up() -> Error {
    Error::new(ErrorKind::ConnectionAborted, "hung up")
}

impl Session<'_> {
    async fn converse(&mut self) -> Result<(), Error> {
        if self.shared.behaviour() == Behaviour::RefuseConnection {
            self.shared.shown();
            self.say("421 sink.test closed for today").await?;
            return Ok(());
        }
        self.say("220 sink.test ESMTP").await?;
        loop {
            let line = self.hear().await?;
            let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
            match verb.to_ascii_uppercase().as_str() {
                "EHLO" if !self.is_protected => self.say("250-sink.test\r\n250 STARTTLS").await?,
                "EHLO" => self.say("250-sink.test\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 AUTH PLAIN LOGIN").await?,
                "STARTTLS" => self.protect().await?,
                "AUTH" | "MAIL" if !self.is_protected => self.say("530 5.7.0 STARTTLS first").await?,
                "HELO" | "NOOP" => self.say("250 sink.test").await?,
                "AUTH" => self.authenticate(rest).await?,
                "MAIL" => self.begin(rest).await?,
                "RCPT" => self.recipient(rest).await?,
                "DATA" => self.data().await?,
                "RSET" => {
                    self.forget();
                    self.say("250 forgotten").await?;
                }
                "QUIT" => return self.say("221 bye").await,
                _ => self.say("502 no such command").await?,
            }
        }
    }

    /// Goes on under TLS; what the client sent ahead in the clear is not believed (RFC 3207, section 4.2).
    async fn protect(&mut self) -> Result<(), Error> {
        let (false, Terms::StartTls(tls)) = (self.is_protected, &self.shared.security) else {
            return self.say("502 no such command").await;
        };
        self.say("220 2.0.0 go on").await?;
        let plain = std::mem::replace(&mut self.stream, BufReader::new(Box::new(tokio::io::empty())));
        self.stream = BufReader::new(Box::new(tls.accept(plain.into_inner()).await?));
        self.is_protected = true;
        Ok(())
    }

    async fn authenticate(&mut self, rest: &str) -> Result<(), Error> {
        if rest.to_ascii_uppercase().starts_with("LOGIN") {
            self.say("334 VXNlcm5hbWU6").await?;
            self.hear().await?;
            self.say("334 UGFzc3dvcmQ6").await?;
            self.hear().await?;
        } else if !rest.contains(' ') {
            self.say("334 ").await?;
            self.hear().await?;
        }
        if self.shared.behaviour() == Behaviour::RefuseAuthentication {
            self.shared.shown();
            return self.say("535 5.7.8 wrong credentials").await;
        }
        self.say("235 2.7.0 welcome").await
    }

    async fn begin(&mut self, rest: &str) -> Result<(), Error> {
        self.forget();
        self.sender = Some(path(rest));
        self.say("250 2.1.0 ok").await
    }

    async fn recipient(&mut self, rest: &str) -> Result<(), Error> {
        if self.sender.is_none() {
            return self.say("503 5.5.1 MAIL first").await;
        }
        let refusal = match self.shared.behaviour() {
            Behaviour::DeferRecipient => "451 4.3.0 try later",
            Behaviour::RefuseRecipient => "550 5.1.1 nobody here",
            Behaviour::Accept
            | Behaviour::RefuseConnection
            | Behaviour::RefuseAuthentication
            | Behaviour::DeferData
            | Behaviour::StoreAndHangUp
            | Behaviour::LoseAndHangUp
            | Behaviour::FallSilent => {
                self.recipients.push(path(rest));
                return self.say("250 2.1.5 ok").await;
            }
        };
        self.shared.shown();
        self.say(refusal).await
    }

    async fn data(&mut self) -> Result<(), Error> {
        let Some(sender) = self.sender.take().filter(|_| !self.recipients.is_empty()) else {
            return self.say("503 5.5.1 RCPT first").await;
        };
        self.say("354 go on").await?;
        let data = self.hear_data().await?;
        let mail = Mail { sender, recipients: std::mem::take(&mut self.recipients), data };
        let behaviour = self.shared.behaviour();
        self.shared.shown();
        match behaviour {
            Behaviour::DeferData => self.say("451 4.3.0 try later").await,
            Behaviour::LoseAndHangUp => Err(hang_up()),
            Behaviour::StoreAndHangUp => {
                self.shared.keep(mail);
                Err(hang_up())
            }
            Behaviour::FallSilent => std::future::pending().await,
            Behaviour::Accept
            | Behaviour::RefuseConnection
            | Behaviour::RefuseAuthentication
            | Behaviour::DeferRecipient
            | Behaviour::RefuseRecipient => {
                self.shared.keep(mail);
                self.say("250 2.0.0 kept").await
            }
        }
    }

    /// Reads up to the lone dot and takes the stuffed dots out (RFC 5321, section 4.5.2).
    async fn hear_data(&mut self) -> Result<Vec<u8>, Error> {
        let mut data = Vec::new();
        loop {
            let mut line = Vec::new();
            if self.stream.read_until(b'\n', &mut line).await? == 0 || data.len() > MOST_BYTES {
                return Err(hang_up());
            }
            if line == b".\r\n" {
                return Ok(data);
            }
            data.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
        }
    }

    fn forget(&mut self) {
        self.sender = None;
        self.recipients.clear();
    }

    async fn hear(&mut self) -> Result<String, Error> {
        let mut line = String::new();
        if self.stream.read_line(&mut line).await? == 0 {
            return Err(hang_up());
        }
        Ok(line.trim_end().to_owned())
    }

    async fn say(&mut self, line: &str) -> Result<(), Error> {
        self.stream.get_mut().write_all(format!("{line}\r\n").as_bytes()).await?;
        self.stream.get_mut().flush().await
    }
}

/// The address in `FROM:<ada@example.org> BODY=8BITMIME`.
fn path(rest: &str) -> String {
    let inner = rest.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inner.map_or_else(|| rest.to_owned(), |(path, _)| path.to_owned())
}
