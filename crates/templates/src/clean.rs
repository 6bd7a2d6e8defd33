//! Takes out of names and reasons what would let their author speak through our mails.
//!
//! Whoever names itself or an organization chooses text that appears in mail to others, under our
//! sender. So links do not survive, neither do characters that break lines or reorder text.

use rolecall_kernel::text::is_forbidden;

/// The most characters of a name, a reason, or a list of roles.
const MAX: usize = 500;

/// Beginnings that mail programs turn into links.
const SCHEMES: [&str; 10] =
    ["://", "www.", "http:", "https:", "ftp:", "mailto:", "javascript:", "data:", "file:", "tel:"];

/// Returns the text on one line, without links, control, bidirectional or invisible characters.
///
/// A word that holds a link goes altogether; a dot inside a word, as in `evil.example`, gets a space
/// after it, so that mail programs do not make a link of it.
pub fn clean(text: &str) -> String {
    let visible: String = text.chars().filter_map(visible).collect();
    let words: Vec<String> = visible.split_whitespace().filter(|word| !is_link(word)).map(part_dots).collect();
    words.join(" ").chars().take(MAX).collect::<String>().trim_end().to_owned()
}

fn visible(c: char) -> Option<char> {
    match c {
        // Dots to an internationalised domain name (UTS 46).
        '\u{3002}' | '\u{ff0e}' | '\u{ff61}' => Some('.'),
        '\u{2028}' | '\u{2029}' => Some(' '),
        c if c.is_control() => Some(' '),
        c if is_forbidden(c) => None,
        c => Some(c),
    }
}

fn is_link(word: &str) -> bool {
    let word = word.to_lowercase();
    SCHEMES.iter().any(|scheme| word.contains(scheme))
}

/// Top-level domains begin with a letter; `1.2` stays as it is.
fn part_dots(word: &str) -> String {
    let mut parted = String::with_capacity(word.len());
    let mut rest = word.chars().peekable();
    while let Some(c) = rest.next() {
        parted.push(c);
        if c == '.' && rest.peek().is_some_and(|next| next.is_alphabetic()) {
            parted.push(' ');
        }
    }
    parted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_people_stay_as_they_are() {
        for name in [
            "Ada Lovelace",
            "Jos\u{e9} Ortega y Gasset",
            "O'Brien & Sons <Ltd>",
            "\u{674e}\u{56db}",
            "Dr. J. Doe",
            "Team 1.2",
        ] {
            assert_eq!(clean(name), name);
        }
    }

    #[test]
    fn attack_t29_links_and_what_becomes_one_do_not_survive() {
        for (given, left) in [
            ("Win at https://evil.example/now today", "Win at today"),
            ("HTTP://EVIL.example", ""),
            ("www.evil.example", ""),
            ("Ada (javascript:alert(1))", "Ada"),
            ("see evil.example", "see evil. example"),
            ("see evil\u{3002}example", "see evil. example"),
            ("call tel:+490000", "call"),
            ("ada@evil.example", "ada@evil. example"),
        ] {
            assert_eq!(clean(given), left, "{given}");
        }
    }

    #[test]
    fn no_line_is_broken_and_no_text_turned_round() {
        assert_eq!(clean("Ada\r\nBcc: eve@example"), "Ada Bcc: eve@example");
        assert_eq!(clean("Ada\u{202e}ecalevoL\u{200b}\u{feff}\0"), "AdaecalevoL");
        assert_eq!(clean("htt\u{200b}ps://evil.example"), "");
    }

    proptest! {
        /// ASVS: T29
        #[test]
        fn asvs_v1_3_3_whatever_is_given_one_short_harmless_line_is_left(text in "\\PC*|[\\x00-\\x7f]*|(https?://|www\\.|[a-z]+\\.)+[a-z]*") {
            let cleaned = clean(&text);
            prop_assert!(cleaned.chars().count() <= MAX);
            prop_assert!(!cleaned.chars().any(is_forbidden));
            prop_assert!(!cleaned.to_lowercase().contains("://"));
            prop_assert_eq!(clean(&cleaned), cleaned.clone());
        }
    }
}
