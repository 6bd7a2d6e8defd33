//! Connects organizations with their identity providers.

use rolecall_authz::{RowFacts, Scope};
use rolecall_db::{Error as StoreError, Tx};
use rolecall_kernel::id::{IdentityProviderId, OrganizationId, SessionId, SubjectId};
use rolecall_kernel::page::{Page, PageSize};
use rolecall_kernel::time::Timestamp;
use rolecall_outbound::guard::Refusal as Closed;
use url::Url;

use super::super::fault::Fault;
use super::super::once::{Answer, Once, take_repeats};
use super::super::{Resources, revoke};
use super::seal_secret;
use crate::domain::event::Event;
use crate::domain::session::EndReason;
use crate::domain::sso::{IdentityProvider, MOST_PROVIDERS, ProviderChange};
use crate::events::publish::about;
use crate::oidc::{Described, OidcError};
use crate::peers::{PeerError, Refusal};
use crate::store::{identity_providers, linked_identities, sessions, sso_logins, users};

/// The most people whose sessions end with one change.
const MOST_PEOPLE: u64 = 100_000;

/// What to connect.
#[derive(Debug)]
pub(crate) struct Create {
    /// Who connects it.
    pub(crate) actor: SubjectId,
    /// Where it may.
    pub(crate) scope: Scope,
    /// With which organization.
    pub(crate) organization: OrganizationId,
    /// How it is used.
    pub(crate) change: ProviderChange,
    /// The name of the change.
    pub(crate) once: Option<Once<IdentityProvider>>,
}

/// What to change.
#[derive(Debug)]
pub(crate) struct Update {
    /// Who changes it.
    pub(crate) actor: SubjectId,
    /// Where it may.
    pub(crate) scope: Scope,
    /// The provider.
    pub(crate) identity_provider_id: IdentityProviderId,
    /// The version that the change is based on; none means whichever is current.
    pub(crate) etag: Option<String>,
    /// How it is used from now on.
    pub(crate) change: ProviderChange,
    /// The name of the change.
    pub(crate) once: Option<Once<IdentityProvider>>,
}

/// What to disconnect.
#[derive(Debug)]
pub(crate) struct Delete {
    /// Who disconnects it.
    pub(crate) actor: SubjectId,
    /// Where it may.
    pub(crate) scope: Scope,
    /// The provider.
    pub(crate) identity_provider_id: IdentityProviderId,
    /// The name of the change.
    pub(crate) once: Option<Once<()>>,
}

/// Which providers to list.
#[derive(Debug)]
pub(crate) struct List {
    /// Where the caller may.
    pub(crate) scope: Scope,
    /// The organization; none means all within the scope.
    pub(crate) organization: Option<OrganizationId>,
    /// After which provider the page begins.
    pub(crate) after: Option<IdentityProviderId>,
    /// How many.
    pub(crate) size: PageSize,
}

/// Why nothing came of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No such provider within what the actor may see.
    #[error("no such identity provider")]
    IdentityProviderNotFound,
    /// No such organization within what the actor may see.
    #[error("no such organization")]
    OrganizationNotFound,
    /// The organization has as many as it may.
    #[error("too many identity providers")]
    SsoLimitReached,
    /// The issuer is not an address that is spoken to.
    #[error("the issuer {0}")]
    IssuerRefused(Closed),
    /// The actor may not give one of the mapped roles.
    #[error("a role is not grantable")]
    RoleNotGrantable,
    /// The provider has this version meanwhile.
    #[error("the provider changed meanwhile")]
    EtagMismatch(i64),
    /// It cannot be reached, or what it says of itself is not usable.
    #[error("the provider cannot be used: {0}")]
    ProviderUnusable(String),
    /// The name of the change was used for another.
    #[error("the request id was used with other content")]
    RequestIdReused,
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

take_repeats!(Error);

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Fault(error.into())
    }
}

impl From<PeerError> for Error {
    fn from(error: PeerError) -> Self {
        match error {
            PeerError::Refused(Refusal::OrganizationNotFound) => Self::OrganizationNotFound,
            PeerError::Refused(Refusal::RoleNotGrantable | Refusal::ActorNotEntitled | Refusal::RequestInvalid) => {
                Self::RoleNotGrantable
            }
            error @ (PeerError::Unavailable(_) | PeerError::Refused(_) | PeerError::Broken(_)) => {
                Self::Fault(error.into())
            }
        }
    }
}

