//! Assertions of programs about themselves: client authentication by a signed token (RFC 7523, section 3;
//! `private_key_jwt` of OpenID Connect Core, section 9), instead of a secret that both sides know.

use std::time::Duration;

use rolecall_kernel::time::Timestamp;
use serde::Deserialize;

use super::claims::fractional_seconds;
use super::keys::PublicKey;
use super::verifier::{TokenError, header, validation};
use super::{LEEWAY, crypto};

/// How far ahead an assertion may end; so long its `jti` is remembered.
pub const MAX_LIFETIME: Duration = Duration::from_mins(5);

/// The longest `jti` in bytes.
pub const MAX_JTI: usize = 128;

/// The `typ` of an assertion, where it has one (draft-ietf-oauth-rfc7523bis, section 4).
const TYPE: &str = "client-authentication+jwt";

/// What a program said about itself, as verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertion {
    /// Names this assertion among those of its key.
    pub jti: String,
    /// From when on it is refused by everybody.
    pub forgotten: Timestamp,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    jti: String,
    exp: NumericDate,
    iat: Option<NumericDate>,
    nbf: Option<NumericDate>,
}

/// Seconds, with a fraction where a library writes one (RFC 7519, section 2).
#[derive(Clone, Copy, Deserialize)]
struct NumericDate(#[serde(deserialize_with = "fractional_seconds::deserialize")] Timestamp);

/// One name, or a list of them (RFC 7519, section 4.1.3).
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    /// A list of several could be shown to each of the others, so only the one is accepted.
    fn is_exactly(&self, audience: &str) -> bool {
        match self {
            Self::One(name) => name == audience,
            Self::Many(names) => matches!(names.as_slice(), [name] if name == audience),
        }
    }
}

/// Reads which key an assertion names; nothing of it is believed yet.
pub fn key_id(assertion: &str) -> Result<String, TokenError> {
    let header = header(assertion)?;
    match header.typ.as_deref() {
        None | Some("JWT" | TYPE) => header.kid.ok_or(TokenError::Malformed),
        Some(_) => Err(TokenError::Malformed),
    }
}

/// Verifies an assertion of the subject to the audience, signed with the key.
///
/// That its `jti` is used once only is for the caller to see to.
pub fn verify(
    assertion: &str,
    key: &PublicKey,
    subject: &str,
    audience: &str,
    now: Timestamp,
) -> Result<Assertion, TokenError> {
    if !crypto::install() || key_id(assertion)? != key.kid() {
        return Err(TokenError::Signature);
    }
    let decoded = jsonwebtoken::decode::<Claims>(assertion, key.decoding(), &validation());
    let claims = decoded.map_err(|_| TokenError::Signature)?.claims;
    let named = claims.iss == subject && claims.sub == subject && claims.aud.is_exactly(audience);
    if !named || claims.jti.is_empty() || claims.jti.len() > MAX_JTI {
        return Err(TokenError::Claims);
    }
    let begun = [claims.iat, claims.nbf].into_iter().flatten().all(|NumericDate(time)| time <= now.plus(LEEWAY));
    let NumericDate(ends) = claims.exp;
    let forgotten = ends.plus(LEEWAY);
    if begun && now < forgotten && ends <= now.plus(MAX_LIFETIME + LEEWAY) {
        Ok(Assertion { jti: claims.jti, forgotten })
    } else {
        Err(TokenError::Time)
    }
}
