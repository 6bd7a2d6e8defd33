//! When two names are the same.

use rolecall_kernel::text::ResourceName;
use unicode_normalization::UnicodeNormalization as _;

/// Returns what decides whether two names are the same: letter case and form aside.
///
/// Lower case of upper case folds what lower case alone leaves apart, such as the German sharp s.
pub(crate) fn key(name: &ResourceName) -> String {
    fold(name.as_str())
}

/// Folds a text as [`key`] folds names.
pub(crate) fn fold(text: &str) -> String {
    let folded: String = text.nfc().collect::<String>().to_uppercase().to_lowercase();
    folded.nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_in_case_or_form_only_are_the_same() {
        assert_eq!(fold("Caf\u{e9}"), fold("CAFE\u{301}"));
        assert_eq!(fold("Stra\u{df}e"), fold("STRASSE"));
        assert_ne!(fold("trial 1"), fold("trial 2"));
    }
}