/// Connects a provider.
pub(crate) async fn create(resources: &Resources, command: &Create) -> Result<Answer<IdentityProvider>, Error> {
    let reader = resources.db.reader();
    if let Some(stored) = Once::find(command.once.as_ref(), &reader).await? {
        return Ok(Answer::Stored(stored));
    }
    if command.scope.permit(RowFacts::of_organization(command.organization)).is_none() {
        return Err(Error::OrganizationNotFound);
    }
    let now = resources.now();
    let settings = command.change.first().ok_or(Error::Fault(Fault::Defect("a provider without its fields")))?;
    let provider = &IdentityProvider {
        identity_provider_id: IdentityProviderId::new(now, resources.entropy.as_ref()),
        organization_id: command.organization,
        settings,
        configured_by: command.actor,
        version: 1,
        created: now,
        updated: now,
    };
    check(resources, provider).await?;
    let secret = command.change.client_secret.as_deref().unwrap_or_default();
    let sealed = &seal_secret(resources, provider.identity_provider_id, secret);
    let stored = resources
        .db
        .write(|tx| async move {
            Once::store(command.once.as_ref(), &tx, provider, now).await?;
            if identity_providers::count(&tx, command.organization).await? >= MOST_PROVIDERS {
                return Err(Error::SsoLimitReached);
            }
            identity_providers::insert(&tx, provider, sealed).await?;
            let event = Event::IdentityProviderCreated(provider.identity_provider_id);
            tell(resources, &tx, command.actor, provider, event, now).await
        })
        .await;
    finish(resources, stored, command.once.as_ref(), provider).await
}

/// Changes a provider.
pub(crate) async fn update(resources: &Resources, command: &Update) -> Result<Answer<IdentityProvider>, Error> {
    let reader = resources.db.reader();
    if let Some(stored) = Once::find(command.once.as_ref(), &reader).await? {
        return Ok(Answer::Stored(stored));
    }
    let found = identity_providers::find_in_scope(&reader, command.identity_provider_id, &command.scope).await?;
    let before = &found.ok_or(Error::IdentityProviderNotFound)?;
    if command.etag.as_ref().is_some_and(|etag| *etag != before.version.to_string()) {
        return Err(Error::EtagMismatch(before.version));
    }
    let now = resources.now();
    let provider = &IdentityProvider {
        settings: command.change.apply(&before.settings),
        // Whoever wrote it last answers for all of it.
        configured_by: command.actor,
        version: before.version + 1,
        updated: now,
        ..before.clone()
    };
    check(resources, provider).await?;
    let secret = command.change.client_secret.as_deref();
    let sealed = &secret.map(|secret| seal_secret(resources, provider.identity_provider_id, secret));
    let stored = resources
        .db
        .write(|tx| async move {
            Once::store(command.once.as_ref(), &tx, provider, now).await?;
            let permit = command.scope.permit(RowFacts::of_organization(provider.organization_id));
            let permit = permit.ok_or(Error::IdentityProviderNotFound)?;
            if !identity_providers::update(&tx, &permit, provider, sealed.as_deref(), before.version).await? {
                return Err(StoreError::Conflict.into());
            }
            sso_logins::end_of_provider(&tx, provider.identity_provider_id).await?;
            let event = Event::IdentityProviderUpdated(provider.identity_provider_id);
            tell(resources, &tx, command.actor, provider, event, now).await?;
            let is_other = provider.settings.issuer != before.settings.issuer;
            if provider.settings.enabled && !is_other {
                return Ok(Vec::new());
            }
            end_sessions(resources, &tx, provider, command.actor, now).await
        })
        .await;
    let stored = stored.map(|ended| revoke::obey(resources, &ended, now));
    match stored {
        // Whoever named a version learns the one that took its place; others repeat the call on what is there now.
        Err(Error::Fault(Fault::Store(StoreError::Conflict))) if command.etag.is_some() => {
            let current = identity_providers::find(&reader, command.identity_provider_id).await?;
            Err(current.map_or(Error::IdentityProviderNotFound, |current| Error::EtagMismatch(current.version)))
        }
        stored => finish(resources, stored, command.once.as_ref(), provider).await,
    }
}

/// Disconnects a provider, and ends what began there.
pub(crate) async fn delete(resources: &Resources, command: &Delete) -> Result<Answer<()>, Error> {
    let reader = resources.db.reader();
    if let Some(stored) = Once::find(command.once.as_ref(), &reader).await? {
        return Ok(Answer::Stored(stored));
    }
    let found = identity_providers::find_in_scope(&reader, command.identity_provider_id, &command.scope).await?;
    let provider = &found.ok_or(Error::IdentityProviderNotFound)?;
    let now = resources.now();
    let ended = resources
        .db
        .write(|tx| async move {
            Once::store(command.once.as_ref(), &tx, &(), now).await?;
            let permit = command.scope.permit(RowFacts::of_organization(provider.organization_id));
            let permit = permit.ok_or(Error::IdentityProviderNotFound)?;
            // Held before the accounts, as logins hold it.
            identity_providers::lock(&tx, provider.identity_provider_id).await?;
            let ended = end_sessions(resources, &tx, provider, command.actor, now).await?;
            end_links(resources, &tx, provider, command.actor, now).await?;
            if !identity_providers::delete(&tx, &permit, provider.identity_provider_id).await? {
                return Err(Error::IdentityProviderNotFound);
            }
            let event = Event::IdentityProviderDeleted(provider.identity_provider_id);
            tell(resources, &tx, command.actor, provider, event, now).await?;
            Ok(ended)
        })
        .await;
    match ended {
        Ok(ended) => {
            revoke::obey(resources, &ended, now);
            Ok(Answer::Fresh(()))
        }
        // A parallel run of the same request may have been faster.
        Err(error) => Once::find(command.once.as_ref(), &reader).await?.map(Answer::Stored).ok_or(error),
    }
}

