//! Compares the declared constraints with those of the schema.

use std::collections::BTreeSet;

use sea_orm::ConnectionTrait as _;

use super::PLATFORM;
use crate::sql::statement;
use crate::{Backend, Database, Error, UniqueConstraint};

/// One row for each column of each unique index, in order; SQLite numbers the indexes it named itself.
const SQLITE: &str = "SELECT t.name AS tbl, i.name AS idx, c.name AS col
    FROM sqlite_schema t, pragma_index_list(t.name) i, pragma_index_info(i.name) c
    WHERE t.type = 'table' AND i.\"unique\" = 1 ORDER BY t.name, i.name, c.seqno";

const POSTGRES: &str = "SELECT t.relname::text AS tbl, i.relname::text AS idx, a.attname::text AS col
    FROM pg_index x
    JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
    JOIN pg_attribute a ON a.attrelid = i.oid
    WHERE x.indisunique AND t.relnamespace = current_schema()::regnamespace ORDER BY 1, 2, a.attnum";

impl Database {
    /// Lists declared constraints that the schema lacks; for the test each context has of its declarations.
    ///
    /// PostgreSQL compares names and columns, SQLite tables and columns, which are all it ever reports.
    pub async fn missing_constraints(&self) -> Result<Vec<&'static str>, Error> {
        let found = self.unique_indexes().await?;
        let is_missing = |constraint: &&UniqueConstraint| {
            let columns = constraint.columns.join(", ");
            let name = match self.backend() {
                Backend::Sqlite => String::new(),
                Backend::Postgres => constraint.name.to_owned(),
            };
            !found.contains(&(constraint.table.to_owned(), name, columns))
        };
        let declared = self.inner.constraints.0.iter().chain(PLATFORM);
        Ok(declared.filter(is_missing).map(|constraint| constraint.name).collect())
    }

    async fn unique_indexes(&self) -> Result<BTreeSet<(String, String, String)>, Error> {
        let reader = self.reader();
        let text = match self.backend() {
            Backend::Sqlite => SQLITE,
            Backend::Postgres => POSTGRES,
        };
        let mut indexes: Vec<(String, String, String)> = Vec::new();
        for row in reader.query_all_raw(statement(&reader, text, vec![])).await? {
            let (table, index, column) = (row.try_get("", "tbl")?, row.try_get("", "idx")?, row.try_get("", "col")?);
            match indexes.last_mut() {
                Some((last_table, last_index, columns)) if *last_table == table && *last_index == index => {
                    let column: String = column;
                    *columns = format!("{columns}, {column}");
                }
                _ => indexes.push((table, index, column)),
            }
        }
        let is_sqlite = self.backend() == Backend::Sqlite;
        let unnamed = |(table, index, columns)| (table, if is_sqlite { String::new() } else { index }, columns);
        Ok(indexes.into_iter().map(unnamed).collect())
    }
}
