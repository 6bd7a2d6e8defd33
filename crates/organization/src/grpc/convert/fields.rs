//! The checks of fields that every request has.

use rolecall_kernel::id::ParseIdError;
use rolecall_kernel::text::TextError;
use rolecall_rpc::status::Violations;

/// A field is wrong, and what is wrong has been noted.
#[derive(Debug)]
pub struct Noted;

/// The checks of fields; each notes what is wrong and gives `None`.
pub trait Fields {
    /// Takes an identifier that must be there.
    fn id<T>(&mut self, field: &str, text: &str, parse: fn(&str) -> Result<T, ParseIdError>) -> Option<T>;
    /// Takes an identifier that may be absent.
    fn optional_id<T>(
        &mut self,
        field: &str,
        text: &str,
        parse: fn(&str) -> Result<T, ParseIdError>,
    ) -> Result<Option<T>, Noted>;
    /// Takes a text of a kind of its own.
    fn text<T>(&mut self, field: &str, text: &str, parse: fn(&str) -> Result<T, TextError>) -> Option<T>;
}

impl Fields for Violations {
    fn id<T>(&mut self, field: &str, text: &str, parse: fn(&str) -> Result<T, ParseIdError>) -> Option<T> {
        if text.is_empty() {
            self.push(field, "REQUIRED", "is required");
            return None;
        }
        self.check(field, "ID_MALFORMED", parse(text))
    }

    fn optional_id<T>(
        &mut self,
        field: &str,
        text: &str,
        parse: fn(&str) -> Result<T, ParseIdError>,
    ) -> Result<Option<T>, Noted> {
        if text.is_empty() {
            return Ok(None);
        }
        self.check(field, "ID_MALFORMED", parse(text)).map(Some).ok_or(Noted)
    }

    fn text<T>(&mut self, field: &str, text: &str, parse: fn(&str) -> Result<T, TextError>) -> Option<T> {
        let parsed = parse(text);
        let reason = parsed.as_ref().err().map_or("", |error| text_reason(*error));
        self.check(field, reason, parsed)
    }
}

const fn text_reason(error: TextError) -> &'static str {
    match error {
        TextError::Required => "REQUIRED",
        TextError::TooLong(_) => "TOO_LONG",
        TextError::ControlCharacter => "CHARACTER_FORBIDDEN",
        TextError::NotAnEmailAddress => "EMAIL_MALFORMED",
        TextError::NotADomain => "DOMAIN_MALFORMED",
        TextError::NotAWebAddress => "WEB_ADDRESS_MALFORMED",
    }
}
