//! How the installation presents itself.

use rolecall_kernel::id::InstanceId;
use rolecall_kernel::text::{InstanceName, TextError, is_forbidden};
use rolecall_kernel::time::Timestamp;
use unicode_normalization::UnicodeNormalization as _;

/// What the installation says to whoever comes: plain text, possibly several lines, possibly none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct WelcomeText(String);

impl WelcomeText {
    /// The most characters.
    pub(crate) const MAX: usize = 2_000;

    /// Parses a text: trimmed, in NFC, with line feeds and without other control or invisible characters.
    pub(crate) fn parse(text: &str) -> Result<Self, TextError> {
        let text: String = text.replace("\r\n", "\n").trim().nfc().collect();
        if text.chars().any(|c| c != '\n' && is_forbidden(c)) {
            return Err(TextError::ControlCharacter);
        }
        if text.chars().count() > Self::MAX {
            return Err(TextError::TooLong(Self::MAX));
        }
        Ok(Self(text))
    }

    /// Returns the text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// How the installation presents itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InstanceSettings {
    /// Identifier of the installation; it never changes.
    pub(crate) instance_id: InstanceId,
    /// Its name; none as long as the configured one counts.
    pub(crate) name: Option<InstanceName>,
    /// What it says to whoever comes.
    pub(crate) welcome_text: WelcomeText,
    /// Whether organizations that take registrations are listed for anyone.
    pub(crate) organization_directory: bool,
    /// How often they were changed, from 1.
    pub(crate) version: i64,
    /// When they were last changed.
    pub(crate) updated: Option<Timestamp>,
}

impl InstanceSettings {
    /// Returns the version as callers give it back.
    pub(crate) fn etag(&self) -> String {
        format!("i{}", self.version)
    }

    /// Returns the name; the configured one as long as none was set.
    pub(crate) fn name_or<'a>(&'a self, configured: &'a str) -> &'a str {
        self.name.as_ref().map_or(configured, InstanceName::as_str)
    }

    /// Returns the settings after a change.
    pub(crate) fn changed(&self, change: &InstanceChange, now: Timestamp) -> Self {
        let change = change.clone();
        let new = Self {
            name: change.name.or_else(|| self.name.clone()),
            welcome_text: change.welcome_text.unwrap_or_else(|| self.welcome_text.clone()),
            organization_directory: change.organization_directory.unwrap_or(self.organization_directory),
            ..self.clone()
        };
        if new == *self { new } else { Self { version: self.version + 1, updated: Some(now), ..new } }
    }

    /// Returns what differs, as texts `name=value`: how it is here, and how it is there.
    pub(crate) fn differences(&self, new: &Self, configured: &str) -> (Vec<String>, Vec<String>) {
        let pairs = self.values(configured).into_iter().zip(new.values(configured));
        let text = |(name, value): (&str, String)| format!("{name}={value}");
        pairs.filter(|(old, new)| old != new).map(|(old, new)| (text(old), text(new))).unzip()
    }

    fn values(&self, configured: &str) -> [(&'static str, String); 3] {
        [
            ("name", self.name_or(configured).to_owned()),
            ("welcome_text", self.welcome_text.as_str().to_owned()),
            ("organization_directory", self.organization_directory.to_string()),
        ]
    }
}

/// New values; what is none stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct InstanceChange {
    /// The name.
    pub(crate) name: Option<InstanceName>,
    /// What is said to whoever comes.
    pub(crate) welcome_text: Option<WelcomeText>,
    /// Whether organizations that take registrations are listed for anyone.
    pub(crate) organization_directory: Option<bool>,
}

#[cfg(test)]
mod tests {
    use rolecall_kernel::entropy::SystemEntropy;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_000);

    fn settings() -> InstanceSettings {
        InstanceSettings {
            instance_id: InstanceId::new(NOW, &SystemEntropy),
            name: None,
            welcome_text: WelcomeText::default(),
            organization_directory: true,
            version: 1,
            updated: None,
        }
    }

    #[test]
    fn a_welcome_is_plain_text_of_several_lines() {
        let welcome = |text: &str| WelcomeText::parse(text).map(|text| text.as_str().to_owned());
        assert_eq!(welcome(" Hello\r\nthere.\n"), Ok("Hello\nthere.".to_owned()));
        assert_eq!(welcome(""), Ok(String::new()));
        assert_eq!(welcome("a\u{202e}b"), Err(TextError::ControlCharacter));
        assert_eq!(welcome("a\tb"), Err(TextError::ControlCharacter));
        assert!(welcome(&"\u{e9}".repeat(2_000)).is_ok());
        assert_eq!(welcome(&"x".repeat(2_001)), Err(TextError::TooLong(2_000)));
    }

    #[test]
    fn the_configured_name_counts_until_another_is_set() {
        let old = settings();
        assert_eq!(old.name_or("Configured"), "Configured");
        let name = InstanceName::parse("Set").ok();
        let new = old.changed(&InstanceChange { name, ..InstanceChange::default() }, NOW);
        assert_eq!((new.name_or("Configured"), new.version, new.updated), ("Set", 2, Some(NOW)));
        let told = old.differences(&new, "Configured");
        assert_eq!(told, (vec!["name=Configured".to_owned()], vec!["name=Set".to_owned()]));
    }

    #[test]
    fn a_change_to_what_is_leaves_the_version() {
        let same = InstanceChange { organization_directory: Some(true), ..InstanceChange::default() };
        assert_eq!(settings().changed(&same, NOW).version, 1);
    }
}
