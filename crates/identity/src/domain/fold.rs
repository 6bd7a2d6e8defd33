//! Texts as they are compared, ordered and searched: the same on every database, which compare bytes only.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization as _;

/// The longest key; what follows decides nothing. Bounds the index entries and the page tokens.
const MAX_KEY_BYTES: usize = 512;
/// The longest word that is searched by.
const MAX_WORD_CHARS: usize = 64;

/// Folds a text into its key: compatibility forms and case are one, and Latin letters lose their accents.
pub(crate) fn key(text: &str) -> String {
    let is_accent = |c: &char| ('\u{300}'..='\u{36f}').contains(c);
    let mut key: String = text
        .nfkd()
        .filter(|c| !is_accent(c))
        // One character at a time, so that a beginning folds like the beginning of the whole.
        .flat_map(char::to_lowercase)
        .map(|c| if c == 'ς' { 'σ' } else { c })
        .nfkd()
        .filter(|c| !is_accent(c))
        .collect();
    let end = (0..=MAX_KEY_BYTES.min(key.len())).rev().find(|end| key.is_char_boundary(*end));
    key.truncate(end.unwrap_or_default());
    key
}

/// Folds the beginning of an address as the canonical form of addresses is folded.
pub(crate) fn email(beginning: &str) -> String {
    beginning.to_lowercase().nfc().collect()
}

/// Returns the folded words of texts, each once.
pub(crate) fn words<'a>(texts: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for text in texts {
        let key = key(text);
        let found = key.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.extend(found.map(|word| word.chars().take(MAX_WORD_CHARS).collect::<String>()));
    }
    words
}

/// Returns the least text above all that begin with `prefix`; `None` when there is nothing above them.
///
/// The order of bytes in UTF-8 is the order of code points, so a range serves on every database
/// where a pattern would depend on its settings.
pub(crate) fn above_prefix(prefix: &str) -> Option<String> {
    let mut above: Vec<char> = prefix.chars().collect();
    while let Some(last) = above.pop() {
        // The code points of surrogates are no characters.
        let next = if last == '\u{d7ff}' { Some('\u{e000}') } else { char::from_u32(u32::from(last) + 1) };
        if let Some(next) = next {
            above.push(next);
            return Some(above.into_iter().collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings_of_one_name_share_a_key() {
        for spelling in ["José", "JOSE\u{301}", "jose", "ＪＯＳＥ"] {
            assert_eq!(key(spelling), "jose", "{spelling}");
        }
        assert_eq!(key("ΟΔΟΣ"), key("οδος"));
        assert_eq!(key("İnci"), "inci");
        assert_ne!(key("कि"), key("क"), "marks that are letters of their own stay");
    }

    #[test]
    fn words_are_found_by_their_beginning_only_once() {
        let found = words(["Ada Lovelace", "ada.lovelace@example.org", "O'Neill-Müller"]);
        assert_eq!(
            found.into_iter().collect::<Vec<_>>(),
            ["ada", "example", "lovelace", "muller", "neill", "o", "org"]
        );
        assert!(words(["", " - ", "*"]).is_empty());
    }

    #[test]
    fn a_key_is_never_longer_than_an_index_takes() {
        assert!(key(&"\u{fdfa}".repeat(200)).len() <= MAX_KEY_BYTES);
    }

    #[test]
    fn nothing_lies_above_the_last_character() {
        assert_eq!(above_prefix("ab").as_deref(), Some("ac"));
        assert_eq!(above_prefix("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(above_prefix("\u{d7ff}").as_deref(), Some("\u{e000}"));
        assert_eq!(above_prefix("\u{10ffff}"), None);
        assert_eq!(above_prefix(""), None);
    }

    proptest! {
        #[test]
        fn a_text_lies_in_the_range_of_a_prefix_exactly_when_it_begins_with_it(prefix in "\\PC{1,4}", text in "\\PC{0,8}") {
            for text in [text.clone(), format!("{prefix}{text}")] {
                let above = above_prefix(&prefix);
                let inside = text.as_bytes() >= prefix.as_bytes()
                    && above.is_none_or(|above| text.as_bytes() < above.as_bytes());
                prop_assert_eq!(inside, text.starts_with(&prefix));
            }
        }

        #[test]
        fn a_key_is_its_own_key(text in "\\PC{0,40}") {
            prop_assert_eq!(key(&key(&text)), key(&text));
        }
    }
}