/// Reads a provider.
pub(crate) async fn get(
    resources: &Resources,
    id: IdentityProviderId,
    scope: &Scope,
) -> Result<IdentityProvider, Error> {
    let found = identity_providers::find_in_scope(&resources.db.reader(), id, scope).await?;
    found.ok_or(Error::IdentityProviderNotFound)
}

/// Lists providers in order of creation.
pub(crate) async fn list(resources: &Resources, command: &List) -> Result<Page<IdentityProvider>, Error> {
    let scope = match command.organization {
        None => command.scope.clone(),
        Some(id) if command.scope.includes_organization(id) => command.scope.within(id),
        Some(_) => return Err(Error::OrganizationNotFound),
    };
    Ok(identity_providers::list(&resources.db.reader(), &scope, command.after, command.size).await?)
}

/// Fetches what a provider says of itself.
pub(crate) async fn test(resources: &Resources, id: IdentityProviderId, scope: &Scope) -> Result<Described, Error> {
    let provider = get(resources, id, scope).await?;
    resources.oidc.describe(&provider.settings.issuer).await.map_err(|error| match error {
        OidcError::Unusable(text) => Error::ProviderUnusable(text),
        OidcError::Refused(text) => Error::ProviderUnusable(text.to_owned()),
    })
}

/// Checks the address, and that the actor may itself do what the provider will do in its name.
async fn check(resources: &Resources, provider: &IdentityProvider) -> Result<(), Error> {
    let url = Url::parse(&provider.settings.issuer).map_err(|_| Error::IssuerRefused(Closed::Scheme))?;
    resources.oidc.outbound().check(&url).map_err(Error::IssuerRefused)?;
    let mut roles: Vec<String> = provider.settings.role_mapping.iter().map(|rule| rule.role.clone()).collect();
    roles.push("GUEST".to_owned());
    roles.sort();
    roles.dedup();
    let (organization, actor) = (Some(provider.organization_id), provider.configured_by);
    resources.organization.check_add_member(organization, &roles, actor).await?;
    Ok(())
}

/// Ends every session that began at a provider; its row is held, so none begins meanwhile.
async fn end_sessions(
    resources: &Resources,
    tx: &Tx,
    provider: &IdentityProvider,
    actor: SubjectId,
    now: Timestamp,
) -> Result<Vec<SessionId>, Error> {
    let (id, reason) = (provider.identity_provider_id, EndReason::Revoked);
    let mut all = Vec::new();
    for user_id in linked_identities::list_users_of(tx, id, MOST_PEOPLE).await? {
        let Some(user) = users::lock(tx, user_id).await? else { continue };
        let ended = linked_identities::take_sessions(tx, id, user_id).await?;
        sessions::end_these(tx, &ended, reason, now).await?;
        revoke::publish(resources, tx, &ended, &user, Some(actor), reason, now).await?;
        all.extend(ended);
    }
    Ok(all)
}

/// Ends every link with a provider, as if each person had unlinked it.
async fn end_links(
    resources: &Resources,
    tx: &Tx,
    provider: &IdentityProvider,
    actor: SubjectId,
    now: Timestamp,
) -> Result<(), Error> {
    let id = provider.identity_provider_id;
    for link in linked_identities::list_of_provider(tx, id, MOST_PEOPLE).await? {
        // One that its person unlinks meanwhile is told of by that.
        if linked_identities::delete(tx, link.linked_identity_id, link.user_id).await? {
            let (organization, target) = (Some(provider.organization_id), Some(link.user_id.into()));
            let happened = about(Some(actor), organization, target, now, Event::IdentityUnlinked(id));
            resources.publisher.append(tx, &happened).await?;
        }
    }
    Ok(())
}

async fn tell(
    resources: &Resources,
    tx: &Tx,
    actor: SubjectId,
    provider: &IdentityProvider,
    event: Event,
    now: Timestamp,
) -> Result<(), Error> {
    let happened = about(Some(actor), Some(provider.organization_id), None, now, event);
    resources.publisher.append(tx, &happened).await?;
    Ok(())
}

async fn finish(
    resources: &Resources,
    stored: Result<(), Error>,
    once: Option<&Once<IdentityProvider>>,
    provider: &IdentityProvider,
) -> Result<Answer<IdentityProvider>, Error> {
    match stored {
        Ok(()) => Ok(Answer::Fresh(provider.clone())),
        Err(Error::Fault(fault)) if fault.is_repeat() || matches!(fault, Fault::Store(StoreError::Conflict)) => {
            let stored = Once::find(once, &resources.db.reader()).await?;
            stored.map(Answer::Stored).ok_or(Error::Fault(fault))
        }
        Err(error) => Err(error),
    }
}
