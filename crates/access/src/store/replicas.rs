//! How far the replicas have come that answer from memory.
//!
//! Times are those of the database, so that the clocks of the replicas do not matter.

use rolecall_db::{Database, Error, Reader, Tx};
use sea_orm::{ConnectionTrait, Statement, Value};
use uuid::Uuid;

const BEAT: &str = "INSERT INTO access_replicas (replica_id, revision, seen) \
                    VALUES ($1, $2, CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)) \
                    ON CONFLICT (replica_id) DO UPDATE SET revision = excluded.revision, seen = excluded.seen";
const FORGET: &str = "DELETE FROM access_replicas \
                      WHERE seen < CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint) - 3600000";
const OLDEST: &str = "SELECT min(revision) AS oldest FROM access_replicas \
                      WHERE seen > CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint) - 5000";
const LEAVE: &str = "DELETE FROM access_replicas WHERE replica_id = $1";

fn statement<C: ConnectionTrait>(connection: &C, text: &str, values: Vec<Value>) -> Statement {
    Statement::from_sql_and_values(connection.get_database_backend(), text, values)
}

/// Writes down how far a replica has come, and that it lives.
pub(crate) async fn beat(database: &Database, replica: Uuid, revision: i64) -> Result<(), Error> {
    database
        .write(|tx: Tx| async move {
            tx.execute_raw(statement(&tx, BEAT, vec![replica.into(), revision.into()])).await?;
            tx.execute_raw(statement(&tx, FORGET, vec![])).await?;
            Ok(())
        })
        .await
}

/// Forgets a replica that stops.
pub(crate) async fn leave(database: &Database, replica: Uuid) -> Result<(), Error> {
    database
        .write(|tx: Tx| async move {
            tx.execute_raw(statement(&tx, LEAVE, vec![replica.into()])).await?;
            Ok(())
        })
        .await
}

/// Returns how far the last of the replicas has come that were heard of within five seconds; none if there are none.
pub(crate) async fn oldest(reader: &Reader) -> Result<Option<i64>, Error> {
    let row = reader.query_one_raw(statement(reader, OLDEST, vec![])).await?;
    Ok(row.map(|row| row.try_get("", "oldest")).transpose()?.flatten())
}
