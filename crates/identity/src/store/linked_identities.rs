//! What identity providers know people by, and the sessions that began there.

use rolecall_db::{Error, Tx};
use rolecall_kernel::id::{IdentityProviderId, LinkedIdentityId, SessionId, UserId};
use rolecall_kernel::time::Timestamp;
use sea_orm::ActiveValue::Set;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};

use super::entity::linked_identity::{ActiveModel, Column, Entity, Model};
use super::entity::sso_session;
use crate::domain::sso::LinkedIdentity;

/// Inserts a link; violates [`LINKED_IDENTITIES_SUBJECT_KEY`](super::LINKED_IDENTITIES_SUBJECT_KEY) when the provider
/// knows somebody else by it.
pub(crate) async fn insert(tx: &Tx, link: &LinkedIdentity) -> Result<(), Error> {
    let row = ActiveModel {
        linked_identity_id: Set(link.linked_identity_id.as_uuid()),
        user_id: Set(link.user_id.as_uuid()),
        identity_provider_id: Set(link.identity_provider_id.as_uuid()),
        issuer: Set(link.issuer.clone()),
        subject: Set(link.subject.clone()),
        created: Set(link.created.as_micros()),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Finds whom an issuer knows by a subject.
pub(crate) async fn find<C: ConnectionTrait>(
    connection: &C,
    issuer: &str,
    subject: &str,
) -> Result<Option<LinkedIdentity>, Error> {
    let found = Entity::find().filter(Column::Issuer.eq(issuer)).filter(Column::Subject.eq(subject));
    Ok(found.one(connection).await?.map(read))
}

/// Counts the links of a person.
pub(crate) async fn count<C: ConnectionTrait>(connection: &C, user_id: UserId) -> Result<u64, Error> {
    Ok(Entity::find().filter(Column::UserId.eq(user_id.as_uuid())).count(connection).await?)
}

/// Lists the links of a person in the order in which they were made; there are few.
pub(crate) async fn list<C: ConnectionTrait>(connection: &C, user_id: UserId) -> Result<Vec<LinkedIdentity>, Error> {
    let found = Entity::find().filter(Column::UserId.eq(user_id.as_uuid())).order_by_asc(Column::LinkedIdentityId);
    Ok(found.limit(100).all(connection).await?.into_iter().map(read).collect())
}

/// Deletes a link of a person; `false` when it is gone or somebody else's.
pub(crate) async fn delete(tx: &Tx, id: LinkedIdentityId, user_id: UserId) -> Result<bool, Error> {
    let own = Entity::delete_by_id(id.as_uuid()).filter(Column::UserId.eq(user_id.as_uuid()));
    Ok(own.exec(tx).await?.rows_affected == 1)
}

/// Lists the links with a provider.
pub(crate) async fn list_of_provider<C: ConnectionTrait>(
    connection: &C,
    provider: IdentityProviderId,
    most: u64,
) -> Result<Vec<LinkedIdentity>, Error> {
    let found = Entity::find()
        .filter(Column::IdentityProviderId.eq(provider.as_uuid()))
        .order_by_asc(Column::LinkedIdentityId)
        .limit(most);
    Ok(found.all(connection).await?.into_iter().map(read).collect())
}

/// Deletes every link of a person.
pub(crate) async fn delete_all(tx: &Tx, user_id: UserId) -> Result<(), Error> {
    Entity::delete_many().filter(Column::UserId.eq(user_id.as_uuid())).exec(tx).await?;
    Ok(())
}

/// Notes at which provider a session began.
pub(crate) async fn note_session(
    tx: &Tx,
    session_id: SessionId,
    provider: IdentityProviderId,
    user_id: UserId,
) -> Result<(), Error> {
    let row = sso_session::ActiveModel {
        session_id: Set(session_id.as_uuid()),
        identity_provider_id: Set(provider.as_uuid()),
        user_id: Set(user_id.as_uuid()),
    };
    sso_session::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Lists who has sessions that began at a provider, up to as many.
pub(crate) async fn list_users_of<C: ConnectionTrait>(
    connection: &C,
    provider: IdentityProviderId,
    most: u64,
) -> Result<Vec<UserId>, Error> {
    let rows: Vec<uuid::Uuid> = sso_session::Entity::find()
        .select_only()
        .column(sso_session::Column::UserId)
        .distinct()
        .filter(sso_session::Column::IdentityProviderId.eq(provider.as_uuid()))
        .order_by_asc(sso_session::Column::UserId)
        .limit(most)
        .into_tuple()
        .all(connection)
        .await?;
    Ok(rows.into_iter().map(UserId::from_uuid).collect())
}

/// Takes the sessions of a person that began at a provider, and returns which they are.
pub(crate) async fn take_sessions(
    tx: &Tx,
    provider: IdentityProviderId,
    user_id: UserId,
) -> Result<Vec<SessionId>, Error> {
    let of_user = |query: sea_orm::Select<sso_session::Entity>| {
        query
            .filter(sso_session::Column::IdentityProviderId.eq(provider.as_uuid()))
            .filter(sso_session::Column::UserId.eq(user_id.as_uuid()))
    };
    let rows = of_user(sso_session::Entity::find()).all(tx).await?;
    let ids: Vec<_> = rows.iter().map(|row| row.session_id).collect();
    if !ids.is_empty() {
        let these = sso_session::Column::SessionId.is_in(ids.iter().copied());
        sso_session::Entity::delete_many().filter(these).exec(tx).await?;
    }
    Ok(ids.into_iter().map(SessionId::from_uuid).collect())
}

fn read(row: Model) -> LinkedIdentity {
    LinkedIdentity {
        linked_identity_id: LinkedIdentityId::from_uuid(row.linked_identity_id),
        user_id: UserId::from_uuid(row.user_id),
        identity_provider_id: IdentityProviderId::from_uuid(row.identity_provider_id),
        issuer: row.issuer,
        subject: row.subject,
        created: Timestamp::from_micros(row.created),
    }
}
