//! The checks of an ID token (OpenID Connect Core, section 3.1.3.7), and the claims that are missing in it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use openidconnect::core::CoreGenderClaim;
use openidconnect::{
    AccessToken, ClaimsVerificationError, EndUserEmail, HttpRequest, IdTokenClaims, LocalizedClaim, Nonce,
    SignatureVerificationError, SubjectIdentifier, UserInfoClaims,
};
use rolecall_kernel::text::EmailAddress;
use rolecall_kernel::time::Timestamp;
use serde_json::{Map, Value};

use super::types::{Client, IdToken, Metadata, Others, algorithms};
use super::{OidcError, Sent};
use crate::domain::sso::{Asserted, LoginSecrets, Proof, ProviderSettings, RoleSource};

/// How far the clocks may be apart.
const LEEWAY: Duration = Duration::from_secs(5);
/// The longest subject (OpenID Connect Core, section 2).
const MAX_SUBJECT: usize = 255;
/// The most values of a role claim that are looked at.
const MAX_VALUES: usize = 1_000;

/// What a token is checked against.
pub(super) struct Check<'a> {
    pub(super) secrets: &'a LoginSecrets,
    pub(super) client_id: &'a str,
    pub(super) role_claim: &'a str,
    pub(super) now: Timestamp,
}

/// Why a token is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// It is signed by a key that the provider did not publish when it was asked.
    UnknownKey,
    /// For this reason.
    Refused(&'static str),
}

impl Failure {
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::UnknownKey => "the ID token is signed by an unknown key",
            Self::Refused(text) => text,
        }
    }
}

/// What a token says, and whether it was silent about something.
pub(super) struct Read {
    pub(super) asserted: Asserted,
    has_email: bool,
    has_roles: bool,
}

impl Read {
    /// Whether nothing is left to be asked for.
    pub(super) fn is_complete(&self, settings: &ProviderSettings) -> bool {
        self.has_email && (self.has_roles || settings.role_source == RoleSource::Rolecall)
    }
}

fn instant(time: Timestamp) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(time.as_micros()).unwrap_or_default()
}

/// Checks an ID token.
pub(super) fn id_token(
    client: &Client,
    metadata: &Metadata,
    token: &IdToken,
    check: &Check<'_>,
) -> Result<Read, Failure> {
    let (late, early) = (instant(check.now.minus(LEEWAY)), instant(check.now.plus(LEEWAY)));
    let verifier = client
        .id_token_verifier()
        .set_allowed_algs(algorithms(metadata))
        .set_time_fn(move || late)
        .set_issue_time_verifier_fn(
            move |issued| {
                if issued <= early { Ok(()) } else { Err("issued in the future".to_owned()) }
            },
        );
    let claims = token.claims(&verifier, &Nonce::new(check.secrets.nonce.clone())).map_err(|error| failure(&error))?;
    if claims.authorized_party().is_some_and(|party| party.as_str() != check.client_id) {
        return Err(Failure::Refused("the ID token was issued to somebody else"));
    }
    let proof = proof(claims);
    if check.secrets.fresh {
        // `max_age` was sent, so the provider has to tell when (section 3.1.2.1).
        let begun = check.now.minus(crate::domain::sso::LOGIN_LIFETIME);
        if proof.auth_time.is_none_or(|time| time < begun || time > check.now.plus(LEEWAY)) {
            return Err(Failure::Refused("the person did not prove anew who it is"));
        }
    }
    read(claims, check.role_claim, proof)
}

