//! Statements that are put together from parts, the same on both databases.

use rolecall_db::{Error, View};
use sea_orm::{ConnectionTrait, DbErr, QueryResult, Statement, Value};
use uuid::Uuid;

use crate::domain::index::Key;

/// A statement, and the values of its places.
#[derive(Debug, Default)]
pub(super) struct Sql {
    text: String,
    values: Vec<Value>,
    conditions: usize,
}

impl Sql {
    /// Begins with a text that has no conditions yet.
    pub(super) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), ..Self::default() }
    }

    /// Adds a condition.
    pub(super) fn and(mut self, condition: &str) -> Self {
        self.text.push_str(if self.conditions == 0 { " WHERE " } else { " AND " });
        self.text.push_str(condition);
        self.conditions += 1;
        self
    }

    /// Adds a condition in which `{}` stands for a list of ids.
    pub(super) fn and_among(mut self, condition: &str, keys: &[Key]) -> Self {
        let mut parts = condition.split("{}").peekable();
        let mut written = String::new();
        while let Some(part) = parts.next() {
            written.push_str(part);
            if parts.peek().is_some() {
                written.push_str(&self.places(keys));
            }
        }
        self.and(&written)
    }

    /// Names as many places as there are ids; the nil id stands for none, which no column holds.
    fn places(&mut self, keys: &[Key]) -> String {
        let mut places = Vec::with_capacity(keys.len().max(1));
        for key in if keys.is_empty() { &[0] } else { keys } {
            self.values.push(Uuid::from_u128(*key).into());
            places.push(format!("${}", self.values.len()));
        }
        format!("({})", places.join(", "))
    }

    /// Reads all rows.
    pub(super) async fn all<C: ConnectionTrait>(self, connection: &C) -> Result<Vec<QueryResult>, Error> {
        let backend = connection.get_database_backend();
        Ok(connection.query_all_raw(Statement::from_sql_and_values(backend, self.text, self.values)).await?)
    }
}

/// Reads the key of a column.
pub(super) fn key(row: &QueryResult, column: &str) -> Result<Key, DbErr> {
    Ok(row.try_get::<Uuid>("", column)?.as_u128())
}

/// Reads the key of a column that may be empty.
pub(super) fn optional_key(row: &QueryResult, column: &str) -> Result<Option<Key>, DbErr> {
    Ok(row.try_get::<Option<Uuid>>("", column)?.map(|id| id.as_u128()))
}

/// Reads the only number of the only row.
pub(super) async fn number(view: &View, text: &str) -> Result<i64, Error> {
    let rows = Sql::new(text).all(view).await?;
    let row = rows.first().ok_or_else(|| DbErr::RecordNotFound("a number".to_owned()))?;
    Ok(row.try_get_by_index(0)?)
}
