//! Makes a key of a service account.

use std::fmt;

use rolecall_authz::Scope;
use rolecall_kernel::entropy::OpaqueToken;
use rolecall_kernel::id::{ApiKeyId, ServiceAccountId, SubjectId};
use rolecall_kernel::time::Timestamp;

use super::Resources;
use super::fault::Fault;
use super::once::{Once, take_repeats};
use crate::domain::event::Event;
use crate::domain::service_account::{ApiKey, KeyLifeError, PREFIX, ServiceAccount, key_expiry};
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
    /// The name of the change.
    pub(crate) once: Option<Once<()>>,
}

/// A new key with its secret, which is shown once.
#[derive(Clone)]
pub(crate) struct Made {
    /// The key.
    pub(crate) key: ApiKey,
    /// Its secret.
    pub(crate) secret: OpaqueToken,
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
pub(crate) async fn run(resources: &Resources, command: &Command) -> Result<Made, Error> {
    let reader = resources.db.reader();
    if Once::find(command.once.as_ref(), &reader).await?.is_some() {
        return Err(Error::SecretAlreadyReturned);
    }
    let found = service_accounts::find_in_scope(&reader, command.service_account_id, &command.scope).await?;
    let account = found.ok_or(Error::ServiceAccountNotFound)?;
    // Whoever holds a key can act as the account, so it is bounded like the account itself.
    resources.organization.check_service_account(&account, command.actor).await?;
    let (now, entropy) = (resources.now(), resources.entropy.as_ref());
    let key = ApiKey {
        api_key_id: ApiKeyId::new(now, entropy),
        service_account_id: account.service_account_id,
        expires: key_expiry(command.expires, now).map_err(Error::LifeRefused)?,
        created: now,
        last_used: None,
    };
    let secret = OpaqueToken::new(PREFIX, entropy);
    match store(resources, command, &account, &key, &secret.digest()).await {
        Ok(()) => Ok(Made { key, secret }),
        Err(Error::Fault(fault)) if fault.is_repeat() => match Once::find(command.once.as_ref(), &reader).await? {
            Some(_) => Err(Error::SecretAlreadyReturned),
            None => Err(Error::Fault(fault)),
        },
        Err(error) => Err(error),
    }
}

async fn store(
    resources: &Resources,
    command: &Command,
    account: &ServiceAccount,
    key: &ApiKey,
    hash: &[u8; 32],
) -> Result<(), Error> {
    resources
        .db
        .write(|tx| async move {
            Once::store(command.once.as_ref(), &tx, &(), key.created).await?;
            api_keys::insert(&tx, key, hash).await?;
            let (target, event) = (Some(account.service_account_id.into()), Event::ApiKeyCreated(key.api_key_id));
            let happened = about(Some(command.actor), account.organization_id, target, key.created, event);
            resources.publisher.append(&tx, &happened).await?;
            Ok(())
        })
        .await
}
