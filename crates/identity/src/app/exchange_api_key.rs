//! Exchanges the key of a service account, an assertion signed with it, or a personal access token for an access token.

use rolecall_authz::{PublicKey, assertion};
use rolecall_kernel::entropy::OpaqueToken;
use rolecall_kernel::id::{ApiKeyId, ServiceAccountId, SubjectId, UserId};
use rolecall_kernel::time::Timestamp;

use super::fault::{Fault, take_faults};
use super::last_used::Used;
use super::{Resources, tokens};
use crate::domain::service_account::{ApiKey, Proof, hash};
use crate::store::{access_tokens, api_keys, used_assertions};

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// What was shown is unknown or ended, or its subject may not act.
    #[error("it does not open an account")]
    CredentialsRefused,
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

take_faults!(Error);

/// What is shown.
#[derive(Debug)]
pub(crate) enum Shown {
    /// The key of a service account.
    ApiKey(OpaqueToken),
    /// A personal access token.
    AccessToken(OpaqueToken),
    /// What a service account says of itself (RFC 7523).
    Assertion(String),
}

/// Whose token it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    /// A program.
    ServiceAccount(ServiceAccountId),
    /// A person.
    User(UserId),
}

/// An access token.
pub(crate) struct Exchanged {
    /// The token.
    pub(crate) access_token: String,
    /// When it ends.
    pub(crate) expires: Timestamp,
    /// Whose it is.
    pub(crate) owner: Owner,
}

/// Exchanges what is shown; 256 bits and signatures are not guessed, so failures are not counted.
pub(crate) async fn run(resources: &Resources, shown: &Shown) -> Result<Exchanged, Error> {
    // Taken first: a deletion that comes later ends this token.
    let now = resources.now();
    match shown {
        Shown::ApiKey(_) if !resources.config.secret_keys => Err(Error::CredentialsRefused),
        Shown::ApiKey(key) => {
            let found = api_keys::find_by_hash(&resources.db.reader(), &key.digest(), now).await?;
            let key = found.ok_or(Error::CredentialsRefused)?;
            of_program(resources, &key, now).await
        }
        Shown::Assertion(assertion) => {
            let key = believe(resources, assertion, now).await?;
            of_program(resources, &key, now).await
        }
        Shown::AccessToken(token) => {
            let found = access_tokens::find_by_hash(&resources.db.reader(), &token.digest(), now).await?;
            let token = found.ok_or(Error::CredentialsRefused)?;
            demand_active(resources, token.user_id.into()).await?;
            resources.last_used.note(Used::AccessToken(token.access_token_id), now);
            let (access_token, expires) = tokens::of_access_token(resources, &token, now);
            Ok(Exchanged { access_token, expires, owner: Owner::User(token.user_id) })
        }
    }
}

async fn of_program(resources: &Resources, key: &ApiKey, now: Timestamp) -> Result<Exchanged, Error> {
    let subject = SubjectId::from(key.service_account_id);
    demand_active(resources, subject).await?;
    resources.last_used.note(Used::ApiKey(key.api_key_id), now);
    let (access_token, expires) = tokens::of_service_account(resources, subject, now);
    Ok(Exchanged { access_token, expires, owner: Owner::ServiceAccount(key.service_account_id) })
}

/// Verifies an assertion and uses it up; it counts only once its use is stored.
async fn believe(resources: &Resources, text: &str, now: Timestamp) -> Result<ApiKey, Error> {
    let named = assertion::key_id(text).ok().and_then(|id| ApiKeyId::parse(&id).ok());
    let id = named.ok_or(Error::CredentialsRefused)?;
    let key = api_keys::find_good(&resources.db.reader(), id, now).await?.ok_or(Error::CredentialsRefused)?;
    let Proof::Signature(public) = key.proof else { return Err(Error::CredentialsRefused) };
    let public = PublicKey::new(&id.to_string(), public.to_bytes()).map_err(|_| Error::CredentialsRefused)?;
    let (subject, audience) = (key.service_account_id.to_string(), &resources.config.issuer);
    let verified = assertion::verify(text, &public, &subject, audience, now);
    let assertion = verified.map_err(|_| Error::CredentialsRefused)?;
    let jti = &hash(assertion.jti.as_bytes());
    let write =
        resources.db.write(|tx| async move { used_assertions::insert(&tx, id, jti, assertion.forgotten).await });
    if write.await? { Ok(key) } else { Err(Error::CredentialsRefused) }
}

async fn demand_active(resources: &Resources, subject: SubjectId) -> Result<(), Error> {
    if resources.organization.access(subject).await?.active { Ok(()) } else { Err(Error::CredentialsRefused) }
}
