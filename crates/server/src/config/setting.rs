//! How each type of value is read and written.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use figment::value::{Num, Value};
use ipnet::IpNet;
use secrecy::SecretString;

use super::section::Reader;

/// A value as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shown {
    /// This TOML.
    Value(String),
    /// Nothing is set.
    Absent,
    /// Something is set that nobody may see, or comes from this file.
    Secret(Option<PathBuf>),
    /// Nothing is set, and what could be is secret.
    AbsentSecret,
}

/// A value of the configuration.
pub(super) trait Setting: Sized {
    /// Reads the value; `None` when it is not there or wrong, which the reader then knows.
    fn read(reader: &mut Reader<'_>, key: &'static str) -> Option<Self>;

    /// Returns the value as it is shown.
    fn show(&self) -> Shown;
}

/// A value that is written as one TOML value.
pub(super) trait Scalar: Sized {
    /// Parses the value: a text always, since the environment has nothing else, or the type's own form.
    fn parse(value: &Value) -> Result<Self, String>;

    /// Returns the value as TOML.
    fn write(&self) -> String;
}

impl<T: Scalar> Setting for T {
    fn read(reader: &mut Reader<'_>, key: &'static str) -> Option<Self> {
        let value = reader.value(key)?;
        T::parse(value).map_err(|problem| reader.problem(key, value, &problem)).ok()
    }

    fn show(&self) -> Shown {
        Shown::Value(self.write())
    }
}

/// An empty text counts as absent, so that a variable of the environment can take a setting back.
impl<T: Scalar> Setting for Option<T> {
    fn read(reader: &mut Reader<'_>, key: &'static str) -> Option<Self> {
        let value = reader.value(key)?;
        if value.as_str() == Some("") {
            return Some(None);
        }
        T::parse(value).map_err(|problem| reader.problem(key, value, &problem)).ok().map(Some)
    }

    fn show(&self) -> Shown {
        self.as_ref().map_or(Shown::Absent, |value| Shown::Value(value.write()))
    }
}

/// A secret: given as it is, or by the file that holds it in the setting's twin `.._file`.
#[derive(Clone, Default)]
pub struct Secret {
    /// The secret, if there is one.
    pub value: Option<SecretString>,
    /// The file that it came from.
    pub file: Option<PathBuf>,
    /// Whether it came from a variable of the environment, which other processes may be able to read.
    pub from_environment: bool,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.value.is_some() { "Secret(redacted)" } else { "Secret(absent)" })
    }
}

/// The twin of a key that names a file; the macro gives static names, so the few pairs are listed.
fn twin(key: &str) -> &'static str {
    match key {
        "url" => "url_file",
        "password" => "password_file",
        "master_key" => "master_key_file",
        "setup_secret" => "setup_secret_file",
        _ => "secret_file",
    }
}

impl Setting for Secret {
    fn read(reader: &mut Reader<'_>, key: &'static str) -> Option<Self> {
        let twin = twin(key);
        let plain = reader.value(key).filter(|value| value.as_str() != Some(""));
        let file = reader.value(twin).filter(|value| value.as_str() != Some(""));
        match (plain, file) {
            (None, None) => None,
            (Some(value), Some(_)) => {
                reader.problem(key, value, &format!("is given beside {twin}; keep one of the two"));
                None
            }
            (Some(value), None) => {
                let from_environment = reader.is_from_environment(value);
                let text = String::parse(value).map_err(|problem| reader.problem(key, value, &problem)).ok()?;
                Some(Self { value: Some(text.into()), file: None, from_environment })
            }
            (None, Some(value)) => {
                let file = PathBuf::parse(value).map_err(|problem| reader.problem(twin, value, &problem)).ok()?;
                let text = read_secret(&file).map_err(|problem| reader.problem(twin, value, &problem)).ok()?;
                Some(Self { value: Some(text), file: Some(file), from_environment: false })
            }
        }
    }

    fn show(&self) -> Shown {
        match (&self.value, &self.file) {
            (None, _) => Shown::AbsentSecret,
            (Some(_), file) => Shown::Secret(file.clone()),
        }
    }
}

/// Reads a file that holds one secret; the newline that editors add is not part of it.
pub(crate) fn read_secret(file: &Path) -> Result<SecretString, String> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        format!("the secret file {} cannot be read ({error}); check its name and mode", file.display())
    })?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(format!("the secret file {} is empty", file.display()));
    }
    Ok(text.to_owned().into())
}

impl Scalar for String {
    fn parse(value: &Value) -> Result<Self, String> {
        value.as_str().map(str::to_owned).ok_or_else(|| "must be a text in quotes".to_owned())
    }

    fn write(&self) -> String {
        toml::Value::String(self.clone()).to_string()
    }
}

