//! Subjects that were removed: an addition that was long on its way must not bring them back.

use rolecall_db::{Error, Tx};
use rolecall_kernel::id::SubjectId;
use rolecall_kernel::time::Timestamp;
use sea_orm::{ConnectionTrait as _, Statement, Value};

async fn execute(tx: &Tx, text: &str, values: Vec<Value>) -> Result<u64, Error> {
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), text, values);
    Ok(tx.execute_raw(statement).await?.rows_affected())
}

/// Remembers that the subject was removed; `false` when that is known already.
///
/// It comes before looking for the subject: an addition that is under way is waited for, and found.
pub(crate) async fn insert(tx: &Tx, id: SubjectId, now: Timestamp) -> Result<bool, Error> {
    let text = "INSERT INTO removed_subjects (subject_id, removed) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    Ok(execute(tx, text, vec![id.as_uuid().into(), now.as_micros().into()]).await? == 1)
}

/// Keeps removals of the subject waiting until the transaction ends; `false` when it was removed before.
pub(crate) async fn hold_off(tx: &Tx, id: SubjectId, now: Timestamp) -> Result<bool, Error> {
    // Nobody ever sees the row, but its key is taken: that is what a removal waits for.
    if !insert(tx, id, now).await? {
        return Ok(false);
    }
    execute(tx, "DELETE FROM removed_subjects WHERE subject_id = $1", vec![id.as_uuid().into()]).await?;
    Ok(true)
}

/// Forgets removals before a time.
pub(crate) async fn delete_before(tx: &Tx, before: Timestamp) -> Result<u64, Error> {
    execute(tx, "DELETE FROM removed_subjects WHERE removed < $1", vec![before.as_micros().into()]).await
}
