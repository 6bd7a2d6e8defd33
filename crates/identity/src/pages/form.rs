//! What a form sent, and what is wrong with it.

use axum::body::Bytes;
use axum::extract::{FromRequest as _, Request};
use axum::http::{HeaderMap, StatusCode, header};
use url::form_urlencoded;

use super::failure::Failure;
use super::text;
use crate::domain::password::{Password, PasswordError, PasswordPolicy};

/// The field of a new password.
pub(super) const PASSWORD: &str = "password";
/// The field of the same once more.
pub(super) const CONFIRMATION: &str = "password_confirmation";

/// The fields of a form; never printed, for they hold codes and passwords.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads the body of a request.
    pub(super) async fn read(request: Request) -> Result<Self, Failure> {
        if !is_form(request.headers()) {
            return Err(Failure::Unreadable(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        let body = Bytes::from_request(request, &()).await;
        let body = body.map_err(|rejection| Failure::Unreadable(rejection.status()))?;
        let fields = pairs(&body);
        // Where bytes were no UTF-8, a password would become another one.
        if fields.iter().any(|(_, value)| value.contains(char::REPLACEMENT_CHARACTER)) {
            return Err(Failure::Unreadable(StatusCode::BAD_REQUEST));
        }
        Ok(Self(fields))
    }

    /// Returns a field, empty when it is absent.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value)
    }

    /// Whether a field was sent, be it empty.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(field, _)| field == name)
    }

    /// Reads a new password and the same once more.
    pub(super) fn new_password(&self, policy: PasswordPolicy) -> Result<Password, Violations> {
        let (text, again) = (self.get(PASSWORD), self.get(CONFIRMATION));
        let mut violations = Violations::default();
        let password = Password::parse(text).and_then(|password| policy.check_length(&password).map(|()| password));
        if let Err(error) = &password {
            violations.push(PASSWORD, text::password(*error));
        }
        let is_same =
            Password::parse(text).ok().zip(Password::parse(again).ok()).is_some_and(|(one, two)| one.is_same(&two));
        match (text.is_empty(), again.is_empty(), is_same) {
            // One sentence is enough where nothing was typed at all.
            (true, true, _) | (_, false, true) => {}
            (_, true, _) => violations.push(CONFIRMATION, text::CONFIRMATION_MISSING.to_owned()),
            (_, false, false) => violations.push(CONFIRMATION, text::CONFIRMATION_DIFFERS.to_owned()),
        }
        match password {
            Ok(password) if violations.0.is_empty() => Ok(password),
            Ok(_) | Err(_) => Err(violations),
        }
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let content = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    content.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

fn pairs(encoded: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(encoded).into_owned().collect()
}

/// Returns a value of the query of an address; none when it is absent or empty.
pub(super) fn query_value(query: &str, name: &str) -> Option<String> {
    pairs(query.as_bytes())
        .into_iter()
        .find(|(field, value)| field == name && !value.is_empty())
        .map(|(_, value)| value)
}

/// What is wrong with fields, in a sentence each.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Violations(Vec<(&'static str, String)>);

impl Violations {
    /// What only the use case found wrong with a password.
    pub(super) fn of_password(error: PasswordError) -> Self {
        Self::of(PASSWORD, text::password(error))
    }

    /// One thing that is wrong.
    pub(super) fn of(field: &'static str, sentence: String) -> Self {
        Self(vec![(field, sentence)])
    }

    fn push(&mut self, field: &'static str, sentence: String) {
        self.0.push((field, sentence));
    }

    /// Returns what is wrong with a field.
    pub(super) fn get(&self, field: &str) -> Option<String> {
        self.0.iter().find(|(name, _)| *name == field).map(|(_, sentence)| sentence.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(password: &str, again: &str) -> Vec<&'static str> {
        let fields = [(PASSWORD, password), (CONFIRMATION, again)];
        let form = Form(fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec());
        let violations = form.new_password(PasswordPolicy::default()).err().unwrap_or_default();
        violations.0.into_iter().map(|(field, _)| field).collect()
    }

    #[test]
    fn a_new_password_is_long_enough_and_typed_twice() {
        let good = "correct horse battery";
        assert_eq!(wrong(good, good), Vec::<&str>::new());
        assert_eq!(wrong("cafe\u{301} cafe\u{301} cafe\u{301}!", "caf\u{e9} caf\u{e9} caf\u{e9}!"), Vec::<&str>::new());
        assert_eq!(wrong("", ""), [PASSWORD]);
        assert_eq!(wrong("", good), [PASSWORD, CONFIRMATION]);
        assert_eq!(wrong(good, ""), [CONFIRMATION]);
        assert_eq!(wrong(good, "correct horse batterY"), [CONFIRMATION]);
        assert_eq!(wrong("short", "short"), [PASSWORD]);
        assert_eq!(wrong("short", "other"), [PASSWORD, CONFIRMATION]);
    }

    #[test]
    fn a_code_is_found_in_a_query() {
        assert_eq!(query_value("a=b&code=rci_x&code=y", "code").as_deref(), Some("rci_x"));
        for without in ["", "code=", "Code=x", "code"] {
            assert_eq!(query_value(without, "code"), None, "{without}");
        }
    }
}
