//! Recovery codes: what opens an account once whose authenticator app is lost.

use std::fmt;

use data_encoding::BASE32_NOPAD;
use rolecall_kernel::entropy::Entropy;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// How many a person gets.
pub(crate) const COUNT: usize = 10;

/// 128 bits, beyond all guessing, so that a plain hash keeps them safe at rest.
const BYTES: usize = 16;
/// As many characters of Base32 as 128 bits take.
const CHARACTERS: usize = 26;
/// How many characters stand together.
const GROUP: usize = 5;

/// A recovery code.
#[derive(Clone)]
pub(crate) struct RecoveryCode(Zeroizing<[u8; BYTES]>);

impl RecoveryCode {
    /// Makes a new code.
    pub(crate) fn new(entropy: &dyn Entropy) -> Self {
        let mut bytes = Zeroizing::new([0; BYTES]);
        entropy.fill(bytes.as_mut());
        Self(bytes)
    }

    /// Reads a code as people type it: letter case, spaces and hyphens do not count.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let counts = |c: &char| !(*c == '-' || c.is_whitespace());
        let typed: String = text.chars().filter(counts).take(CHARACTERS + 1).collect();
        let bytes = Zeroizing::new(BASE32_NOPAD.decode(typed.to_ascii_uppercase().as_bytes()).ok()?);
        bytes.as_slice().try_into().ok().map(|bytes| Self(Zeroizing::new(bytes)))
    }

    /// Spells the code in groups, to be shown once.
    pub(crate) fn expose(&self) -> String {
        let spelled = Zeroizing::new(BASE32_NOPAD.encode(self.0.as_ref()).to_ascii_lowercase());
        let (head, tail) = spelled.split_at(4 * GROUP);
        let mut groups: Vec<&str> = (0..4).map(|index| &head[index * GROUP..(index + 1) * GROUP]).collect();
        groups.push(tail);
        groups.join("-")
    }

    /// Returns what is stored: SHA-256.
    pub(crate) fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_ref()).into()
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rolecall_kernel::entropy::SystemEntropy;

    use super::*;

    #[test]
    fn a_code_is_read_as_it_is_shown_and_as_people_type_it() {
        let code = RecoveryCode::new(&SystemEntropy);
        let shown = code.expose();
        let groups: Vec<usize> = shown.split('-').map(str::len).collect();
        assert_eq!(groups, [5, 5, 5, 5, 6]);
        for typed in [shown.clone(), shown.to_uppercase(), shown.replace('-', ""), shown.replace('-', " - ")] {
            assert_eq!(RecoveryCode::parse(&typed).map(|code| code.digest()), Some(code.digest()), "{typed}");
        }
        assert_eq!(format!("{code:?}"), "RecoveryCode(redacted)");
    }

    #[test]
    fn a_code_has_one_spelling_and_one_length() {
        let shown = RecoveryCode::new(&SystemEntropy).expose();
        assert!(RecoveryCode::parse(&shown[..shown.len() - 1]).is_none());
        assert!(RecoveryCode::parse(&format!("{shown}a")).is_none());
        // The last character holds three bits of the code and two that must be zero.
        assert!(RecoveryCode::parse(&format!("{}b", &shown[..shown.len() - 1])).is_none());
        assert!(RecoveryCode::parse("").is_none());
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parsing_panic(text in "\\PC{0,300}") {
            let _ = RecoveryCode::parse(&text);
        }
    }
}
