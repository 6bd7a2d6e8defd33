//! The bytes of a mail (RFC 5322, MIME).

use std::time::{Duration, UNIX_EPOCH};

use lettre::address::AddressError;
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message as Built};

use crate::mail::Mail;

/// A mail as it goes over the wire.
pub(super) struct Message {
    pub(super) sender: Address,
    pub(super) recipient: Address,
    pub(super) bytes: Vec<u8>,
}

/// Writes mails from one sender.
pub(super) struct Encoder {
    from: Mailbox,
}

/// Why a mail cannot be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum EncodeError {
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error(transparent)]
    Message(#[from] lettre::error::Error),
}

impl Encoder {
    pub(super) fn new(from: Mailbox) -> Self {
        Self { from }
    }

    /// Writes a mail: the same delivery and time give the same bytes.
    ///
    /// Header values are encoded by their types, which is why none can break out of its line.
    pub(super) fn encode(&self, mail: &Mail) -> Result<Message, EncodeError> {
        let recipient: Address = mail.to.parse()?;
        let micros = u64::try_from(mail.date.as_micros()).unwrap_or_default();
        let id = mail.delivery_id;
        let bodies = MultiPart::alternative()
            .boundary(format!("rolecall-{id}"))
            .singlepart(SinglePart::plain(mail.content.text.clone()))
            .singlepart(SinglePart::html(mail.content.html.clone()));
        let mut builder = Built::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, recipient.clone()))
            .date(UNIX_EPOCH + Duration::from_micros(micros))
            .message_id(Some(format!("<{id}@{}>", self.from.email.domain())))
            .subject(mail.content.subject.clone())
            .header(AutoSubmitted);
        if let Some(address) = &mail.unsubscribe {
            builder = builder.header(Unsubscribe(format!("<{address}>"))).header(OneClick);
        }
        let built = builder.multipart(bodies)?;
        Ok(Message { sender: self.from.email.clone(), recipient, bytes: built.formatted() })
    }
}

/// Keeps vacation responders quiet (RFC 3834, section 5).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// Where the recipient ends mails of this kind (RFC 2369, section 3.2).
#[derive(Clone)]
struct Unsubscribe(String);

impl Header for Unsubscribe {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("List-Unsubscribe")
    }

    fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self(text.to_owned()))
    }

    fn display(&self) -> HeaderValue {
        // Folded, the address would be broken for programs that do not unfold it.
        HeaderValue::dangerous_new_pre_encoded(Self::name(), self.0.clone(), self.0.clone())
    }
}

/// One POST to that address is enough (RFC 8058, section 3.1).
#[derive(Clone)]
struct OneClick;

impl Header for OneClick {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("List-Unsubscribe-Post")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "List-Unsubscribe=One-Click".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use rolecall_kernel::entropy::SystemEntropy;
    use rolecall_kernel::id::DeliveryId;
    use rolecall_kernel::time::Timestamp;

    use super::*;
    use crate::mail::Rendered;

    fn encode(to: &str, subject: &str) -> Result<String, EncodeError> {
        let content = Rendered {
            subject: subject.to_owned(),
            text: "Gr\u{fc}\u{df}e\n.\ndot\n".to_owned(),
            html: "<p>Gr\u{fc}\u{df}e</p>\n".to_owned(),
        };
        let date = Timestamp::from_seconds(1_767_225_600);
        let (delivery_id, unsubscribe) = (DeliveryId::new(date, &SystemEntropy), None);
        let mail = Mail { delivery_id, to: to.to_owned(), date, content, unsubscribe };
        let encoder = Encoder::new("Rolecall <rolecall@example.org>".parse().expect("a mailbox"));
        let (first, second) = (encoder.encode(&mail)?, encoder.encode(&mail)?);
        assert_eq!(first.bytes, second.bytes, "a mail that is sent again is the same mail");
        Ok(String::from_utf8(first.bytes).expect("text"))
    }

    /// ASVS: V1.3.11
    #[test]
    fn attack_t28_a_subject_cannot_begin_a_header() {
        for evil in ["Hi\r\nBcc: eve@evil.example", "Hi\nBcc: eve@evil.example", "Hi\rBcc: eve@evil.example"] {
            let raw = encode("ada@example.org", evil).expect("encoded");
            let (head, _) = raw.split_once("\r\n\r\n").expect("a head");
            assert!(!head.to_lowercase().lines().any(|line| line.starts_with("bcc")), "{head}");
        }
    }

    /// ASVS: V1.3.11
    #[test]
    fn attack_t28_a_recipient_is_one_address() {
        for evil in ["ada@example.org, eve@evil.example", "ada@example.org\r\nBcc: eve@evil.example", "ada", ""] {
            assert!(encode(evil, "Hi").is_err(), "{evil:?}");
        }
        let raw = encode("ada@example.org", "Gr\u{fc}\u{df}e").expect("encoded");
        assert!(raw.is_ascii(), "no server needs to know 8BITMIME");
        assert!(raw.contains("To: ada@example.org\r\n"), "{raw}");
        assert!(raw.contains("Date: Thu, 01 Jan 2026 00:00:00 +0000\r\n"), "{raw}");
        assert!(raw.contains("Auto-Submitted: auto-generated\r\n"));
    }
}
