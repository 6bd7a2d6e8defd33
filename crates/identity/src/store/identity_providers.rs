//! Identity providers of organizations.

use rolecall_authz::{Permit, Scope};
use rolecall_db::{Error, LockRows as _, Tx};
use rolecall_kernel::id::{IdentityProviderId, OrganizationId, SubjectId};
use rolecall_kernel::page::{Page, PageSize};
use rolecall_kernel::text::PersonName;
use rolecall_kernel::time::Timestamp;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::corrupt;
use super::entity::identity_provider::{ActiveModel, Column, Entity, Model};
use super::scope::condition;
use crate::domain::sso::{IdentityProvider, ProviderSettings, RoleSource};

/// Inserts a provider with its sealed client secret.
pub(crate) async fn insert(tx: &Tx, provider: &IdentityProvider, sealed: &[u8]) -> Result<(), Error> {
    let row = ActiveModel { sealed_secret: Set(sealed.to_vec()), ..row(provider)? };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Stores the provider of the organization that a permit was given for; `false` when it is gone, or was changed since
/// this version of it was read. Without a secret that stays as it is.
pub(crate) async fn update(
    tx: &Tx,
    permit: &Permit,
    provider: &IdentityProvider,
    sealed: Option<&[u8]>,
    read: i64,
) -> Result<bool, Error> {
    if permit.facts().organization_id != Some(provider.organization_id) {
        return Ok(false);
    }
    let sealed_secret = sealed.map_or(NotSet, |sealed| Set(sealed.to_vec()));
    let changed = ActiveModel { identity_provider_id: NotSet, created: NotSet, sealed_secret, ..row(provider)? };
    let done = Entity::update_many()
        .set(changed)
        .filter(Column::IdentityProviderId.eq(provider.identity_provider_id.as_uuid()))
        .filter(Column::Version.eq(read))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Deletes a provider of the organization that a permit was given for; `false` when it is gone.
pub(crate) async fn delete(tx: &Tx, permit: &Permit, id: IdentityProviderId) -> Result<bool, Error> {
    let Some(organization) = permit.facts().organization_id else {
        return Ok(false);
    };
    let own = Entity::delete_by_id(id.as_uuid()).filter(Column::OrganizationId.eq(organization.as_uuid()));
    Ok(own.exec(tx).await?.rows_affected == 1)
}

/// Deletes all providers of an organization, with the links to them.
pub(crate) async fn delete_all(tx: &Tx, organization: OrganizationId) -> Result<(), Error> {
    Entity::delete_many().filter(Column::OrganizationId.eq(organization.as_uuid())).exec(tx).await?;
    Ok(())
}

/// Finds a provider, whoever asks.
pub(crate) async fn find<C: ConnectionTrait>(
    connection: &C,
    id: IdentityProviderId,
) -> Result<Option<IdentityProvider>, Error> {
    Entity::find_by_id(id.as_uuid()).one(connection).await?.as_ref().map(read).transpose()
}

/// Finds a provider and keeps it as it is until the transaction ends.
pub(crate) async fn lock(tx: &Tx, id: IdentityProviderId) -> Result<Option<IdentityProvider>, Error> {
    Entity::find_by_id(id.as_uuid()).lock_for_update().one(tx).await?.as_ref().map(read).transpose()
}

/// Finds a provider and keeps it from being changed until the transaction ends; others may hold it so too.
pub(crate) async fn lock_shared(tx: &Tx, id: IdentityProviderId) -> Result<Option<IdentityProvider>, Error> {
    Entity::find_by_id(id.as_uuid()).lock_shared().one(tx).await?.as_ref().map(read).transpose()
}

/// Finds the sealed client secret of a provider.
pub(crate) async fn find_secret<C: ConnectionTrait>(
    connection: &C,
    id: IdentityProviderId,
) -> Result<Option<Vec<u8>>, Error> {
    Ok(Entity::find_by_id(id.as_uuid()).one(connection).await?.map(|row| row.sealed_secret))
}

/// Finds a provider within a scope.
pub(crate) async fn find_in_scope<C: ConnectionTrait>(
    connection: &C,
    id: IdentityProviderId,
    scope: &Scope,
) -> Result<Option<IdentityProvider>, Error> {
    let own = condition(scope, (Entity, Column::OrganizationId), (Entity, Column::IdentityProviderId));
    let found = Entity::find_by_id(id.as_uuid()).filter(own);
    found.one(connection).await?.as_ref().map(read).transpose()
}

/// Lists providers within a scope in order of creation.
pub(crate) async fn list<C: ConnectionTrait>(
    connection: &C,
    scope: &Scope,
    after: Option<IdentityProviderId>,
    size: PageSize,
) -> Result<Page<IdentityProvider>, Error> {
    let own = condition(scope, (Entity, Column::OrganizationId), (Entity, Column::IdentityProviderId));
    let mut found =
        Entity::find().filter(own).order_by_asc(Column::IdentityProviderId).limit(u64::from(size.get()) + 1);
    if let Some(after) = after {
        found = found.filter(Column::IdentityProviderId.gt(after.as_uuid()));
    }
    let providers = found.all(connection).await?.iter().map(read).collect::<Result<_, _>>()?;
    Ok(Page::from_overfetch(providers, size))
}

/// Finds the oldest provider of an organization that serves.
pub(crate) async fn find_serving<C: ConnectionTrait>(
    connection: &C,
    organization: OrganizationId,
) -> Result<Option<IdentityProvider>, Error> {
    let found = Entity::find()
        .filter(Column::OrganizationId.eq(organization.as_uuid()))
        .filter(Column::Enabled.eq(true))
        // Identifiers made within a millisecond are in no order.
        .order_by_asc(Column::Created)
        .order_by_asc(Column::IdentityProviderId);
    found.one(connection).await?.as_ref().map(read).transpose()
}

/// Counts the providers of an organization.
pub(crate) async fn count(tx: &Tx, organization: OrganizationId) -> Result<u64, Error> {
    Ok(Entity::find().filter(Column::OrganizationId.eq(organization.as_uuid())).count(tx).await?)
}

fn row(provider: &IdentityProvider) -> Result<ActiveModel, Error> {
    let settings = &provider.settings;
    Ok(ActiveModel {
        identity_provider_id: Set(provider.identity_provider_id.as_uuid()),
        organization_id: Set(provider.organization_id.as_uuid()),
        name: Set(settings.name.as_str().to_owned()),
        issuer: Set(settings.issuer.clone()),
        client_id: Set(settings.client_id.clone()),
        sealed_secret: NotSet,
        scopes: Set(write(&settings.scopes)?),
        role_source: Set(settings.role_source.as_str().to_owned()),
        role_claim: Set(settings.role_claim.clone()),
        role_mapping: Set(write(&settings.role_mapping)?),
        required_acr: Set(write(&settings.required_acr)?),
        required_amr: Set(write(&settings.required_amr)?),
        just_in_time: Set(settings.just_in_time),
        linking: Set(settings.linking),
        enabled: Set(settings.enabled),
        configured_by: Set(provider.configured_by.as_uuid()),
        version: Set(provider.version),
        created: Set(provider.created.as_micros()),
        updated: Set(provider.updated.as_micros()),
    })
}

/// Lists are kept as JSON: their values hold whatever a provider likes.
fn write(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|_| corrupt("identity provider"))
}

fn list_of<T: DeserializeOwned>(text: &str) -> Result<Vec<T>, Error> {
    serde_json::from_str(text).map_err(|_| corrupt("identity provider"))
}

fn read(row: &Model) -> Result<IdentityProvider, Error> {
    let settings = ProviderSettings {
        name: PersonName::parse(&row.name).map_err(|_| corrupt("identity provider"))?,
        issuer: row.issuer.clone(),
        client_id: row.client_id.clone(),
        scopes: list_of(&row.scopes)?,
        role_source: RoleSource::parse(&row.role_source).ok_or_else(|| corrupt("identity provider"))?,
        role_claim: row.role_claim.clone(),
        role_mapping: list_of(&row.role_mapping)?,
        required_acr: list_of(&row.required_acr)?,
        required_amr: list_of(&row.required_amr)?,
        just_in_time: row.just_in_time,
        linking: row.linking,
        enabled: row.enabled,
    };
    Ok(IdentityProvider {
        identity_provider_id: IdentityProviderId::from_uuid(row.identity_provider_id),
        organization_id: OrganizationId::from_uuid(row.organization_id),
        settings,
        configured_by: SubjectId::from_uuid(row.configured_by),
        version: row.version,
        created: Timestamp::from_micros(row.created),
        updated: Timestamp::from_micros(row.updated),
    })
}
