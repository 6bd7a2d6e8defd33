//! Beneficiaries of asset policies, and the proofs of addresses that bind them.

use std::collections::HashMap;

use rolecall_db::{Error, Tx};
use rolecall_kernel::id::{AssetPolicyId, OrganizationId, UserId};
use rolecall_kernel::key::KeyedHash;
use rolecall_kernel::text::{EmailAddress, ResourceName};
use rolecall_kernel::time::Timestamp;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryResult, Set, Statement, Value,
};
use uuid::Uuid;

use super::corrupt;
use super::entity::asset_policy_beneficiary::{ActiveModel, Column, Entity};
use crate::domain::asset_policy::{Beneficiary, Bond};

/// How many rows are written or looked for at once.
const BATCH: usize = 500;

/// Begins at the index of those who wait for the address.
const BIND: &str = "UPDATE asset_policy_beneficiaries SET user_id = $2, bound = $3 \
                    WHERE address_hash = $1 AND user_id IS NULL AND EXISTS (SELECT 1 FROM asset_policies p \
                    WHERE p.asset_policy_id = asset_policy_beneficiaries.asset_policy_id AND p.state <> 'REVOKED')";

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
    let organization_id = row.try_get::<Option<Uuid>>("", "home")?.map(OrganizationId::from_uuid);
    let bond = user.zip(since).map(|(user, since)| Bond {
        user_id: UserId::from_uuid(user),
        bound: Timestamp::from_micros(since),
        organization_id,
    });
    Ok(Beneficiary { email, bond })
}

/// Lists the beneficiaries of a policy in order of their canonical addresses.
///
/// An account is a member as long as it lives, and its id is never given again: that is how its bond ends with it.
pub(super) async fn list<C: ConnectionTrait>(connection: &C, policy: AssetPolicyId) -> Result<Vec<Beneficiary>, Error> {
    let text = "SELECT b.email, b.user_id, b.bound, m.organization_id AS home FROM asset_policy_beneficiaries b \
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

/// An active policy that waits for an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) asset_policy_id: AssetPolicyId,
    pub(crate) organization_id: OrganizationId,
    pub(crate) name: ResourceName,
    pub(crate) ends: Option<Timestamp>,
}

/// Lists the active policies that wait for an address.
pub(crate) async fn list_waiting(tx: &Tx, address_hash: &str) -> Result<Vec<Waiting>, Error> {
    let text = "SELECT p.asset_policy_id, p.organization_id, p.name, p.ends FROM asset_policy_beneficiaries b \
                JOIN asset_policies p ON p.asset_policy_id = b.asset_policy_id \
                WHERE b.address_hash = $1 AND b.user_id IS NULL AND p.state = 'ACTIVE' \
                ORDER BY p.created, p.asset_policy_id";
    let rows = rows(tx, text, vec![address_hash.into()]).await?;
    let read = |row: &QueryResult| -> Result<Waiting, DbErr> {
        let name = row.try_get::<String>("", "name")?;
        Ok(Waiting {
            asset_policy_id: AssetPolicyId::from_uuid(row.try_get("", "asset_policy_id")?),
            organization_id: OrganizationId::from_uuid(row.try_get("", "organization_id")?),
            name: ResourceName::parse(&name).map_err(|_| corrupt("name of a policy"))?,
            ends: row.try_get::<Option<i64>>("", "ends")?.map(Timestamp::from_micros),
        })
    };
    Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
}

/// Binds an account to an address wherever that waits in a policy, a draft or an active one, in one statement.
pub(crate) async fn bind(tx: &Tx, address_hash: &str, user: UserId, now: Timestamp) -> Result<(), Error> {
    let values = vec![address_hash.into(), user.as_uuid().into(), now.as_micros().into()];
    execute(tx, BIND, values).await.map(drop)
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

/// Returns the first account that proved each of the addresses after a revision, by the hash of the address.
pub(crate) async fn list_proofs_after(
    tx: &Tx,
    hashes: &[&str],
    revision: i64,
) -> Result<HashMap<String, UserId>, Error> {
    let mut first = HashMap::new();
    for batch in hashes.chunks(BATCH) {
        let text = format!(
            "SELECT address_hash, user_id FROM email_proofs WHERE revision > $1 AND address_hash IN ({}) ORDER BY revision",
            places(2, batch.len())
        );
        let values = std::iter::once(revision.into()).chain(batch.iter().map(|hash| (*hash).into())).collect();
        for row in rows(tx, &text, values).await? {
            let (hash, user) = (row.try_get::<String>("", "address_hash")?, row.try_get::<Uuid>("", "user_id")?);
            first.entry(hash).or_insert(UserId::from_uuid(user));
        }
    }
    Ok(first)
}

/// Returns the organizations of those of the accounts that live; see [`find_organization_of`].
pub(crate) async fn list_organizations_of(tx: &Tx, users: &[UserId]) -> Result<HashMap<UserId, OrganizationId>, Error> {
    let mut living = HashMap::new();
    for batch in users.chunks(BATCH) {
        let places = places(1, batch.len());
        let text = format!("SELECT user_id, organization_id FROM members WHERE user_id IN ({places})");
        let values = batch.iter().map(|user| user.as_uuid().into()).collect();
        for row in rows(tx, &text, values).await? {
            let (user, home) = (row.try_get::<Uuid>("", "user_id")?, row.try_get::<Uuid>("", "organization_id")?);
            living.insert(UserId::from_uuid(user), OrganizationId::from_uuid(home));
        }
    }
    Ok(living)
}

/// So many places of a statement, from one on.
fn places(first: usize, count: usize) -> String {
    let places: Vec<String> = (first..first + count).map(|place| format!("${place}")).collect();
    places.join(", ")
}

/// Forgets proofs that were noted before a time.
pub(crate) async fn forget_proofs(tx: &Tx, before: Timestamp) -> Result<(), Error> {
    execute(tx, "DELETE FROM email_proofs WHERE noted < $1", vec![before.as_micros().into()]).await.map(drop)
}
