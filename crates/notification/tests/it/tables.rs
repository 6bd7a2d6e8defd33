//! What the tables say beside the services.

use sea_orm::{ConnectionTrait as _, DbBackend, Statement};

use crate::world::World;

impl World {
    /// Counts the rows of a table.
    pub(crate) async fn count(&self, table: &str) -> i64 {
        let reader = self.db.reader();
        let counted = Statement::from_string(reader.get_database_backend(), format!("SELECT count(*) FROM {table}"));
        let row = reader.query_one_raw(counted).await.expect("read").expect("a row");
        row.try_get_by_index(0).expect("a number")
    }

    /// How the database would answer a query if its tables were large.
    pub(crate) async fn plan(&self, query: &str) -> String {
        let lines = self.db.write(|tx| async move {
            let backend = tx.get_database_backend();
            let is_postgres = backend == DbBackend::Postgres;
            if is_postgres {
                // A table with few rows is read whole otherwise.
                tx.execute_unprepared("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off").await?;
            }
            let (explain, column) =
                if is_postgres { ("EXPLAIN", "QUERY PLAN") } else { ("EXPLAIN QUERY PLAN", "detail") };
            let rows = tx.query_all_raw(Statement::from_string(backend, format!("{explain} {query}"))).await?;
            let lines = rows.iter().map(|row| row.try_get::<String>("", column));
            Ok::<_, rolecall_db::Error>(lines.collect::<Result<Vec<_>, _>>()?)
        });
        lines.await.expect("explained").join("\n")
    }
}
