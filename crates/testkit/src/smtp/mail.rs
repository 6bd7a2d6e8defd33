//! A kept message, and as much of MIME as reading it needs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A message as it was handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The envelope's sender; empty for a bounce.
    pub sender: String,
    /// The envelope's recipients.
    pub recipients: Vec<String>,
    /// Header and body, lines ending in CRLF, without dot stuffing.
    pub data: Vec<u8>,
}

impl Mail {
    /// Returns a header's value, unfolded but otherwise raw.
    pub fn header(&self, name: &str) -> Option<String> {
        header(&self.raw(), name)
    }

    /// Returns the subject with its encoded words read (RFC 2047, UTF-8 only).
    pub fn subject(&self) -> String {
        decode_words(&self.header("Subject").unwrap_or_default())
    }

    /// Returns the plain text, decoded.
    pub fn text(&self) -> String {
        part(&self.raw(), "text/plain").unwrap_or_default()
    }

    /// Returns the HTML, decoded.
    pub fn html(&self) -> Option<String> {
        part(&self.raw(), "text/html")
    }

    /// Returns the message as text, undecoded.
    pub fn raw(&self) -> String {
        String::from_utf8_lossy(&self.data).into_owned()
    }
}

fn split(message: &str) -> (&str, &str) {
    message.split_once("\r\n\r\n").unwrap_or((message, ""))
}

fn header(message: &str, name: &str) -> Option<String> {
    let unfolded = split(message).0.replace("\r\n ", " ").replace("\r\n\t", " ");
    let line = unfolded
        .split("\r\n")
        .find(|line| line.split_once(':').is_some_and(|(found, _)| found.eq_ignore_ascii_case(name)))?;
    line.split_once(':').map(|(_, value)| value.trim().to_owned())
}

/// Finds the first part of a type, looking into multiparts.
fn part(message: &str, wanted: &str) -> Option<String> {
    let content_type = header(message, "Content-Type").unwrap_or_else(|| "text/plain".to_owned());
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let body = split(message).1;
    if kind.starts_with("multipart/") {
        let boundary = content_type.split("boundary=").nth(1)?.split(';').next()?.trim().trim_matches('"');
        let delimiter = format!("--{boundary}");
        let mut parts = body.split(&delimiter).skip(1);
        return parts.find_map(|text| part(text.trim_start_matches("\r\n"), wanted));
    }
    (kind == wanted).then(|| decode(body, &header(message, "Content-Transfer-Encoding").unwrap_or_default()))
}

fn decode(body: &str, encoding: &str) -> String {
    match encoding.to_ascii_lowercase().as_str() {
        "base64" => {
            let packed: String = body.chars().filter(|c| !c.is_whitespace()).collect();
            STANDARD.decode(packed).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
        }
        "quoted-printable" => unquote(&body.replace("=\r\n", "")),
        _ => body.to_owned(),
    }
}

/// Reads `=C3=BC` (RFC 2045, section 6.7).
fn unquote(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let code = (first == b'=').then(|| tail.get(..2)).flatten();
        let code =
            code.and_then(|code| std::str::from_utf8(code).ok()).and_then(|code| u8::from_str_radix(code, 16).ok());
        bytes.push(code.unwrap_or(first));
        rest = if code.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn decode_words(text: &str) -> String {
    // White space between two encoded words is not part of the text (RFC 2047, section 6.2).
    let text = text.replace("?= =?", "?==?");
    let mut decoded = String::new();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once("=?") {
        decoded.push_str(before);
        let mut fields = after.splitn(3, '?');
        let (Some(_charset), Some(encoding), Some(tail)) = (fields.next(), fields.next(), fields.next()) else {
            break;
        };
        let Some((word, following)) = tail.split_once("?=") else {
            break;
        };
        match encoding {
            "B" | "b" => decoded.push_str(&decode(word, "base64")),
            _ => decoded.push_str(&unquote(&word.replace('_', " "))),
        }
        rest = following;
    }
    decoded + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_words_are_decoded() {
        let data = "Subject: =?utf-8?b?R3LDvMOfZQ==?=\r\n =?utf-8?q?_aus_K=C3=B6ln?=\r\n\
            Content-Type: multipart/alternative; boundary=\"x\"\r\n\r\n\
            --x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
            K=C3=B6l=\r\nn = 1\r\n--x\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n\
            PGI+SzwvYj4=\r\n--x--\r\n";
        let mail = Mail { sender: String::new(), recipients: Vec::new(), data: data.as_bytes().to_vec() };
        assert_eq!(mail.subject(), "Gr\u{fc}\u{df}e aus K\u{f6}ln");
        assert_eq!(mail.text().trim(), "K\u{f6}ln = 1");
        assert_eq!(mail.html().as_deref(), Some("<b>K</b>"));
    }
}
