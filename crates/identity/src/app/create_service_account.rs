//! Makes the account of a program.

use rolecall_authz::Scope;
use rolecall_kernel::id::{OrganizationId, SagaId, ServiceAccountId, SubjectId};
use rolecall_kernel::text::PersonName;
use rolecall_kernel::time::Timestamp;

use super::fault::Fault;
use super::once::{Answer, Once, take_repeats};
use super::{Resources, saga};
use crate::domain::event::Event;
use crate::domain::saga::{Saga, SagaKind, SagaState};
use crate::domain::service_account::ServiceAccount;
use crate::events::publish::about;
use crate::peers::{PeerError, Refusal};
use crate::store::{sagas, service_accounts};

/// Where a new account acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the actor's own organization.
    Own,
    /// In this one.
    Organization(OrganizationId),
    /// In the whole instance.
    Instance,
}

/// What to make.
#[derive(Debug)]
pub(crate) struct Command {
    /// Who makes it.
    pub(crate) actor: SubjectId,
    /// Where it may.
    pub(crate) scope: Scope,
    /// Where the account acts.
    pub(crate) place: Place,
    /// What it is called.
    pub(crate) name: PersonName,
    /// Names of its permissions.
    pub(crate) permissions: Vec<String>,
    /// The name of the change.
    pub(crate) once: Option<Once<ServiceAccount>>,
}

/// Why there is no account.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No such organization within what the actor may see.
    #[error("no such organization")]
    OrganizationNotFound,
    /// The organization is suspended.
    #[error("the organization is suspended")]
    OrganizationSuspended,
    /// One of the permissions is beyond what the actor may give.
    #[error("a permission is not grantable")]
    PermissionNotGrantable,
    /// One of the permissions is none.
    #[error("a permission is unknown")]
    PermissionUnknown,
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
            PeerError::Refused(Refusal::OrganizationNotFound) => Self::OrganizationNotFound,
            PeerError::Refused(Refusal::OrganizationSuspended) => Self::OrganizationSuspended,
            PeerError::Refused(Refusal::PermissionNotGrantable | Refusal::ActorNotEntitled) => {
                Self::PermissionNotGrantable
            }
            PeerError::Refused(Refusal::RequestInvalid) => Self::PermissionUnknown,
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

/// Makes an account; its permissions and its row come together or not at all.
pub(crate) async fn run(resources: &Resources, command: &Command) -> Result<Answer<ServiceAccount>, Error> {
    let reader = resources.db.reader();
    if let Some(stored) = Once::find(command.once.as_ref(), &reader).await? {
        return Ok(Answer::Stored(stored));
    }
    let organization = place(command)?;
    let now = resources.now();
    let id = ServiceAccountId::new(now, resources.entropy.as_ref());
    let saga = Saga {
        saga_id: SagaId::from_uuid(id.as_uuid()),
        kind: SagaKind::CreateServiceAccount,
        state: SagaState::Started,
    };
    saga::begin(resources, &saga).await.map_err(Error::Fault)?;
    match add_and_commit(resources, command, id, &organization, now).await {
        Ok(account) => Ok(Answer::Fresh(account)),
        Err(error) => {
            saga::abandon(resources, &saga).await;
            match (error, Once::find(command.once.as_ref(), &reader).await?) {
                (Error::Fault(fault), Some(stored)) if fault.is_repeat() => Ok(Answer::Stored(stored)),
                (error, _) => Err(error),
            }
        }
    }
}

/// How organization is told where the account acts.
fn place(command: &Command) -> Result<String, Error> {
    match command.place {
        Place::Own => Ok(String::new()),
        Place::Organization(id) if command.scope.includes_organization(id) => Ok(id.to_string()),
        Place::Instance if command.scope == Scope::All => Ok("-".to_owned()),
        Place::Organization(_) | Place::Instance => Err(Error::OrganizationNotFound),
    }
}

async fn add_and_commit(
    resources: &Resources,
    command: &Command,
    id: ServiceAccountId,
    organization: &str,
    now: Timestamp,
) -> Result<ServiceAccount, Error> {
    let peer = &resources.organization;
    let organization_id = peer.add_service_account(id, organization, &command.permissions, command.actor).await?;
    let account = ServiceAccount {
        service_account_id: id,
        organization_id,
        name: command.name.clone(),
        permissions: command.permissions.clone(),
        version: 1,
        created: now,
    };
    let made = &account;
    resources
        .db
        .write(|tx| async move {
            Once::store(command.once.as_ref(), &tx, made, now).await?;
            service_accounts::insert(&tx, made).await?;
            let event = Event::ServiceAccountCreated(command.permissions.clone());
            let happened = about(Some(command.actor), organization_id, Some(id.into()), now, event);
            resources.publisher.append(&tx, &happened).await?;
            // Organization has nothing left to do, so the commit also ends the work.
            let saga_id = SagaId::from_uuid(id.as_uuid());
            if !sagas::advance(&tx, saga_id, SagaState::Started, SagaState::Committed).await? {
                return Err(Error::Fault(rolecall_db::Error::Conflict.into()));
            }
            sagas::delete(&tx, saga_id).await?;
            Ok(())
        })
        .await?;
    Ok(account)
}