impl Scalar for bool {
    fn parse(value: &Value) -> Result<Self, String> {
        let parsed = value.to_bool().or_else(|| value.as_str().and_then(|text| text.parse().ok()));
        parsed.ok_or_else(|| "must be true or false".to_owned())
    }

    fn write(&self) -> String {
        self.to_string()
    }
}

macro_rules! integers {
    ($($type:ty),*) => {$(
        impl Scalar for $type {
            fn parse(value: &Value) -> Result<Self, String> {
                let number = value.to_num().and_then(whole).and_then(|number| Self::try_from(number).ok());
                let parsed = number.or_else(|| value.as_str().and_then(|text| text.parse().ok()));
                parsed.ok_or_else(|| format!("must be a whole number from 0 to {}", Self::MAX))
            }

            fn write(&self) -> String {
                self.to_string()
            }
        }
    )*};
}

integers!(u16, u32);

fn whole(number: Num) -> Option<i128> {
    number.to_i128().or_else(|| number.to_u128().and_then(|number| number.try_into().ok()))
}

impl Scalar for f64 {
    fn parse(value: &Value) -> Result<Self, String> {
        let number =
            value.to_num().and_then(|number| number.to_f64().or_else(|| whole(number)?.to_string().parse().ok()));
        let parsed = number.or_else(|| value.as_str().and_then(|text| text.parse().ok()));
        parsed.filter(|number| number.is_finite()).ok_or_else(|| "must be a number".to_owned())
    }

    fn write(&self) -> String {
        format!("{self:?}")
    }
}

impl Scalar for Duration {
    fn parse(value: &Value) -> Result<Self, String> {
        let parsed = value.as_str().and_then(|text| humantime::parse_duration(text.trim()).ok());
        parsed.ok_or_else(|| "must be a time such as \"500ms\", \"30s\", \"5m\" or \"1h\"".to_owned())
    }

    fn write(&self) -> String {
        format!("\"{}\"", humantime::format_duration(*self).to_string().replace(' ', ""))
    }
}

impl Scalar for PathBuf {
    fn parse(value: &Value) -> Result<Self, String> {
        String::parse(value).map(Self::from)
    }

    fn write(&self) -> String {
        self.to_string_lossy().into_owned().write()
    }
}

impl Scalar for SocketAddr {
    fn parse(value: &Value) -> Result<Self, String> {
        let parsed = value.as_str().and_then(|text| text.parse().ok());
        parsed.ok_or_else(|| "must be an address and a port such as \"127.0.0.1:50051\"".to_owned())
    }

    fn write(&self) -> String {
        self.to_string().write()
    }
}

impl Scalar for IpNet {
    fn parse(value: &Value) -> Result<Self, String> {
        let parsed = value.as_str().and_then(|text| text.parse().ok());
        parsed.ok_or_else(|| "must be a network such as \"10.1.0.0/16\"".to_owned())
    }

    fn write(&self) -> String {
        self.to_string().write()
    }
}

impl<T: Scalar> Scalar for Vec<T> {
    fn parse(value: &Value) -> Result<Self, String> {
        if let Some(values) = value.as_array() {
            return values.iter().map(T::parse).collect();
        }
        let text = value.as_str().ok_or("must be a list such as [\"a\", \"b\"]")?;
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(|part| T::parse(&Value::from(part))).collect()
    }

    fn write(&self) -> String {
        format!("[{}]", self.iter().map(T::write).collect::<Vec<_>>().join(", "))
    }
}

/// Defines a closed list of words.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $( $(#[$variant_meta:meta])* $variant:ident = $word:literal, )* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $( $(#[$variant_meta])* $variant, )* }

        impl $name {
            /// All of them, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Returns the word in the configuration.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl Scalar for $name {
            fn parse(value: &Value) -> Result<Self, String> {
                let found = Self::ALL.iter().find(|word| value.as_str() == Some(word.name()));
                found.copied().ok_or_else(|| {
                    let words = Self::ALL.iter().map(|word| word.name()).collect::<Vec<_>>().join(", ");
                    format!("must be one of {words}")
                })
            }

            fn write(&self) -> String {
                format!("\"{}\"", self.name())
            }
        }
    };
}

words! {
    /// A service of the suite.
    Service {
        /// Accounts, login, sessions, tokens.
        Identity = "identity",
        /// Organizations, members, roles, access, audit.
        Organization = "organization",
        /// Mails and what became of them.
        Notification = "notification",
    }
}

words! {
    /// How log lines are written.
    LogFormat {
        /// One line for people.
        Text = "text",
        /// One JSON object a line.
        Json = "json",
    }
}

words! {
    /// How the connection to a mail server is encrypted.
    SmtpEncryption {
        /// From its first byte (RFC 8314).
        Implicit = "implicit",
        /// By the STARTTLS command.
        StartTls = "starttls",
        /// Not at all.
        None = "none",
    }
}
