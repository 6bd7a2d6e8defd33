//! Signing.

use std::fmt;
use std::sync::Arc;

use ed25519_dalek::SigningKey;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rolecall_kernel::key::{MasterKey, Purpose};
use rolecall_kernel::time::Timestamp;
use serde::Serialize;

use super::claims::{AccessClaims, ServiceClaims};
use super::keys::PublicKey;
use super::{ACCESS_TYPE, IMPERSONATION_TYPE, ISSUER_OF_SERVICES, SERVICE_LIFETIME, SERVICE_TYPE, crypto};

/// A private key that signs tokens of one type.
struct Signing {
    key: EncodingKey,
    header: Header,
    public: PublicKey,
}

impl Signing {
    fn new(kid: &str, typ: &str, seed: &[u8; 32]) -> Self {
        crypto::install();
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(typ.to_owned());
        header.kid = Some(kid.to_owned());
        let public = PublicKey::of(kid, &SigningKey::from_bytes(seed));
        Self { key: EncodingKey::from_ed_der(seed), header, public }
    }

    fn sign(&self, claims: &impl Serialize) -> String {
        self.sign_under(&self.header, claims)
    }

    #[expect(clippy::expect_used, reason = "claims are plain data, and the key was made for this algorithm")]
    fn sign_under(&self, header: &Header, claims: &impl Serialize) -> String {
        jsonwebtoken::encode(header, claims, &self.key).expect("claims that can be written down")
    }
}

/// Signs access tokens; cheap to clone.
#[derive(Clone)]
pub struct TokenSigner(Arc<Signing>);

impl TokenSigner {
    /// Takes the 32 secret bytes of an Ed25519 key (RFC 8032) and the id by which tokens name it.
    pub fn from_seed(kid: &str, seed: &[u8; 32]) -> Self {
        Self(Arc::new(Signing::new(kid, ACCESS_TYPE, seed)))
    }

    /// Returns the id by which tokens name the key.
    pub fn kid(&self) -> &str {
        self.0.public.kid()
    }

    /// Returns the public half, to be published and put into a [`KeySet`](crate::KeySet).
    pub fn public_key(&self) -> &PublicKey {
        &self.0.public
    }

    /// Signs the claims into a token, of a type of its own when somebody acts as the subject.
    pub fn sign_access(&self, claims: &AccessClaims) -> String {
        if claims.act.is_none() {
            return self.0.sign(claims);
        }
        let header = Header { typ: Some(IMPERSONATION_TYPE.to_owned()), ..self.0.header.clone() };
        self.0.sign_under(&header, claims)
    }
}

impl fmt::Debug for TokenSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenSigner({}, redacted)", self.kid())
    }
}

/// Issues the tokens by which services of the suite show each other who they are; cheap to clone.
///
/// Every process that shares the master key can issue and verify them.
#[derive(Clone)]
pub struct ServiceTokens(Arc<Signing>);

impl ServiceTokens {
    /// Derives the key from the master key.
    pub fn new(master: &MasterKey) -> Self {
        Self(Arc::new(Signing::new("service", SERVICE_TYPE, &master.derive(Purpose::ServiceToken))))
    }

    /// Issues a token for a call from one service to another, good for [`SERVICE_LIFETIME`].
    pub fn issue(&self, from: &str, to: &str, now: Timestamp) -> String {
        self.0.sign(&ServiceClaims {
            iss: ISSUER_OF_SERVICES.to_owned(),
            sub: format!("{}{from}", ServiceClaims::PREFIX),
            aud: format!("{}{to}", ServiceClaims::PREFIX),
            exp: now.plus(SERVICE_LIFETIME),
            iat: now,
        })
    }

    /// Returns the public half.
    pub fn public_key(&self) -> &PublicKey {
        &self.0.public
    }
}

impl fmt::Debug for ServiceTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServiceTokens(redacted)")
    }
}
