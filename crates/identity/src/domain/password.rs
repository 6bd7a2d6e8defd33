//! Passwords and what a new one must satisfy (NIST SP 800-63B-4, section 3.1.1).

use std::fmt;

use subtle::ConstantTimeEq as _;
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use super::factor::MfaPolicy;

/// A password as somebody typed it, in NFC and otherwise untouched.
#[derive(Clone)]
pub(crate) struct Password(Zeroizing<String>);

/// Why a text is no password, or no new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PasswordError {
    /// Nothing was given.
    #[error("is required")]
    Required,
    /// More bytes than are ever hashed.
    #[error("must have at most {0} bytes")]
    TooManyBytes(usize),
    /// Fewer characters than the policy asks for.
    #[error("must have at least {0} characters")]
    TooShort(usize),
    /// More characters than the policy allows.
    #[error("must have at most {0} characters")]
    TooLong(usize),
    /// Found early by anyone who guesses.
    #[error("is easy to guess; take several unrelated words")]
    Guessable,
    /// Made of what is known about the person.
    #[error("must not be made of a name or address of the person, the organization or the product")]
    ContextWord,
    /// The same as before.
    #[error("must differ from the current password")]
    Unchanged,
}

impl PasswordError {
    /// Returns the name of the rule, for programs.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::Required => "REQUIRED",
            Self::TooManyBytes(_) | Self::TooLong(_) => "PASSWORD_TOO_LONG",
            Self::TooShort(_) => "PASSWORD_TOO_SHORT",
            Self::Guessable => "PASSWORD_GUESSABLE",
            Self::ContextWord => "PASSWORD_CONTEXT_WORD",
            Self::Unchanged => "PASSWORD_UNCHANGED",
        }
    }
}

impl Password {
    /// The most bytes of a password; bounds the work that a stranger can cause.
    pub(crate) const MAX_BYTES: usize = 1_024;

    /// Takes a password to be compared with a stored one.
    pub(crate) fn parse(text: &str) -> Result<Self, PasswordError> {
        if text.is_empty() {
            return Err(PasswordError::Required);
        }
        if text.len() > Self::MAX_BYTES {
            return Err(PasswordError::TooManyBytes(Self::MAX_BYTES));
        }
        Ok(Self(Zeroizing::new(text.nfc().collect())))
    }

    /// Returns the bytes to hash.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Compares without telling by time where two passwords differ.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.as_bytes().ct_eq(other.as_bytes()).into()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(redacted)")
    }
}

/// What an organization demands of passwords beside what is demanded everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct PasswordDemand {
    /// The fewest code points; none means what its policy for second factors asks for.
    pub(crate) min_characters: Option<usize>,
    /// Whether three of four classes of characters must be mixed.
    pub(crate) require_three_classes: bool,
}

/// What a new password must satisfy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PasswordPolicy {
    /// The fewest code points.
    pub(crate) min_characters: usize,
    /// The most code points.
    pub(crate) max_characters: usize,
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self { min_characters: 15, max_characters: 256 }
    }
}

/// The fewest code points of a password that never stands alone (NIST SP 800-63B-4, section 3.1.1).
const MIN_CHARACTERS_BESIDE_A_FACTOR: usize = 12;

/// Below this many guesses (as a power of ten) a password is found by an attacker with a word list.
const MIN_GUESSES_LOG10: f64 = 8.0;

impl PasswordPolicy {
    /// The policy for the members of an organization that demands this of its logins.
    #[must_use]
    pub(crate) fn under(self, mfa: MfaPolicy) -> Self {
        match mfa {
            MfaPolicy::Required => {
                Self { min_characters: self.min_characters.min(MIN_CHARACTERS_BESIDE_A_FACTOR), ..self }
            }
            MfaPolicy::Optional => self,
        }
    }

    /// The policy while it is not known yet whose password it is: refuses only what every organization refuses.
    #[must_use]
    pub(crate) fn anywhere(self) -> Self {
        self.under(MfaPolicy::Required)
    }

    /// Checks the length, which costs nothing and needs no knowledge of the person.
    pub(crate) fn check_length(self, password: &Password) -> Result<(), PasswordError> {
        let characters = password.0.chars().count();
        if characters < self.min_characters {
            return Err(PasswordError::TooShort(self.min_characters));
        }
        if characters > self.max_characters {
            return Err(PasswordError::TooLong(self.max_characters));
        }
        Ok(())
    }

