//! Randomness as a parameter, and the opaque secrets made from it.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

/// Gives random bytes; handed in, so that tests can repeat a run.
pub trait Entropy: Send + Sync + fmt::Debug {
    /// Fills the buffer with random bytes.
    fn fill(&self, buffer: &mut [u8]);
}

/// The random number generator of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the system for randomness")]
    #[expect(clippy::expect_used, reason = "without randomness nothing may go on: every secret would be guessable")]
    fn fill(&self, buffer: &mut [u8]) {
        getrandom::fill(buffer).expect("the operating system gives random bytes");
    }
}

/// A bearer secret of 256 bits, such as an invitation code or a refresh token.
///
/// It is shown once and stored only as its [`digest`](Self::digest).
#[derive(Clone)]
pub struct OpaqueToken(SecretString);

impl OpaqueToken {
    /// The characters of a token after its prefix: 32 bytes in base64url without padding.
    const BODY: usize = 43;

    /// The fewest characters of a secret that a person chose.
    pub const SHORTEST_CHOSEN: usize = 32;

    /// Makes a new token that begins with `prefix`, so that leak scanners recognise it.
    pub fn new(prefix: &str, entropy: &dyn Entropy) -> Self {
        let mut bytes = zeroize::Zeroizing::new([0; 32]);
        entropy.fill(bytes.as_mut());
        Self::from_bytes(prefix, &bytes)
    }

    /// Makes the token that these 32 bytes spell; used where a token is derived rather than drawn.
    pub fn from_bytes(prefix: &str, bytes: &[u8; 32]) -> Self {
        Self(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes)).into())
    }

    /// Takes a token from a caller; anything but the exact form is `None` and costs no look-up.
    pub fn parse(prefix: &str, text: &str) -> Option<Self> {
        let body = text.strip_prefix(prefix)?;
        // The strict decoder also refuses stray bits in the last character, so one token has one spelling.
        let bytes = URL_SAFE_NO_PAD.decode(body).ok()?;
        (body.len() == Self::BODY && bytes.len() == 32).then(|| Self(text.to_owned().into()))
    }

    /// Takes a secret that an operator chose instead of having it drawn; `None` when it is too short. Spaces around it
    /// do not count.
    pub fn chosen(text: &str) -> Option<Self> {
        let text = text.trim();
        (text.chars().count() >= Self::SHORTEST_CHOSEN).then(|| Self(text.to_owned().into()))
    }

    /// Returns what is stored and looked up: SHA-256 of the whole token.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.0.expose_secret().as_bytes()).into()
    }

    /// Returns the token's text, to be handed to its owner.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for OpaqueToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpaqueToken(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chosen_secret_is_long_and_the_same_as_a_drawn_one_of_that_text() {
        let chosen = |text: &str| OpaqueToken::chosen(text).map(|token| token.digest());
        let drawn = OpaqueToken::new("rcs_", &SystemEntropy);
        assert_eq!(chosen(&format!(" {}\r\n", drawn.expose())), Some(drawn.digest()));
        assert!(chosen(&"é".repeat(32)).is_some());
        assert_eq!(chosen(&"a".repeat(31)), None);
        assert_eq!(chosen(&format!("{}{}", "a".repeat(31), " ".repeat(9))), None);
    }

    /// ASVS: T10
    #[test]
    fn asvs_v7_2_3_every_prefix_suffix_and_case_flip_of_a_token_is_refused_or_another_token() {
        let token = OpaqueToken::new("rci_", &SystemEntropy);
        let text = token.expose();
        assert!(OpaqueToken::parse("rci_", text).is_some());
        for end in 0..text.len() {
            assert!(OpaqueToken::parse("rci_", &text[..end]).is_none());
        }
        for suffix in ["A", "=", " ", "\n"] {
            assert!(OpaqueToken::parse("rci_", &format!("{text}{suffix}")).is_none());
        }
        for index in 4..text.len() {
            let mut flipped = text.as_bytes().to_vec();
            flipped[index] ^= 0x20;
            let other = String::from_utf8(flipped).ok().and_then(|text| OpaqueToken::parse("rci_", &text));
            assert!(other.is_none_or(|other| other.digest() != token.digest()));
        }
        assert!(OpaqueToken::parse("rcr_", text).is_none());
    }

    /// ASVS: V11.5.2
    #[test]
    fn asvs_v6_5_3_no_token_comes_twice_wherever_it_is_drawn() {
        let draw = || (0..20_000).map(|_| OpaqueToken::new("rci_", &SystemEntropy).digest()).collect::<Vec<_>>();
        let drawn: Vec<[u8; 32]> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(draw)).collect();
            threads.into_iter().flat_map(|thread| thread.join().expect("it ends")).collect()
        });
        let different: std::collections::HashSet<&[u8; 32]> = drawn.iter().collect();
        assert_eq!((drawn.len(), different.len()), (160_000, 160_000));
    }

    #[test]
    fn a_token_is_not_printed() {
        let token = OpaqueToken::new("rci_", &SystemEntropy);
        assert!(!format!("{token:?}").contains(&token.expose()[4..]));
    }
}
