//! Read transactions: many statements, one state of the database.

use std::fmt;

use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, IsolationLevel, QueryResult,
    Statement, TransactionOptions, TransactionTrait as _,
};

use crate::transaction::must_not_be_writing;
use crate::{Backend, Database, Error};

/// One state of the database, as it was when the first statement ran; it refuses to write.
pub struct View {
    transaction: DatabaseTransaction,
}

impl Database {
    /// Returns a view whose statements all see one state of the database.
    ///
    /// It holds a connection until it is [closed](View::close) or dropped. On PostgreSQL that is one of the guarded
    /// pool, since a `begin` that was cancelled would leave an old state to the next reader.
    pub async fn view(&self) -> Result<View, Error> {
        must_not_be_writing();
        let pools = &self.inner.pools;
        let transaction = match pools.backend {
            Backend::Sqlite => pools.reader.begin_with_options(options(None, None)).await?,
            Backend::Postgres => {
                let options = options(Some(IsolationLevel::RepeatableRead), Some(AccessMode::ReadOnly));
                pools.writer.begin_with_options(options).await?
            }
        };
        Ok(View { transaction })
    }
}

const fn options(isolation_level: Option<IsolationLevel>, access_mode: Option<AccessMode>) -> TransactionOptions {
    TransactionOptions { isolation_level, access_mode, sqlite_transaction_mode: None }
}

impl View {
    /// Gives the connection back.
    pub async fn close(self) {
        // Nothing was written, so nothing is lost; the connection's end does the same.
        if let Err(error) = self.transaction.rollback().await {
            tracing::debug!(%error, "the end of a view was left to the connection's end");
        }
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("View")
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for View {
    fn get_database_backend(&self) -> DbBackend {
        self.transaction.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.transaction.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.transaction.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.transaction.query_one_raw(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.transaction.query_all_raw(statement).await
    }
}
