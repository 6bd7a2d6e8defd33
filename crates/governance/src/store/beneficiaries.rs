//! Beneficiaries of asset policies, and the proofs of addresses that bind them.

use rolecall_db::{Error, Tx};
use rolecall_kernel::id::{AssetPolicyId, OrganizationId, UserId};
use rolecall_kernel::key::KeyedHash;
use rolecall_kernel::text::EmailAddress;
use rolecall_kernel::time::Timestamp;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryResult, Set, Statement, Value,
};
use uuid::Uuid;

use super::corrupt;
use super::entity::asset_policy_beneficiary::{ActiveModel, Column, Entity};
use crate::domain::asset_policy::{Beneficiary, Bond};

/// How many rows are written at once.
const BATCH: usize = 500;

async fn rows<C: ConnectionTrait>(connection: &C, text: &str, values: Vec<Value>) -> Result<Vec<QueryResult>, Error> {
    let statement = Statement::from_sql_and_values(connection.get_database_backend(), text, values);
    Ok(connection.query_all_raw(statement).await?)
}

async fn execute(tx: &Tx, text: &str, values: Vec<Value>) -> Result<u64, Error> {
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), text, values);
    Ok(tx.execute_raw(statement).await?.rows_affected())
}

fn read(row: &QueryResult) -> Result<Beneficiary, DbErr> {
    let email = EmailAddress::parse(&row.try_get::<String>("", "email")?).map_err(|_| corrupt("address"))?;
    let (user, since) = (row.try_get::<Option<Uuid>>("", "user_id")?, row.try_get::<Option<i64>>("", "bound")?);
    let ended = row.try_get::<Option<Uuid>>("", "member_id")?.is_none();
    let bond = user.zip(since).map(|(user, since)| Bond {
        user_id: UserId::from_uuid(user),
        bound: Timestamp::from_micros(since),
        ended,
    });
    Ok(Beneficiary { email, bond })
}

/// Lists the beneficiaries of a policy in order of their canonical addresses.
///
/// An account is a member as long as it lives, and its id is never given again: that is how its bond ends with it.
pub(super) async fn list<C: ConnectionTrait>(connection: &C, policy: AssetPolicyId) -> Result<Vec<Beneficiary>, Error> {
    let text = "SELECT b.email, b.user_id, b.bound, m.user_id AS member_id FROM asset_policy_beneficiaries b \
                LEFT JOIN members m ON m.user_id = b.user_id WHERE b.asset_policy_id = $1";
    let rows = rows(connection, text, vec![policy.as_uuid().into()]).await?;
    let mut found = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    // Here and not there, so that both databases agree on the order.
    found.sort_by(|one, other| one.email.key().cmp(other.email.key()));
    Ok(found)
}

/// Adds beneficiaries to a policy.
pub(super) async fn insert(
    tx: &Tx,
    policy: AssetPolicyId,
    added: impl Iterator<Item = &Beneficiary>,
    hashes: &KeyedHash,
) -> Result<(), Error> {
    let rows: Vec<ActiveModel> = added
        .map(|beneficiary| ActiveModel {
            asset_policy_id: Set(policy.as_uuid()),
            email_key: Set(beneficiary.email.key().to_owned()),
            email: Set(beneficiary.email.as_str().to_owned()),
            address_hash: Set(hashes.address(&beneficiary.email)),
            user_id: Set(beneficiary.bond.map(|bond| bond.user_id.as_uuid())),
            bound: Set(beneficiary.bond.map(|bond| bond.bound.as_micros())),
        })
        .collect();
    for batch in rows.chunks(BATCH) {
        Entity::insert_many(batch.to_vec()).exec_without_returning(tx).await?;
    }
    Ok(())
}