    /// Checks everything; `context` holds the names and addresses that the password must not be made of.
    ///
    /// Takes milliseconds of processor time, so it runs where passwords are hashed.
    pub(crate) fn check(self, password: &Password, context: &[String]) -> Result<(), PasswordError> {
        self.check_length(password)?;
        let known = context_words(context);
        let folded = fold(&password.0);
        if is_made_of(&folded, &known) {
            return Err(PasswordError::ContextWord);
        }
        let inputs: Vec<&str> = known.iter().map(String::as_str).collect();
        // zxcvbn matches against the 30 000 commonest passwords and word lists, reversed and
        // disguised spellings, repeats, sequences and keyboard walks.
        if zxcvbn::zxcvbn(&password.0, &inputs).guesses_log10() < MIN_GUESSES_LOG10 {
            return Err(PasswordError::Guessable);
        }
        Ok(())
    }
}

/// Lower case, letters and digits only: how people vary a word.
fn fold(text: &str) -> String {
    text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect()
}

/// The words themselves and their parts, the product's name among them.
fn context_words(context: &[String]) -> Vec<String> {
    let mut words = vec!["rolecall".to_owned()];
    for text in context {
        words.push(fold(text));
        words.extend(text.split(|c: char| !c.is_alphanumeric()).map(fold));
    }
    words.retain(|word| word.chars().count() >= 4);
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    words.dedup();
    words
}

/// Whether nothing but digits is left when the known words are taken out.
fn is_made_of(folded: &str, words: &[String]) -> bool {
    let mut rest = folded.to_owned();
    let mut found = false;
    for word in words {
        if rest.contains(word.as_str()) {
            rest = rest.replace(word.as_str(), "");
            found = true;
        }
    }
    found && rest.chars().all(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str) -> Result<(), PasswordError> {
        let context = ["ada.lovelace@example.org", "Ada Lovelace", "Analytical Engines"].map(str::to_owned);
        PasswordPolicy::default().check(&Password::parse(text)?, &context)
    }

    #[test]
    fn length_counts_code_points() {
        let policy = PasswordPolicy::default();
        let check = |text: &str| policy.check_length(&Password::parse(text).expect("short enough"));
        assert_eq!(check(&"\u{1f989}".repeat(14)), Err(PasswordError::TooShort(15)));
        assert_eq!(check(&"\u{1f989}".repeat(15)), Ok(()));
        assert_eq!(check(&"a".repeat(256)), Ok(()));
        assert_eq!(check(&"a".repeat(257)), Err(PasswordError::TooLong(256)));
        assert_eq!(Password::parse(&"a".repeat(1_025)).err(), Some(PasswordError::TooManyBytes(1_024)));
        assert_eq!(Password::parse("").err(), Some(PasswordError::Required));
    }

    #[test]
    fn a_password_may_be_shorter_where_a_second_factor_is_required() {
        let password = Password::parse("twelve chars").expect("short enough");
        let check = |policy: PasswordPolicy| policy.check_length(&password);
        assert_eq!(check(PasswordPolicy::default().under(MfaPolicy::Required)), Ok(()));
        assert_eq!(check(PasswordPolicy::default().anywhere()), Ok(()));
        let alone = PasswordPolicy::default().under(MfaPolicy::Optional);
        assert_eq!(check(alone), Err(PasswordError::TooShort(15)));
    }

    #[test]
    fn a_guessable_password_is_refused_however_long() {
        for weak in
            ["passwordpassword", "aaaaaaaaaaaaaaaaaaaa", "123456789012345", "qwertyuiopasdfgh", "abcdefghijklmnopq"]
        {
            assert_eq!(check(weak), Err(PasswordError::Guessable), "{weak}");
        }
        assert_eq!(check("correct horse battery staple"), Ok(()));
        assert_eq!(check("my-acme-horse-staple"), Ok(()));
    }

    #[test]
    fn words_of_the_person_the_organization_and_the_product_make_no_password() {
        for weak in [
            "Ada.Lovelace2026",
            "lovelacelovelace",
            "analytical engines!",
            "AnalyticalEngines1843",
            "rolecall-rolecall-1",
            "ada.lovelace@example.org",
        ] {
            assert_eq!(check(weak), Err(PasswordError::ContextWord), "{weak}");
        }
        assert_eq!(check("lovelace rides a purple tram"), Ok(()));
    }

    #[test]
    fn composed_and_decomposed_spellings_are_one_password() {
        let composed = Password::parse("caf\u{e9} caf\u{e9} caf\u{e9}").expect("valid");
        let decomposed = Password::parse("cafe\u{301} cafe\u{301} cafe\u{301}").expect("valid");
        assert!(composed.is_same(&decomposed));
        assert!(!composed.is_same(&Password::parse("cafe cafe cafe").expect("valid")));
        assert_eq!(format!("{composed:?}"), "Password(redacted)");
    }

    proptest! {
        #[test]
        fn no_text_makes_the_check_panic(text in "\\PC{1,300}") {
            let _ = check(&text);
        }
    }
}
