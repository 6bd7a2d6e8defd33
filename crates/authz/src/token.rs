//! Tokens that say who calls: JSON Web Tokens (RFC 7519) signed with Ed25519 (RFC 8037).
//!
//! | Kind | `typ` | Signed by | Lives |
//! |---|---|---|---|
//! | access token (RFC 9068) | `at+jwt` | the keys that identity publishes | 5 minutes |
//! | access token of somebody who acts as another | `imp+jwt` | the same | 30 minutes at most |
//! | service token | `svc+jwt` | the key derived from the master key | 60 seconds at most |
//! | [assertion] (RFC 7523) | none, `JWT` or `client-authentication+jwt` | the key of a program | 5 minutes at most |
//!
//! The kind decides which keys are asked, so one kind is never accepted as the other. An impersonation has a type of its
//! own, so that a verifier that knows nothing of it refuses it, rather than take it for the subject itself. `EdDSA` is the
//! only algorithm; verification is the strict one of RFC 8032 with canonical points, which leaves a
//! token exactly one valid spelling.

use std::time::Duration;

pub mod assertion;
pub mod claims;
mod crypto;
pub mod keys;
pub mod signer;
pub mod verifier;

/// How far the clocks of two machines may be apart.
pub const LEEWAY: Duration = Duration::from_secs(5);

/// The longest life of a service token.
pub const SERVICE_LIFETIME: Duration = Duration::from_mins(1);

/// The longest life of an access token that a verifier accepts; revocations are kept at least as long.
pub const MAX_ACCESS_LIFETIME: Duration = Duration::from_mins(30);

/// The `iss` of service tokens.
pub const ISSUER_OF_SERVICES: &str = "rolecall";

/// The `typ` of access tokens (RFC 9068, section 2.1).
pub(crate) const ACCESS_TYPE: &str = "at+jwt";

/// The `typ` of the access tokens of an impersonation; they carry the claim `act` (RFC 8693, section 4.1).
pub(crate) const IMPERSONATION_TYPE: &str = "imp+jwt";

/// The `typ` of service tokens.
pub(crate) const SERVICE_TYPE: &str = "svc+jwt";

/// No token of ours is nearly as long; a longer one is refused unread.
pub(crate) const MAX_TOKEN_BYTES: usize = 4096;