/// Takes beneficiaries from a policy.
pub(super) async fn delete(tx: &Tx, policy: AssetPolicyId, gone: &[&Beneficiary]) -> Result<(), Error> {
    if gone.is_empty() {
        return Ok(());
    }
    let keys = gone.iter().map(|beneficiary| beneficiary.email.key());
    let query = Entity::delete_many().filter(Column::AssetPolicyId.eq(policy.as_uuid()));
    query.filter(Column::EmailKey.is_in(keys)).exec(tx).await?;
    Ok(())
}

/// A policy that waits for an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) asset_policy_id: AssetPolicyId,
    pub(crate) organization_id: OrganizationId,
}

/// Lists the policies that wait for an address and are not revoked.
pub(crate) async fn list_waiting(tx: &Tx, address_hash: &str) -> Result<Vec<Waiting>, Error> {
    let text = "SELECT p.asset_policy_id, p.organization_id FROM asset_policy_beneficiaries b \
                JOIN asset_policies p ON p.asset_policy_id = b.asset_policy_id \
                WHERE b.address_hash = $1 AND b.user_id IS NULL AND p.state <> 'REVOKED' \
                ORDER BY p.created, p.asset_policy_id";
    let rows = rows(tx, text, vec![address_hash.into()]).await?;
    let read = |row: &QueryResult| -> Result<Waiting, DbErr> {
        Ok(Waiting {
            asset_policy_id: AssetPolicyId::from_uuid(row.try_get("", "asset_policy_id")?),
            organization_id: OrganizationId::from_uuid(row.try_get("", "organization_id")?),
        })
    };
    Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
}

/// Binds an account to an address wherever that waits in a policy.
pub(crate) async fn bind(
    tx: &Tx,
    policy: AssetPolicyId,
    address_hash: &str,
    user: UserId,
    now: Timestamp,
) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::UserId, Expr::value(user.as_uuid()))
        .col_expr(Column::Bound, Expr::value(now.as_micros()))
        .filter(Column::AssetPolicyId.eq(policy.as_uuid()))
        .filter(Column::AddressHash.eq(address_hash))
        .filter(Column::UserId.is_null())
        .exec(tx)
        .await?;
    Ok(())
}

/// Returns the organization of a living account, also of one that is just coming about.
///
/// A member is hidden until identity has committed its account, and gone from the moment its deletion is decided.
pub(crate) async fn find_organization_of(tx: &Tx, user: UserId) -> Result<Option<OrganizationId>, Error> {
    let rows = rows(tx, "SELECT organization_id FROM members WHERE user_id = $1", vec![user.as_uuid().into()]).await?;
    let id = rows.first().map(|row| row.try_get::<Uuid>("", "organization_id")).transpose()?;
    Ok(id.map(OrganizationId::from_uuid))
}

/// Notes that an account proved an address, under the revision that was drawn for that.
pub(crate) async fn note_proof(
    tx: &Tx,
    revision: i64,
    address_hash: &str,
    user: UserId,
    now: Timestamp,
) -> Result<(), Error> {
    let text = "INSERT INTO email_proofs (revision, address_hash, user_id, noted) VALUES ($1, $2, $3, $4)";
    let values = vec![revision.into(), address_hash.into(), user.as_uuid().into(), now.as_micros().into()];
    execute(tx, text, values).await.map(drop)
}

/// Returns the first account that proved an address after a revision.
pub(crate) async fn find_proof_after(tx: &Tx, address_hash: &str, revision: i64) -> Result<Option<UserId>, Error> {
    let text = "SELECT user_id FROM email_proofs WHERE address_hash = $1 AND revision > $2 ORDER BY revision LIMIT 1";
    let rows = rows(tx, text, vec![address_hash.into(), revision.into()]).await?;
    let id = rows.first().map(|row| row.try_get::<Uuid>("", "user_id")).transpose()?;
    Ok(id.map(UserId::from_uuid))
}

/// Forgets proofs that were noted before a time.
pub(crate) async fn forget_proofs(tx: &Tx, before: Timestamp) -> Result<(), Error> {
    execute(tx, "DELETE FROM email_proofs WHERE noted < $1", vec![before.as_micros().into()]).await.map(drop)
}
