//! Verification, and the cache of what was verified.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use moka::Equivalent;
use moka::sync::Cache;
use rolecall_kernel::time::{Clock, Timestamp};
use serde::de::DeserializeOwned;

use super::claims::{AccessClaims, ServiceClaims};
use super::keys::{KeySet, PublicKey, Refreshed};
use super::signer::ServiceTokens;
use super::{
    ACCESS_TYPE, IMPERSONATION_TYPE, ISSUER_OF_SERVICES, LEEWAY, MAX_ACCESS_LIFETIME, MAX_TOKEN_BYTES,
    SERVICE_LIFETIME, SERVICE_TYPE, crypto,
};
use crate::access::{AccessError, SubjectKind};

/// Which access tokens are accepted here.
#[derive(Debug, Clone)]
pub struct VerifierConfig {
    /// The `iss` that access tokens must have.
    pub issuer: String,
    /// The `aud` that access tokens must have.
    pub audience: String,
    /// Further `aud` that access tokens may have: only for who examines the tokens of others, never for who obeys them.
    pub also_for: Vec<String>,
    /// How many verified tokens are remembered; about 1 KiB each.
    pub cache_capacity: u64,
}

impl VerifierConfig {
    /// Accepts tokens of this issuer for Rolecall itself, and remembers 20 000 of them.
    pub fn new(issuer: impl Into<String>) -> Self {
        Self { issuer: issuer.into(), audience: "rolecall".to_owned(), also_for: Vec::new(), cache_capacity: 20_000 }
    }
}

/// Why a token is refused. Callers are told none of this but [`Unconfirmed`](Self::Unconfirmed).
#[derive(Debug, Clone, thiserror::Error)]
pub enum TokenError {
    /// Not a token of ours by its form or type.
    #[error("not a token of ours")]
    Malformed,
    /// The signature does not hold, or the algorithm is not `EdDSA`.
    #[error("the signature does not hold")]
    Signature,
    /// It names a key that does not exist.
    #[error("signed with an unknown key")]
    UnknownKey,
    /// It is over, or not yet issued, or lives too long.
    #[error("not valid at this time")]
    Time,
    /// It is from or for somebody else, or lacks a claim.
    #[error("the claims are not acceptable")]
    Claims,
    /// Whether the key exists cannot be told at present.
    #[error("the signing keys cannot be confirmed")]
    Unconfirmed(Option<AccessError>),
}

/// A token that is good.
#[derive(Debug, Clone)]
pub enum Verified {
    /// An access token.
    Access(Arc<AccessClaims>),
    /// A service token.
    Service(Arc<ServiceClaims>),
}

impl Verified {
    fn times(&self) -> (Timestamp, Timestamp) {
        match self {
            Self::Access(claims) => (claims.iat, claims.exp),
            Self::Service(claims) => (claims.iat, claims.exp),
        }
    }

    fn check_time(&self, now: Timestamp) -> Result<(), TokenError> {
        let (issued, expires) = self.times();
        if !is_over(expires, now) && issued <= now.plus(LEEWAY) { Ok(()) } else { Err(TokenError::Time) }
    }
}

/// Clocks differ a little, so a token lasts a little longer than it says.
fn is_over(expires: Timestamp, now: Timestamp) -> bool {
    now >= expires.plus(LEEWAY)
}

/// Verifies tokens of both kinds; a token is verified once and then remembered while its key stays trusted.
pub struct Verifier {
    keys: Arc<KeySet>,
    service_key: PublicKey,
    clock: Arc<dyn Clock>,
    config: VerifierConfig,
    validation: Validation,
    verified: Cache<Remembered, (u64, Verified)>,
}

impl Verifier {
    /// Makes a verifier.
    pub fn new(keys: Arc<KeySet>, services: &ServiceTokens, clock: Arc<dyn Clock>, config: VerifierConfig) -> Self {
        let verified =
            Cache::builder().max_capacity(config.cache_capacity).time_to_live(MAX_ACCESS_LIFETIME + LEEWAY).build();
        Self { keys, service_key: services.public_key().clone(), clock, config, validation: validation(), verified }
    }

    /// Verifies a token with what is at hand; takes about a microsecond when it is remembered.
    ///
    /// [`TokenError::UnknownKey`] is final only after [`verify_or_refresh`](Self::verify_or_refresh).
    pub fn verify(&self, token: &str) -> Result<Verified, TokenError> {
        let keys = self.keys.load();
        if let Some((generation, verified)) = self.verified.get(&Lookup(token))
            && generation == keys.generation
        {
            // A remembered token is still looked at with the clock: it may have ended since.
            return verified.check_time(self.clock.now()).map(|()| verified);
        }
        let verified = self.decode(token, |kid| keys.get(kid))?;
        verified.check_time(self.clock.now())?;
        self.verified.insert(Remembered(token.into()), (keys.generation, verified.clone()));
        Ok(verified)
    }

    /// Verifies a token; asks the source of the keys when it names an unknown one.
    pub async fn verify_or_refresh(&self, token: &str) -> Result<Verified, TokenError> {
        match self.verify(token) {
            Err(TokenError::UnknownKey) => {}
            verified => return verified,
        }
        let kid = header(token)?.kid.unwrap_or_default();
        let refreshed = self.keys.refresh(&kid).await.map_err(|error| TokenError::Unconfirmed(Some(error)))?;
        match (self.verify(token), refreshed) {
            (Err(TokenError::UnknownKey), Refreshed::TooSoon) => Err(TokenError::Unconfirmed(None)),
            (verified, _) => verified,
        }
    }

