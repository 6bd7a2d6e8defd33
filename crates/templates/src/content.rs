//! What templates consist of, and the data that they take.

use std::collections::{BTreeMap, BTreeSet};

use rolecall_kernel::text::is_forbidden;
use serde::{Deserialize, Serialize};

use crate::locale::Locale;
use crate::syntax;

/// The most characters of a subject.
pub const SUBJECT_MAX: usize = 150;

/// The most characters of a value.
pub const VALUE_MAX: usize = 1_000;

/// The most characters of a name.
const NAME_MAX: usize = 63;

/// A name of a template or of one of its variables.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Name(String);

/// The text is no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to 63 lower-case letters, digits and _, a letter first")]
pub struct ParseNameError;

impl Name {
    /// Reads a name.
    pub fn parse(text: &str) -> Result<Self, ParseNameError> {
        let is_fine = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let begins = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
        // Words of the language of templates are names of nothing.
        let is_word = syntax::WORDS.contains(&text);
        let is_name = begins && text.len() <= NAME_MAX && text.bytes().all(is_fine) && !is_word;
        if is_name { Ok(Self(text.to_owned())) } else { Err(ParseNameError) }
    }

    /// Returns it as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Something that texts show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variable {
    /// What texts call it.
    pub name: Name,
    /// Whether it may be left out; it is empty then.
    pub is_optional: bool,
}

/// A template in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// Its language.
    pub locale: Locale,
    /// One line.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// Empty for the plain text.
    pub html: String,
}

/// What a version consists of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// What the texts show.
    pub variables: Vec<Variable>,
    /// One at least; the first is for everybody whose language is not among them.
    pub texts: Vec<Text>,
}

/// The values of variables, by name.
pub type Data = BTreeMap<String, String>;

/// What is wrong with a value: whose, and what.
pub type Fault = (String, &'static str, String);

impl Content {
    /// Returns the text for a reader of a language: that, the language without region and script, or the first.
    pub fn text_for(&self, locale: Option<&Locale>) -> Option<&Text> {
        let wanted = locale.map(Locale::as_str);
        let language = wanted.and_then(|wanted| wanted.split('-').next());
        let find = |wanted: Option<&str>| self.texts.iter().find(|text| Some(text.locale.as_str()) == wanted);
        find(wanted).or_else(|| find(language)).or_else(|| self.texts.first())
    }

    /// Takes values for the variables: all that are declared and no others; what is optional and absent is empty.
    pub fn fill(&self, given: &Data) -> Result<Data, Vec<Fault>> {
        let declared: BTreeMap<&str, bool> =
            self.variables.iter().map(|variable| (variable.name.as_str(), variable.is_optional)).collect();
        let mut faults: Vec<Fault> = Vec::new();
        for (name, value) in given {
            let mut fault =
                |reason, text: &str| faults.push((name.chars().take(NAME_MAX).collect(), reason, text.to_owned()));
            if !declared.contains_key(name.as_str()) {
                fault("UNDECLARED", "is no variable of the template");
            } else if value.chars().count() > VALUE_MAX {
                fault("TOO_LONG", "must have at most 1000 characters");
            } else if value.chars().any(|c| is_forbidden(c) && !matches!(c, '\n' | '\t')) {
                fault("CONTROL_CHARACTER", "must not hold control or invisible characters");
            }
        }
        for (name, is_optional) in &declared {
            if !is_optional && given.get(*name).is_none_or(String::is_empty) {
                faults.push(((*name).to_owned(), "REQUIRED", "is required by the template".to_owned()));
            }
        }
        let value = |name: &str| (name.to_owned(), given.get(name).cloned().unwrap_or_default());
        if faults.is_empty() { Ok(declared.keys().map(|name| value(name)).collect()) } else { Err(faults) }
    }

    /// Returns a variable that a text shows and nobody declared.
    pub fn undeclared(&self) -> Option<String> {
        let declared: BTreeSet<&str> = self.variables.iter().map(|variable| variable.name.as_str()).collect();
        self.texts.iter().flat_map(Text::shown).find(|name| !declared.contains(name.as_str()))
    }

    /// Says what looks wrong.
    pub fn warnings(&self) -> Vec<String> {
        let shown: Vec<BTreeSet<String>> = self.texts.iter().map(Text::shown).collect();
        let mut warnings = Vec::new();
        for Variable { name, .. } in &self.variables {
            let name = name.as_str();
            if shown.iter().all(|names| !names.contains(name)) {
                warnings.push(format!("No text shows the variable {name}."));
            } else {
                let silent = self.texts.iter().zip(&shown).filter(|(_, names)| !names.contains(name));
                let silent =
                    silent.map(|(text, _)| format!("The text in {} does not show {name}.", text.locale.as_str()));
                warnings.extend(silent);
            }
        }
        warnings
    }
}

impl Text {
    /// The variables in any part of it.
    fn shown(&self) -> BTreeSet<String> {
        let parts = [&self.subject, &self.text, &self.html];
        parts.into_iter().filter_map(|part| syntax::read(part).ok()).flatten().collect()
    }
}
