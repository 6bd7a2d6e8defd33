//! Languages that texts are written in.

use serde::{Deserialize, Serialize};

/// A language tag (BCP 47), spelled as RFC 5646, section 2.1.1 recommends.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Locale(String);

/// The text is no language tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a language tag such as de or pt-BR (BCP 47)")]
pub struct ParseLocaleError;

impl Locale {
    /// Reads a language with a script and a region at most: what texts are written in.
    pub fn parse(text: &str) -> Result<Self, ParseLocaleError> {
        let mut parts = text.split('-');
        let is_alphabetic = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphabetic());
        let language = parts.next().filter(|part| (2..=3).contains(&part.len()) && is_alphabetic(part));
        let mut spelled = language.ok_or(ParseLocaleError)?.to_ascii_lowercase();
        let rest: Vec<&str> = parts.collect();
        let (scripts, regions) = match rest.as_slice() {
            [] => (None, None),
            [one] if one.len() == 4 => (Some(*one), None),
            [one] => (None, Some(*one)),
            [script, region] => (Some(*script), Some(*region)),
            _ => return Err(ParseLocaleError),
        };
        if let Some(script) = scripts {
            let (first, others) = script.split_at_checked(1).ok_or(ParseLocaleError)?;
            if script.len() != 4 || !is_alphabetic(script) {
                return Err(ParseLocaleError);
            }
            spelled = format!("{spelled}-{}{}", first.to_ascii_uppercase(), others.to_ascii_lowercase());
        }
        if let Some(region) = regions {
            let is_number = region.len() == 3 && region.bytes().all(|byte| byte.is_ascii_digit());
            if !is_number && (region.len() != 2 || !is_alphabetic(region)) {
                return Err(ParseLocaleError);
            }
            spelled = format!("{spelled}-{}", region.to_ascii_uppercase());
        }
        Ok(Self(spelled))
    }

    /// Returns it as it is spelled.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
