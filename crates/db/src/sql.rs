//! Statements in one text for both databases.

use sea_orm::{ConnectionTrait, DbBackend, Statement, Value};

use crate::Error;

/// Binds values to a statement; both databases number their places `$1`, `$2`.
pub(crate) fn statement<C: ConnectionTrait>(connection: &C, text: &str, values: Vec<Value>) -> Statement {
    #[cfg(test)]
    tests::STATEMENTS.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(text.to_owned());
    Statement::from_sql_and_values(connection.get_database_backend(), text, values)
}

/// Runs a statement and returns how many rows it touched.
pub(crate) async fn execute<C: ConnectionTrait>(connection: &C, text: &str, values: Vec<Value>) -> Result<u64, Error> {
    Ok(connection.execute_raw(statement(connection, text, values)).await?.rows_affected())
}

/// Runs a statement that gives one integer; no row or NULL is zero.
pub(crate) async fn integer<C: ConnectionTrait>(connection: &C, text: &str, values: Vec<Value>) -> Result<i64, Error> {
    let row = connection.query_one_raw(statement(connection, text, values)).await?;
    match row {
        Some(row) => Ok(row.try_get_by_index::<Option<i64>>(0)?.unwrap_or_default()),
        None => Ok(0),
    }
}

/// A subquery over a JSON array of integers, so that lists of any length share one prepared statement.
pub(crate) fn integers(backend: DbBackend, place: &str) -> String {
    if backend == DbBackend::Postgres {
        return format!("(SELECT value::bigint FROM jsonb_array_elements_text({place}::jsonb))");
    }
    format!("(SELECT value FROM json_each({place}))")
}

/// The same over a JSON array of texts.
pub(crate) fn texts(backend: DbBackend, place: &str) -> String {
    if backend == DbBackend::Postgres {
        return format!("(SELECT value FROM jsonb_array_elements_text({place}::jsonb))");
    }
    format!("(SELECT value FROM json_each({place}))")
}

/// Spells a JSON array for [`integers`] or [`texts`].
pub(crate) fn array<T: Into<serde_json::Value>>(items: impl IntoIterator<Item = T>) -> Value {
    serde_json::Value::Array(items.into_iter().map(Into::into).collect()).to_string().into()
}

#[cfg(test)]
mod tests;
