//! Invitations, found by the hash of their code.

use rolecall_authz::{Permit, Scope};
use rolecall_db::{Error, Tx};
use rolecall_kernel::id::{InvitationId, OrganizationId, SubjectId, UserId};
use rolecall_kernel::page::{Page, PageSize};
use rolecall_kernel::time::Timestamp;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Select,
};

use super::entity::invitation::{ActiveModel, Column, Entity, Model};
use super::entity::saga;
use super::scope::condition;
use super::{corrupt, digest};
use crate::domain::invitation::{Invitation, InvitationState};

/// A claimed invitation whose acceptance was left behind.
#[derive(Clone)]
pub(crate) struct Claimed {
    /// The invitation.
    pub(crate) invitation: Invitation,
    /// The hash of the password that waits, or the mark of an acceptance by the provider of the person.
    pub(crate) password_hash: String,
}

/// What a mark begins with; no hash does.
const BY_PROVIDER: &str = "provider:";

impl Claimed {
    /// Makes the mark of an acceptance that comes without a password; it names one claim, as a hash does.
    pub(crate) fn mark(unique: &str) -> String {
        format!("{BY_PROVIDER}{unique}")
    }

    /// Whether a provider vouches for the person, which gets no password.
    pub(crate) fn is_by_provider(&self) -> bool {
        self.password_hash.starts_with(BY_PROVIDER)
    }
}

