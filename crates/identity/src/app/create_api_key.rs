//! Makes a key of a service account.

use std::fmt;

use ed25519_dalek::VerifyingKey;
use rolecall_authz::Scope;
use rolecall_kernel::entropy::OpaqueToken;
use rolecall_kernel::id::{ApiKeyId, ServiceAccountId, SubjectId};
use rolecall_kernel::time::Timestamp;

use super::Resources;
use super::fault::Fault;
use super::once::{Answer, Once, take_repeats};
use crate::domain::event::Event;
use crate::domain::service_account::{ApiKey, KeyLifeError, PREFIX, Proof, ServiceAccount, hash, key_expiry};
use crate::events::publish::about;
use crate::peers::{PeerError, Refusal};
use crate::store::{api_keys, service_accounts};

/// Whose key, and until when.
#[derive(Debug)]
pub(crate) struct Command {
    /// Who makes it.
    pub(crate) actor: SubjectId,
    /// Where it may.
    pub(crate) scope: Scope,
    /// The account.
    pub(crate) service_account_id: ServiceAccountId,
    /// When the key ends.
    pub(crate) expires: Option<Timestamp>,
    /// What verifies the signatures of its holder; a secret is made without it.
    pub(crate) public_key: Option<VerifyingKey>,
    /// The name of the change; its answer is written down where it holds no secret.
    pub(crate) once: Option<Once<Made>>,
}

/// A new key; its secret, where it has one, is shown once.
#[derive(Clone)]
pub(crate) struct Made {
    /// The key.
    pub(crate) key: ApiKey,
    /// Its secret.
    pub(crate) secret: Option<OpaqueToken>,
}

impl fmt::Debug for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Made({:?}, redacted)", self.key.api_key_id)
    }
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No such account within what the actor may see.
    #[error("no such service account")]
    ServiceAccountNotFound,
    /// The account holds what the actor may not give.
    #[error("the permissions of the account are not the actor's to give")]
    PermissionNotGrantable,
    /// It would end too early or too late.
    #[error("the end of the key {0}")]
    LifeRefused(KeyLifeError),
    /// Keys of this installation are no secrets.
    #[error("keys that are secrets are switched off")]
    SecretKeysOff,
    /// The key was made before, and its secret is not kept.
    #[error("the secret was returned before")]
    SecretAlreadyReturned,
    /// The name of the change was used for another.
    #[error("the request id was used with other content")]
    RequestIdReused,
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

take_repeats!(Error);

impl From<PeerError> for Error {
    fn from(error: PeerError) -> Self {
        match error {
            PeerError::Refused(Refusal::PermissionNotGrantable | Refusal::ActorNotEntitled) => {
                Self::PermissionNotGrantable
            }
            PeerError::Refused(Refusal::OrganizationNotFound) => Self::ServiceAccountNotFound,
            error @ (PeerError::Unavailable(_) | PeerError::Refused(_) | PeerError::Broken(_)) => {
                Self::Fault(error.into())
            }
        }
    }
}

impl From<rolecall_db::Error> for Error {
    fn from(error: rolecall_db::Error) -> Self {
        Self::Fault(error.into())
    }
}

/// Makes a key.
pub(crate) async fn run(resources: &Resources, command: &Command) -> Result<Answer<Made>, Error> {
    if command.public_key.is_none() && !resources.config.secret_keys {
        return Err(Error::SecretKeysOff);
    }
    if let Some(stored) = find_repeat(resources, command).await? {
        return Ok(stored);
    }
    let reader = resources.db.reader();
    let found = service_accounts::find_in_scope(&reader, command.service_account_id, &command.scope).await?;
    let account = found.ok_or(Error::ServiceAccountNotFound)?;
    // Whoever holds a key can act as the account, so it is bounded like the account itself.
    resources.organization.check_service_account(&account, command.actor).await?;
    let made = make(resources, command, &account)?;
    match store(resources, command, &account, &made).await {
        Ok(()) => Ok(Answer::Fresh(made)),
        Err(Error::Fault(fault)) if fault.is_repeat() => {
            find_repeat(resources, command).await?.ok_or(Error::Fault(fault))
        }
        Err(error) => Err(error),
    }
}

async fn find_repeat(resources: &Resources, command: &Command) -> Result<Option<Answer<Made>>, Error> {
    match Once::find(command.once.as_ref(), &resources.db.reader()).await? {
        None => Ok(None),
        Some(_) if command.public_key.is_none() => Err(Error::SecretAlreadyReturned),
        Some(stored) => Ok(Some(Answer::Stored(stored))),
    }
}

fn make(resources: &Resources, command: &Command, account: &ServiceAccount) -> Result<Made, Error> {
    let (now, entropy) = (resources.now(), resources.entropy.as_ref());
    let key = ApiKey {
        api_key_id: ApiKeyId::new(now, entropy),
        service_account_id: account.service_account_id,
        proof: command.public_key.map_or(Proof::Secret, Proof::Signature),
        expires: key_expiry(command.expires, now).map_err(Error::LifeRefused)?,
        created: now,
        last_used: None,
    };
    let secret = command.public_key.is_none().then(|| OpaqueToken::new(PREFIX, entropy));
    Ok(Made { key, secret })
}

async fn store(resources: &Resources, command: &Command, account: &ServiceAccount, made: &Made) -> Result<(), Error> {
    let key = &made.key;
    // Nothing that is shown hashes to the hash of an id.
    let hash = &made.secret.as_ref().map_or_else(|| hash(key.api_key_id.as_uuid().as_bytes()), OpaqueToken::digest);
    resources
        .db
        .write(|tx| async move {
            Once::store(command.once.as_ref(), &tx, made, key.created).await?;
            api_keys::insert(&tx, key, hash).await?;
            let (target, event) = (Some(account.service_account_id.into()), Event::ApiKeyCreated(key.api_key_id));
            let happened = about(Some(command.actor), account.organization_id, target, key.created, event);
            resources.publisher.append(&tx, &happened).await?;
            Ok(())
        })
        .await
}
