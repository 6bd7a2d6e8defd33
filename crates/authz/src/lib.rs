//! Who calls, and may they call this? Answered on the head of a request, before its body is read.
//!
//! | Module | Holds |
//! |---|---|
//! | [`policy`] | the [`Rule`] of every method, read from the descriptor; no rule, no start |
//! | [`token`] | access and service tokens: signing, keys, strict verification, the cache of verified tokens |
//! | [`access`] | what a subject may do: the [`AccessSource`], and the [`AccessCache`] that is never older than promised |
//! | [`revocation`] | sessions and subjects whose tokens have ended |
//! | [`mod@caller`] | the [`Caller`] that handlers see |
//! | [`mod@standing`] | whether a caller may go on; what a stream asks before each message |
//! | [`mod@examiner`] | whether a token that a caller shows is good |
//! | [`scope`] | the [`Scope`] that queries compile into their WHERE, the [`Permit`] that changes demand |
//! | [`layer`] | the tower layer that puts it all together |
//! | [`refusal`] | every way to be refused, and its status |
//!
//! A token says *who*; what they may is resolved on each call from the access cache, so that a
//! blocked subject is refused with a token that is still good. What cannot be confirmed is refused.
//!
//! To refuse for a new reason: one value in `errors.proto`, one variant of [`Refusal`], and the
//! compiler asks for the rest. To add a condition on methods: one field of `MethodRule`, one of
//! [`Rule`], one check in `layer/authorize.rs`; a server that does not know the field refuses to start.

pub mod access;
pub mod caller;
pub mod examiner;
pub mod layer;
pub mod policy;
pub mod refusal;
pub mod refused;
pub mod revocation;
pub mod scope;
pub mod standing;
pub mod token;

pub use access::cache::{AccessCache, AccessCacheConfig, AccessRefusal, Freshness};
pub use access::{AccessError, AccessSource, IMPERSONATE, ScopeKind, SessionLimits, SubjectAccess, SubjectKind};
pub use caller::{Caller, CallerKind, caller};
pub use examiner::{Examiner, examiner};
pub use layer::{AuthLayer, AuthService, Authorizer, CallId, MIN_REVISION, Ruling};
pub use policy::{Access, Permission, Policy, PolicyError, ReflectionAccess, Rule};
pub use refusal::Refusal;
pub use refused::{Refusals, Refused};
pub use revocation::{RevocationRefusal, RevocationSource, Revocations};
pub use scope::{Filter, Permit, RowFacts, Scope};
pub use standing::{Standing, standing};
pub use token::assertion;
pub use token::claims::{AccessClaims, Actor, ServiceClaims};
pub use token::keys::{KeyError, KeySet, KeySource, PublicKey};
pub use token::signer::{ServiceTokens, TokenSigner};
pub use token::verifier::{TokenError, Verified, Verifier, VerifierConfig};
pub use token::{ISSUER_OF_SERVICES, LEEWAY, MAX_ACCESS_LIFETIME, SERVICE_LIFETIME};
