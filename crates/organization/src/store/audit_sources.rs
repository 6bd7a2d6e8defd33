//! How far the events of each context have come, and which numbers are missing.

use rolecall_db::{Error, Tx};
use rolecall_kernel::time::Timestamp;
use sea_orm::{ConnectionTrait, DbErr, QueryResult, Statement, Value};

/// A number that a context gave to an event that has not come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) source: String,
    pub(crate) number: i64,
}

/// The most numbers that one arrival can leave out: more were given before the log took numbers.
const MOST: i64 = 10_000;

fn statement<C: ConnectionTrait>(connection: &C, text: &str, values: Vec<Value>) -> Statement {
    Statement::from_sql_and_values(connection.get_database_backend(), text, values)
}

/// Writes down the numbers of events that came now, and which are missing before them.
///
/// `delay` is what the slowest of them needed to come. The first number ever taken is where the counting begins.
pub(crate) async fn take(
    tx: &Tx,
    source: &str,
    numbers: &[i64],
    delay: std::time::Duration,
    now: Timestamp,
) -> Result<(), Error> {
    let delay = i64::try_from(delay.as_micros()).unwrap_or(i64::MAX);
    let text = "INSERT INTO audit_sources (source, head, delay, taken) VALUES ($1, $2, $3, $4)
        ON CONFLICT (source) DO UPDATE SET delay = excluded.delay, taken = excluded.taken RETURNING head";
    let first = numbers.iter().min().copied().unwrap_or_default();
    let values = vec![source.into(), (first - 1).max(0).into(), delay.into(), now.as_micros().into()];
    let row = tx.query_one_raw(statement(tx, text, values)).await?;
    let head: i64 = row.ok_or_else(|| DbErr::RecordNotFound("audit_sources".to_owned()))?.try_get_by_index(0)?;
    let Some(newest) = numbers.iter().max().copied().filter(|newest| *newest > 0) else { return Ok(()) };
    let begin = if head == 0 { first } else { head + 1 };
    for number in (begin.max(newest - MOST)..newest).filter(|number| !numbers.contains(number)) {
        let text = "INSERT INTO audit_gaps (source, number, since) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
        tx.execute_raw(statement(tx, text, vec![source.into(), number.into(), now.as_micros().into()])).await?;
    }
    for number in numbers.iter().filter(|number| **number <= head) {
        let text = "DELETE FROM audit_gaps WHERE source = $1 AND number = $2";
        tx.execute_raw(statement(tx, text, vec![source.into(), (*number).into()])).await?;
    }
    if newest > head {
        let text = "UPDATE audit_sources SET head = $2 WHERE source = $1";
        tx.execute_raw(statement(tx, text, vec![source.into(), newest.into()])).await?;
    }
    Ok(())
}

/// Returns numbers that are missing since before a time, a few at most.
pub(crate) async fn list_gaps<C: ConnectionTrait>(
    connection: &C,
    before: Timestamp,
    limit: u64,
) -> Result<Vec<Gap>, Error> {
    let text = "SELECT source, number FROM audit_gaps WHERE since <= $1 ORDER BY source, number LIMIT $2";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows =
        connection.query_all_raw(statement(connection, text, vec![before.as_micros().into(), limit.into()])).await?;
    let gap = |row: &QueryResult| -> Result<Gap, DbErr> {
        Ok(Gap { source: row.try_get("", "source")?, number: row.try_get("", "number")? })
    };
    Ok(rows.iter().map(gap).collect::<Result<_, _>>()?)
}

/// Returns what the events that each context told last needed to come, in microseconds; the greatest.
pub(crate) async fn delay<C: ConnectionTrait>(connection: &C) -> Result<i64, Error> {
    let text = "SELECT max(delay) FROM audit_sources";
    let row = connection.query_one_raw(statement(connection, text, vec![])).await?;
    Ok(row.map(|row| row.try_get_by_index::<Option<i64>>(0)).transpose()?.flatten().unwrap_or_default())
}
