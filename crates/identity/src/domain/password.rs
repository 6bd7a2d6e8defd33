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
    /// Of fewer kinds of characters than the organization asks for.
    #[error("must mix three of: small letters, capital letters, digits, other characters")]
    ClassesMissing,
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
            Self::ClassesMissing => "PASSWORD_CLASSES_MISSING",
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
    /// Whether three of four classes of characters must be mixed.
    pub(crate) require_three_classes: bool,
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self { min_characters: 15, max_characters: 256, require_three_classes: false }
    }
}

/// The fewest code points of a password that never stands alone, unless its organization asks for another number.
const MIN_CHARACTERS_BESIDE_A_FACTOR: usize = 12;

/// The fewest that an organization can ask for then (NIST SP 800-63B-4, section 3.1.1).
const FLOOR_BESIDE_A_FACTOR: usize = 8;

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

    /// The policy for the members of an organization that demands this of its logins, and that of their passwords.
    ///
    /// Whatever it asks for, a password that stands alone is no shorter than everywhere else.
    #[must_use]
    pub(crate) fn of(self, mfa: MfaPolicy, demand: PasswordDemand) -> Self {
        let floor = match mfa {
            MfaPolicy::Required => FLOOR_BESIDE_A_FACTOR,
            MfaPolicy::Optional => self.min_characters,
        };
        let usual = self.under(mfa).min_characters;
        Self {
            min_characters: demand.min_characters.map_or(usual, |fewest| fewest.max(floor)),
            require_three_classes: demand.require_three_classes,
            ..self
        }
    }

    /// The policy while it is not known yet whose password it is: refuses only what every organization refuses.
    #[must_use]
    pub(crate) fn anywhere(self) -> Self {
        Self { min_characters: self.min_characters.min(FLOOR_BESIDE_A_FACTOR), ..self }
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
        if self.require_three_classes && count_classes(&password.0) < 3 {
            return Err(PasswordError::ClassesMissing);
        }
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

/// How many of four classes a text mixes: small letters, capital letters, digits, and everything else.
fn count_classes(text: &str) -> usize {
    let is_other = |c: char| !c.is_lowercase() && !c.is_uppercase() && !c.is_numeric();
    let classes: [fn(char) -> bool; 3] = [char::is_lowercase, char::is_uppercase, char::is_numeric];
    let known = classes.into_iter().filter(|is_in| text.chars().any(is_in)).count();
    known + usize::from(text.chars().any(is_other))
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

    /// ASVS: V6.2.9
    #[test]
    fn asvs_v6_2_1_length_counts_code_points() {
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
    fn asvs_v6_2_1_a_password_may_be_shorter_where_a_second_factor_is_required() {
        let password = Password::parse("twelve chars").expect("short enough");
        let check = |policy: PasswordPolicy| policy.check_length(&password);
        assert_eq!(check(PasswordPolicy::default().under(MfaPolicy::Required)), Ok(()));
        assert_eq!(check(PasswordPolicy::default().anywhere()), Ok(()));
        let seven = Password::parse("7 chars").expect("short enough");
        assert_eq!(PasswordPolicy::default().anywhere().check_length(&seven), Err(PasswordError::TooShort(8)));
        let alone = PasswordPolicy::default().under(MfaPolicy::Optional);
        assert_eq!(check(alone), Err(PasswordError::TooShort(15)));
    }

    #[test]
    fn asvs_v6_2_1_an_organization_asks_for_more_and_never_for_less_than_is_safe() {
        let fewest = |mfa, min_characters| {
            let demand = PasswordDemand { min_characters, ..PasswordDemand::default() };
            PasswordPolicy::default().of(mfa, demand).min_characters
        };
        assert_eq!(fewest(MfaPolicy::Required, None), 12);
        assert_eq!(fewest(MfaPolicy::Required, Some(8)), 8);
        assert_eq!(fewest(MfaPolicy::Required, Some(1)), 8);
        assert_eq!(fewest(MfaPolicy::Required, Some(40)), 40);
        assert_eq!(fewest(MfaPolicy::Optional, None), 15);
        assert_eq!(fewest(MfaPolicy::Optional, Some(8)), 15);
        assert_eq!(fewest(MfaPolicy::Optional, Some(20)), 20);
    }

    #[test]
    fn asvs_v6_2_5_three_classes_are_asked_for_only_where_the_organization_does() {
        let demand = PasswordDemand { require_three_classes: true, ..PasswordDemand::default() };
        let policy = PasswordPolicy::default().of(MfaPolicy::Optional, demand);
        let check = |text: &str| policy.check(&Password::parse(text).expect("short enough"), &[]);
        for mixed in
            ["correct Horse battery", "purple 7 trams ride", "Gr\u{fc}ne 4Katzen \u{fc}ben", "FOUR 4 purple TRAMS"]
        {
            assert_eq!(check(mixed), Ok(()), "{mixed}");
        }
        for few in ["correct horse battery staple", "CORRECT HORSE BATTERY", "purplehorsebattery"] {
            assert_eq!(check(few), Err(PasswordError::ClassesMissing), "{few}");
        }
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

    /// ASVS: V6.1.2
    #[test]
    fn asvs_v6_2_11_words_of_the_person_the_organization_and_the_product_make_no_password() {
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
    fn asvs_v6_2_8_composed_and_decomposed_spellings_are_one_password() {
        let composed = Password::parse("caf\u{e9} caf\u{e9} caf\u{e9}").expect("valid");
        let decomposed = Password::parse("cafe\u{301} cafe\u{301} cafe\u{301}").expect("valid");
        assert!(composed.is_same(&decomposed));
        assert!(!composed.is_same(&Password::parse("cafe cafe cafe").expect("valid")));
        assert_eq!(format!("{composed:?}"), "Password(redacted)");
    }

    /// ASVS: V6.2.12
    #[test]
    fn asvs_v6_2_4_none_of_three_thousand_common_passwords_is_accepted() {
        let common = include_str!("../../tests/data/common_passwords.txt");
        let policy = PasswordPolicy::default().anywhere();
        let refuses = |text: &str| policy.check(&Password::parse(text).expect("short enough"), &[]).is_err();
        let accepted: Vec<&str> = common.lines().filter(|text| !refuses(text)).collect();
        assert_eq!(common.lines().count(), 3_000);
        assert_eq!(accepted, [""; 0]);
    }

    proptest! {
        #[test]
        fn asvs_v6_2_5_characters_of_one_class_suffice(text in "[a-z]{20,40}|[A-Z]{20,40}|[0-9]{30,40}|[\u{4e00}-\u{9000}]{20,40}") {
            prop_assert_eq!(check(&text), Ok(()));
        }

        #[test]
        fn no_text_makes_the_check_panic(text in "\\PC{1,300}") {
            let _ = check(&text);
        }
    }
}
