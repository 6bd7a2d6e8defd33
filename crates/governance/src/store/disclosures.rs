//! Of how many accounts of others organizations were told.

use rolecall_db::{Error, Tx};
use rolecall_kernel::id::OrganizationId;
use rolecall_kernel::time::Timestamp;
use sea_orm::{ConnectionTrait as _, DbErr, Statement, Value};

use crate::domain::asset_policy::{DAY, Disclosure};

fn statement(tx: &Tx, text: &str, values: Vec<Value>) -> Statement {
    Statement::from_sql_and_values(tx.get_database_backend(), text, values)
}

/// Returns what an organization was told within the last day, and forgets what is older.
pub(crate) async fn find(tx: &Tx, organization: OrganizationId, now: Timestamp) -> Result<Disclosure, Error> {
    let old = "DELETE FROM beneficiary_disclosures WHERE organization_id = $1 AND told <= $2";
    let values = vec![organization.as_uuid().into(), now.minus(DAY).as_micros().into()];
    tx.execute_raw(statement(tx, old, values)).await?;
    let text = "SELECT CAST(COALESCE(SUM(amount), 0) AS bigint) AS told, MIN(told) AS since \
                FROM beneficiary_disclosures WHERE organization_id = $1";
    let row = tx.query_one_raw(statement(tx, text, vec![organization.as_uuid().into()])).await?;
    let row = row.ok_or_else(|| DbErr::RecordNotFound("beneficiary_disclosures".to_owned()))?;
    let told: i64 = row.try_get("", "told")?;
    let since: Option<i64> = row.try_get("", "since")?;
    Ok(Disclosure { told: told.unsigned_abs(), since: since.map(Timestamp::from_micros) })
}

/// Notes of how many more it is told, under the revision that was drawn for that.
pub(crate) async fn insert(
    tx: &Tx,
    organization: OrganizationId,
    revision: i64,
    amount: u64,
    now: Timestamp,
) -> Result<(), Error> {
    let text = "INSERT INTO beneficiary_disclosures (organization_id, revision, told, amount) VALUES ($1, $2, $3, $4)";
    let amount = i64::try_from(amount).unwrap_or(i64::MAX);
    let values = vec![organization.as_uuid().into(), revision.into(), now.as_micros().into(), amount.into()];
    tx.execute_raw(statement(tx, text, values)).await?;
    Ok(())
}