fn failure(error: &ClaimsVerificationError) -> Failure {
    match error {
        ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey) => {
            Failure::UnknownKey
        }
        ClaimsVerificationError::SignatureVerification(_) => {
            Failure::Refused("the ID token is not signed as it must be")
        }
        ClaimsVerificationError::Expired(_) => Failure::Refused("the ID token is not of this time"),
        ClaimsVerificationError::InvalidAudience(_) => Failure::Refused("the ID token is for somebody else"),
        ClaimsVerificationError::InvalidIssuer(_) => Failure::Refused("the ID token is of another issuer"),
        ClaimsVerificationError::InvalidNonce(_) => Failure::Refused("the ID token is of another login"),
        ClaimsVerificationError::InvalidAuthContext(_)
        | ClaimsVerificationError::InvalidAuthTime(_)
        | ClaimsVerificationError::InvalidSubject(_)
        | ClaimsVerificationError::Other(_)
        | ClaimsVerificationError::Unsupported(_)
        | _ => Failure::Refused("the ID token breaks a rule"),
    }
}

fn proof(claims: &IdTokenClaims<Others, CoreGenderClaim>) -> Proof {
    Proof {
        acr: claims.auth_context_ref().map(|acr| acr.as_str().to_owned()),
        amr: claims.auth_method_refs().into_iter().flatten().map(|method| method.as_str().to_owned()).collect(),
        auth_time: claims.auth_time().map(|time| Timestamp::from_seconds(time.timestamp())),
    }
}

fn read(claims: &IdTokenClaims<Others, CoreGenderClaim>, role_claim: &str, proof: Proof) -> Result<Read, Failure> {
    let subject = claims.subject().as_str();
    if subject.is_empty() || subject.len() > MAX_SUBJECT {
        return Err(Failure::Refused("the ID token names nobody"));
    }
    let others = &claims.additional_claims().all;
    let asserted = Asserted {
        issuer: claims.issuer().as_str().to_owned(),
        subject: subject.to_owned(),
        verified_email: email(claims.email(), claims.email_verified()),
        name: first(claims.name()),
        given_name: first(claims.given_name()),
        family_name: first(claims.family_name()),
        roles: values(others, role_claim),
        proof,
    };
    Ok(Read { asserted, has_email: claims.email().is_some(), has_roles: others.contains_key(role_claim) })
}

/// The address, if the provider says that the person proved it: `true`, not the text, and not by silence.
fn email(email: Option<&EndUserEmail>, verified: Option<bool>) -> Option<EmailAddress> {
    email.filter(|_| verified == Some(true)).and_then(|email| EmailAddress::parse(email.as_str()).ok())
}

fn first<T: std::ops::Deref<Target = String>>(claim: Option<&LocalizedClaim<T>>) -> Option<String> {
    let claim = claim?;
    claim.get(None).or_else(|| claim.iter().next().map(|(_, value)| value)).map(|value| (**value).clone())
}

/// The values of a claim that is a text or a list of texts.
fn values(claims: &Map<String, Value>, name: &str) -> Vec<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match claims.get(name) {
        Some(Value::Array(values)) => values.iter().take(MAX_VALUES).filter_map(text).collect(),
        Some(value) => text(value).into_iter().collect(),
        None => Vec::new(),
    }
}

/// Asks for what the ID token was silent about; the answer must be about the same person (section 5.3.2).
pub(super) async fn complete(
    client: &Client,
    http: &(impl Fn(HttpRequest) -> Sent + Sync),
    token: AccessToken,
    read: Read,
    role_claim: &str,
) -> Result<Asserted, OidcError> {
    let subject = SubjectIdentifier::new(read.asserted.subject.clone());
    let Ok(request) = client.user_info(token, Some(subject)) else {
        // It has no such endpoint, so this is all there is.
        return Ok(read.asserted);
    };
    let told: UserInfoClaims<Others, CoreGenderClaim> =
        request.request_async(http).await.map_err(|_| OidcError::Refused("the userinfo endpoint gives no answer"))?;
    let mut asserted = read.asserted;
    if !read.has_email {
        asserted.verified_email = email(told.email(), told.email_verified());
    }
    if !read.has_roles {
        asserted.roles = values(&told.additional_claims().all, role_claim);
    }
    asserted.name = asserted.name.or_else(|| first(told.name()));
    asserted.given_name = asserted.given_name.or_else(|| first(told.given_name()));
    asserted.family_name = asserted.family_name.or_else(|| first(told.family_name()));
    Ok(asserted)
}
