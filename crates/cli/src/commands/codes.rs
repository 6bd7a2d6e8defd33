//! Codes of second factors, as people type them.

use rolecall_api::identity::v1::{answer_challenge_request, reauthenticate_request};
use secrecy::{ExposeSecret as _, SecretString};

use crate::failure::Failure;
use crate::secrets::Secrets;

/// A code of a second factor.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// What an authenticator app shows.
    Totp(String),
    /// A recovery code.
    Recovery(String),
}

impl Code {
    /// Six digits are from an app; a recovery code is longer.
    fn parse(text: &SecretString) -> Self {
        let text = text.expose_secret().trim();
        let digits: String = text.chars().filter(|c| *c != ' ').collect();
        let is_totp = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit());
        if is_totp { Self::Totp(digits) } else { Self::Recovery(text.to_owned()) }
    }

    /// Reads a code of a factor that exists.
    pub(crate) fn read(secrets: Secrets) -> Result<Self, Failure> {
        secrets.read("Code of your authenticator app, or a recovery code").map(|text| Self::parse(&text))
    }

    /// Reads the first code of an app that is being set up.
    pub(crate) fn read_first(secrets: Secrets) -> Result<String, Failure> {
        secrets.read("Code that the app shows now").map(|text| text.expose_secret().trim().to_owned())
    }
}

impl From<Code> for answer_challenge_request::Answer {
    fn from(code: Code) -> Self {
        match code {
            Code::Totp(code) => Self::TotpCode(code),
            Code::Recovery(code) => Self::RecoveryCode(code),
        }
    }
}

impl From<Code> for reauthenticate_request::Factor {
    fn from(code: Code) -> Self {
        match code {
            Code::Totp(code) => Self::TotpCode(code),
            Code::Recovery(code) => Self::RecoveryCode(code),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_digits_are_of_an_app_and_all_else_is_a_recovery_code() {
        let parse = |text: &str| Code::parse(&text.to_owned().into());
        assert_eq!(parse(" 123 456 "), Code::Totp("123456".to_owned()));
        for text in ["1234567", "abcde-fghij-klmno-pqrst-uvwxyz", "12345a"] {
            assert_eq!(parse(text), Code::Recovery(text.to_owned()));
        }
    }
}