    /// Tells whether a token that was verified earlier has ended by itself since.
    pub(crate) fn has_expired(&self, claims: &AccessClaims) -> bool {
        is_over(claims.exp, self.clock.now())
    }

    /// Tells whether something that a token speaks of lies further back than this, clocks differing a little.
    pub(crate) fn is_older(&self, time: Timestamp, age: Duration) -> bool {
        is_over(time.plus(age), self.clock.now())
    }

    fn decode<'k>(&self, token: &str, key: impl Fn(&str) -> Option<&'k PublicKey>) -> Result<Verified, TokenError> {
        if !crypto::install() {
            return Err(TokenError::Signature);
        }
        let header = header(token)?;
        let kid = header.kid.as_deref().ok_or(TokenError::Malformed)?;
        match header.typ.as_deref() {
            Some(typ @ (ACCESS_TYPE | IMPERSONATION_TYPE)) => {
                let key = key(kid).ok_or(TokenError::UnknownKey)?;
                let claims = self.claims(token, key.decoding())?;
                self.check_access(&claims)?;
                if claims.act.is_some() != (typ == IMPERSONATION_TYPE) {
                    return Err(TokenError::Claims);
                }
                Ok(Verified::Access(Arc::new(claims)))
            }
            Some(SERVICE_TYPE) => {
                let claims = self.claims(token, self.service_key.decoding())?;
                check_service(&claims)?;
                Ok(Verified::Service(Arc::new(claims)))
            }
            _ => Err(TokenError::Malformed),
        }
    }

    /// The claims are deserialized only after the signature was found to hold.
    fn claims<C: DeserializeOwned>(&self, token: &str, key: &DecodingKey) -> Result<C, TokenError> {
        let decoded = jsonwebtoken::decode(token, key, &self.validation);
        decoded.map(|data| data.claims).map_err(|error| {
            if matches!(error.kind(), ErrorKind::Json(_)) { TokenError::Claims } else { TokenError::Signature }
        })
    }

    fn check_access(&self, claims: &AccessClaims) -> Result<(), TokenError> {
        let is_for = |audience: &String| *audience == claims.aud;
        let for_us = is_for(&self.config.audience) || self.config.also_for.iter().any(is_for);
        let ours = claims.iss == self.config.issuer && for_us;
        let is_program = claims.kind == SubjectKind::ServiceAccount;
        let complete = !claims.jti.is_empty() && (claims.sid.is_some() || is_program);
        // Only people lend a part of what they may.
        let is_whole_or_lent = claims.kind == SubjectKind::User || !claims.is_personal_token();
        let acts_rightly = match &claims.act {
            None => !claims.read_only,
            Some(actor) => actor.sub != claims.sub && !is_program && !claims.is_personal_token(),
        };
        if !(ours && complete && is_whole_or_lent && acts_rightly) {
            return Err(TokenError::Claims);
        }
        check_lifetime(claims.iat, claims.exp, MAX_ACCESS_LIFETIME)
    }
}

/// `jsonwebtoken` would ask the machine for the time, so it leaves times to us, and the other claims too.
pub(super) fn validation() -> Validation {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims = ["exp", "iss", "aud", "sub"].map(str::to_owned).into();
    validation
}

/// Reads the header; one that demands an extension is refused (RFC 7515, section 4.1.11).
pub(super) fn header(token: &str) -> Result<Header, TokenError> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(TokenError::Malformed);
    }
    let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Malformed)?;
    if header.alg == Algorithm::EdDSA && header.crit.is_none() { Ok(header) } else { Err(TokenError::Malformed) }
}

fn check_service(claims: &ServiceClaims) -> Result<(), TokenError> {
    let named = claims.caller().is_some() && claims.callee().is_some();
    if claims.iss != ISSUER_OF_SERVICES || !named {
        return Err(TokenError::Claims);
    }
    check_lifetime(claims.iat, claims.exp, SERVICE_LIFETIME)
}

/// `exp` is in whole seconds, rounded down; so it never seems too long.
fn check_lifetime(issued: Timestamp, expires: Timestamp, longest: Duration) -> Result<(), TokenError> {
    if issued <= expires && expires.since(issued) <= longest { Ok(()) } else { Err(TokenError::Time) }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("keys", &self.keys).field("config", &self.config).finish_non_exhaustive()
    }
}

/// A token as the key of the cache. Compared whole, so that no two tokens are taken for each other.
#[derive(PartialEq, Eq)]
struct Remembered(Box<str>);

/// The same for a look-up without a copy.
struct Lookup<'a>(&'a str);

impl Hash for Remembered {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Lookup(&self.0).hash(state);
    }
}

impl Hash for Lookup<'_> {
    /// The end of a token is its signature, which tells tokens apart as well as the whole does and is
    /// a tenth as long. Only verified tokens are kept, so nobody can fill a bucket at will.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let bytes = self.0.as_bytes();
        state.write(&bytes[bytes.len().saturating_sub(32)..]);
    }
}

impl Equivalent<Remembered> for Lookup<'_> {
    fn equivalent(&self, key: &Remembered) -> bool {
        *self.0 == *key.0
    }
}