/// Inserts an invitation with the hash of its code.
pub(crate) async fn insert(tx: &Tx, invitation: &Invitation, code: &[u8; 32]) -> Result<(), Error> {
    let row = ActiveModel {
        invitation_id: Set(invitation.invitation_id.as_uuid()),
        user_id: Set(invitation.user_id.as_uuid()),
        organization_id: Set(invitation.organization_id.as_uuid()),
        inviter_id: Set(invitation.inviter_id.as_uuid()),
        code_hash: Set(code.to_vec()),
        mailed: Set(invitation.mailed),
        state: Set(invitation.state.as_str().to_owned()),
        created: Set(invitation.created.as_micros()),
        expires: Set(invitation.expires.as_micros()),
        claimed_password_hash: Set(None),
        claimed_until: Set(None),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Finds an invitation by the hash of its code, in whatever state.
pub(crate) async fn find_by_code<C: ConnectionTrait>(
    connection: &C,
    code: &[u8; 32],
) -> Result<Option<Invitation>, Error> {
    let row = Entity::find().filter(Column::CodeHash.eq(code.to_vec())).one(connection).await?;
    row.as_ref().map(read).transpose()
}

/// Claims a code that is good now and stores the hash of the new password; `false` when it is not, or no longer.
pub(crate) async fn claim(
    tx: &Tx,
    code: &[u8; 32],
    hash: &str,
    until: Timestamp,
    now: Timestamp,
) -> Result<bool, Error> {
    let done = Entity::update_many()
        .col_expr(Column::State, Expr::value(InvitationState::Claimed.as_str()))
        .col_expr(Column::ClaimedPasswordHash, Expr::value(hash))
        .col_expr(Column::ClaimedUntil, Expr::value(until.as_micros()))
        .filter(Column::CodeHash.eq(code.to_vec()))
        .filter(Column::State.eq(InvitationState::Pending.as_str()))
        .filter(Column::Expires.gt(now.as_micros()))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Claims the invitation of a person that is good now, by a mark; none when there is none, or no longer.
pub(crate) async fn claim_of(
    tx: &Tx,
    user_id: UserId,
    mark: &str,
    until: Timestamp,
    now: Timestamp,
) -> Result<Option<Invitation>, Error> {
    let waiting = Entity::find()
        .filter(Column::UserId.eq(user_id.as_uuid()))
        .filter(Column::State.eq(InvitationState::Pending.as_str()))
        .filter(Column::Expires.gt(now.as_micros()));
    let Some(row) = waiting.one(tx).await? else { return Ok(None) };
    let invitation = read(&row)?;
    let code = digest(row.code_hash, "invitations.code_hash")?;
    Ok(claim(tx, &code, mark, until, now).await?.then_some(invitation))
}

/// Moves a claimed invitation on and forgets the password hash; `false` when somebody else did.
///
/// The hash is salted and so names one claim: a worker that comes back late settles no claim but its own.
pub(crate) async fn settle(tx: &Tx, claimed: &Claimed, state: InvitationState) -> Result<bool, Error> {
    let done = Entity::update_many()
        .col_expr(Column::State, Expr::value(state.as_str()))
        .col_expr(Column::ClaimedPasswordHash, Expr::value(Option::<String>::None))
        .col_expr(Column::ClaimedUntil, Expr::value(Option::<i64>::None))
        .filter(Column::InvitationId.eq(claimed.invitation.invitation_id.as_uuid()))
        .filter(Column::State.eq(InvitationState::Claimed.as_str()))
        .filter(Column::ClaimedPasswordHash.eq(claimed.password_hash.as_str()))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Ends the open invitation of a person because a newer one follows.
pub(crate) async fn replace_pending(tx: &Tx, user_id: UserId) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::State, Expr::value(InvitationState::Replaced.as_str()))
        .filter(Column::UserId.eq(user_id.as_uuid()))
        .filter(Column::State.eq(InvitationState::Pending.as_str()))
        .exec(tx)
        .await?;
    Ok(())
}

/// Ends whatever invitation of a person that is deleted, even one that is being accepted.
pub(crate) async fn end_all(tx: &Tx, user_id: UserId) -> Result<(), Error> {
    let open = [InvitationState::Pending.as_str(), InvitationState::Claimed.as_str()];
    Entity::update_many()
        .col_expr(Column::State, Expr::value(InvitationState::Revoked.as_str()))
        .col_expr(Column::ClaimedPasswordHash, Expr::value(Option::<String>::None))
        .col_expr(Column::ClaimedUntil, Expr::value(Option::<i64>::None))
        .filter(Column::UserId.eq(user_id.as_uuid()))
        .filter(Column::State.is_in(open))
        .exec(tx)
        .await?;
    Ok(())
}

/// Finds an invitation within a scope that waits for an answer now.
pub(crate) async fn find_pending<C: ConnectionTrait>(
    connection: &C,
    id: InvitationId,
    scope: &Scope,
    now: Timestamp,
) -> Result<Option<Invitation>, Error> {
    let found = pending(scope, now).filter(Column::InvitationId.eq(id.as_uuid()));
    found.one(connection).await?.as_ref().map(read).transpose()
}

/// Ends an invitation that waits for an answer; `false` when it waits no longer. `permit` is for its account.
pub(crate) async fn revoke(tx: &Tx, permit: &Permit, id: InvitationId, now: Timestamp) -> Result<bool, Error> {
    let Some(subject) = permit.facts().subject_id else {
        return Ok(false);
    };
    let done = Entity::update_many()
        .col_expr(Column::State, Expr::value(InvitationState::Revoked.as_str()))
        .filter(Column::InvitationId.eq(id.as_uuid()))
        .filter(Column::UserId.eq(subject.as_uuid()))
        .filter(Column::State.eq(InvitationState::Pending.as_str()))
        .filter(Column::Expires.gt(now.as_micros()))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

/// Lists the invitations within a scope that wait for an answer now, in order of creation.
pub(crate) async fn list_pending<C: ConnectionTrait>(
    connection: &C,
    scope: &Scope,
    after: Option<InvitationId>,
    size: PageSize,
    now: Timestamp,
) -> Result<Page<Invitation>, Error> {
    let mut found = pending(scope, now).order_by_asc(Column::InvitationId).limit(u64::from(size.get()) + 1);
    if let Some(after) = after {
        found = found.filter(Column::InvitationId.gt(after.as_uuid()));
    }
    let invitations = found.all(connection).await?.iter().map(read).collect::<Result<_, _>>()?;
    Ok(Page::from_overfetch(invitations, size))
}

/// Those within a scope that wait for an answer now, and whose accounts all contexts know.
fn pending(scope: &Scope, now: Timestamp) -> Select<Entity> {
    let own = condition(scope, (Entity, Column::OrganizationId), (Entity, Column::UserId));
    let unfinished = Query::select().column(saga::Column::SagaId).from(saga::Entity).to_owned();
    Entity::find()
        .filter(own)
        .filter(Column::State.eq(InvitationState::Pending.as_str()))
        .filter(Column::Expires.gt(now.as_micros()))
        .filter(Column::UserId.not_in_subquery(unfinished))
}

/// Tells whether a person is accepting an invitation right now.
pub(crate) async fn is_being_accepted(tx: &Tx, user_id: UserId) -> Result<bool, Error> {
    let claimed = Entity::find()
        .filter(Column::UserId.eq(user_id.as_uuid()))
        .filter(Column::State.eq(InvitationState::Claimed.as_str()));
    Ok(claimed.one(tx).await?.is_some())
}

/// Lists acceptances whose worker has not come back.
pub(crate) async fn list_abandoned<C: ConnectionTrait>(
    connection: &C,
    now: Timestamp,
    limit: u64,
) -> Result<Vec<Claimed>, Error> {
    let rows = Entity::find()
        .filter(Column::State.eq(InvitationState::Claimed.as_str()))
        .filter(Column::ClaimedUntil.lte(now.as_micros()))
        .order_by_asc(Column::ClaimedUntil)
        .limit(limit)
        .all(connection)
        .await?;
    let claimed = |row: Model| {
        let password_hash = row.claimed_password_hash.clone().ok_or_else(|| corrupt("invitation"))?;
        Ok(Claimed { invitation: read(&row)?, password_hash })
    };
    rows.into_iter().map(claimed).collect()
}

/// Takes over an abandoned acceptance; `false` when another worker was faster.
pub(crate) async fn take_over(tx: &Tx, id: InvitationId, now: Timestamp, until: Timestamp) -> Result<bool, Error> {
    let done = Entity::update_many()
        .col_expr(Column::ClaimedUntil, Expr::value(until.as_micros()))
        .filter(Column::InvitationId.eq(id.as_uuid()))
        .filter(Column::State.eq(InvitationState::Claimed.as_str()))
        .filter(Column::ClaimedUntil.lte(now.as_micros()))
        .exec(tx)
        .await?;
    Ok(done.rows_affected == 1)
}

fn read(row: &Model) -> Result<Invitation, Error> {
    Ok(Invitation {
        invitation_id: InvitationId::from_uuid(row.invitation_id),
        user_id: UserId::from_uuid(row.user_id),
        organization_id: OrganizationId::from_uuid(row.organization_id),
        inviter_id: SubjectId::from_uuid(row.inviter_id),
        mailed: row.mailed,
        state: InvitationState::parse(&row.state).ok_or_else(|| corrupt("invitation"))?,
        created: Timestamp::from_micros(row.created),
        expires: Timestamp::from_micros(row.expires),
    })
}
