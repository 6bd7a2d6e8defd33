//! Hashes that another system made: read with their cost bounded, and compared until their person logs in.
//!
//! Until then a login takes as long as the other system chose, which may tell a stranger that the
//! account came from there; the first right login replaces the hash by one of ours.

use std::fmt;
use std::str::FromStr as _;

use argon2::Params;
use argon2::password_hash::phc::{Output, PasswordHash};
use bcrypt::HashParts;
use pbkdf2::pbkdf2_hmac;
use pbkdf2::sha2::{Sha256, Sha512};

/// The longest text of a hash.
const MAX_BYTES: usize = 512;
/// What makes a text one of bcrypt; `$2x$` marks hashes of a defect, which are refused.
const BCRYPT_PREFIXES: [&str; 3] = ["$2a$", "$2b$", "$2y$"];

/// The hash of a password that another system made.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ImportedHash(String);

/// Why a text is no hash that can be taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ImportedHashError {
    /// Nothing was given.
    #[error("is required")]
    Required,
    /// More than a hash ever takes.
    #[error("must have at most 512 bytes")]
    TooLong,
    /// Of a kind, or written in a way, that is not known.
    #[error("must be a PHC string of argon2id, argon2i, scrypt, pbkdf2-sha256 or pbkdf2-sha512, or a bcrypt string")]
    Unknown,
    /// Checking it would take too much time or memory.
    #[error("costs too much to check: {0}")]
    TooCostly(&'static str),
}

impl ImportedHashError {
    /// Returns the name of the rule, for programs.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::Required => "REQUIRED",
            Self::TooLong => "TOO_LONG",
            Self::Unknown => "HASH_UNKNOWN",
            Self::TooCostly(_) => "HASH_TOO_COSTLY",
        }
    }
}

impl ImportedHash {
    /// Takes a hash whose check is bounded in time and memory.
    pub(crate) fn parse(text: &str) -> Result<Self, ImportedHashError> {
        if text.is_empty() {
            return Err(ImportedHashError::Required);
        }
        if text.len() > MAX_BYTES {
            return Err(ImportedHashError::TooLong);
        }
        Scheme::read(text)?;
        Ok(Self(text.to_owned()))
    }

    /// Returns the text to store.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ImportedHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ImportedHash(redacted)")
    }
}

/// How a hash was made, its cost within the bounds.
enum Scheme {
    /// Read and compared by the hashing of ours.
    Argon2,
    Scrypt(scrypt::Params),
    Pbkdf2 {
        digest: Digest,
        rounds: u32,
    },
    Bcrypt,
}

enum Digest {
    Sha256,
    Sha512,
}

impl Scheme {
    fn read(text: &str) -> Result<Self, ImportedHashError> {
        if BCRYPT_PREFIXES.iter().any(|prefix| text.starts_with(prefix)) {
            return Self::read_bcrypt(text);
        }
        let parsed = PasswordHash::new(text).map_err(|_| ImportedHashError::Unknown)?;
        if parsed.salt.is_none() || parsed.hash.is_none() {
            return Err(ImportedHashError::Unknown);
        }
        Self::of(&parsed)
    }

    fn read_bcrypt(text: &str) -> Result<Self, ImportedHashError> {
        let cost = HashParts::from_str(text).map_err(|_| ImportedHashError::Unknown)?.get_cost();
        match cost {
            4..=14 => Ok(Self::Bcrypt),
            15.. => Err(ImportedHashError::TooCostly("bcrypt has at most cost 14")),
            _ => Err(ImportedHashError::Unknown),
        }
    }

    fn of(parsed: &PasswordHash) -> Result<Self, ImportedHashError> {
        match parsed.algorithm.as_str() {
            "argon2id" | "argon2i" => {
                let params = Params::try_from(parsed).map_err(|_| ImportedHashError::Unknown)?;
                let is_bounded = params.m_cost() <= 65_536 && params.t_cost() <= 10 && params.p_cost() <= 4;
                let bound = ImportedHashError::TooCostly("argon2 has at most m=65536, t=10, p=4");
                if is_bounded { Ok(Self::Argon2) } else { Err(bound) }
            }
            "scrypt" => Self::of_scrypt(parsed),
            "pbkdf2-sha256" => Ok(Self::Pbkdf2 { digest: Digest::Sha256, rounds: rounds(parsed)? }),
            "pbkdf2-sha512" => Ok(Self::Pbkdf2 { digest: Digest::Sha512, rounds: rounds(parsed)? }),
            _ => Err(ImportedHashError::Unknown),
        }
    }

    fn of_scrypt(parsed: &PasswordHash) -> Result<Self, ImportedHashError> {
        let (ln, r, p) = (number(parsed, "ln")?, number(parsed, "r")?, number(parsed, "p")?);
        if ln > 17 || r > 8 || p > 4 {
            return Err(ImportedHashError::TooCostly("scrypt has at most ln=17, r=8, p=4"));
        }
        let ln = u8::try_from(ln).ok().filter(|ln| *ln > 0).ok_or(ImportedHashError::Unknown)?;
        scrypt::Params::new(ln, r, p).map(Self::Scrypt).map_err(|_| ImportedHashError::Unknown)
    }
}

fn number(parsed: &PasswordHash, name: &str) -> Result<u32, ImportedHashError> {
    parsed.params.get_decimal(name).ok_or(ImportedHashError::Unknown)
}

fn rounds(parsed: &PasswordHash) -> Result<u32, ImportedHashError> {
    match number(parsed, "i")? {
        0 => Err(ImportedHashError::Unknown),
        rounds @ 1..=1_200_000 => Ok(rounds),
        _ => Err(ImportedHashError::TooCostly("pbkdf2 has at most i=1200000")),
    }
}

/// Compares a password with a stored hash that is none of argon2.
pub(super) fn verify(password: &[u8], stored: &str) -> bool {
    match Scheme::read(stored) {
        Ok(Scheme::Bcrypt) => bcrypt::verify(password, stored).unwrap_or(false),
        Ok(Scheme::Scrypt(params)) => {
            matches(stored, |salt, output| scrypt::scrypt(password, salt, &params, output).is_ok())
        }
        Ok(Scheme::Pbkdf2 { digest, rounds }) => matches(stored, |salt, output| {
            match digest {
                Digest::Sha256 => pbkdf2_hmac::<Sha256>(password, salt, rounds, output),
                Digest::Sha512 => pbkdf2_hmac::<Sha512>(password, salt, rounds, output),
            }
            true
        }),
        Ok(Scheme::Argon2) | Err(_) => false,
    }
}

/// Computes an output of the length of the stored one, and compares both in constant time.
fn matches(stored: &str, compute: impl FnOnce(&[u8], &mut [u8]) -> bool) -> bool {
    let Ok(PasswordHash { salt: Some(salt), hash: Some(expected), .. }) = PasswordHash::new(stored) else {
        return false;
    };
    let mut output = vec![0; expected.len()];
    compute(&salt, &mut output) && Output::new(&output).is_ok_and(|output| output == expected)
}

#[cfg(test)]
mod tests;
