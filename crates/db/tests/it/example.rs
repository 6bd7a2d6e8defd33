//! A context with one table, for the tests of this crate.

use rolecall_db::{Database, Error, Tx, UniqueConstraint, constraints};
use rolecall_kernel::entropy::SystemEntropy;
use rolecall_kernel::id::EventId;
use rolecall_kernel::time::Timestamp;
use rolecall_testkit::TestDatabase;
use sea_orm::{ConnectionTrait, DbErr, Statement, Value};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

pub(crate) const CONSTRAINTS: &[UniqueConstraint] = constraints! {
    "things_pkey" => "things", ["name"];
    "things_owner_number_key" => "things", ["owner", "number"];
};

/// A step that runs its statements.
pub(crate) struct Step(pub(crate) &'static str, pub(crate) &'static [&'static str]);

impl MigrationName for Step {
    fn name(&self) -> &str {
        self.0
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for statement in self.1 {
            manager.get_connection().execute_unprepared(statement).await?;
        }
        Ok(())
    }
}

pub(crate) fn steps() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(Step(
        "example_0001_things",
        &["CREATE TABLE things (
            name text NOT NULL CONSTRAINT things_pkey PRIMARY KEY,
            owner text NOT NULL,
            number bigint NOT NULL,
            CONSTRAINT things_owner_number_key UNIQUE (owner, number)
        )"],
    ))]
}

pub(crate) async fn open(database: &TestDatabase) -> Database {
    database.open("example", CONSTRAINTS, steps()).await
}

pub(crate) async fn execute<C: ConnectionTrait>(connection: &C, text: &str, values: Vec<Value>) -> Result<u64, Error> {
    let statement = Statement::from_sql_and_values(connection.get_database_backend(), text, values);
    Ok(connection.execute_raw(statement).await?.rows_affected())
}

pub(crate) async fn insert<C: ConnectionTrait>(
    connection: &C,
    name: &str,
    owner: &str,
    number: i64,
) -> Result<(), Error> {
    let text = "INSERT INTO things (name, owner, number) VALUES ($1, $2, $3)";
    execute(connection, text, vec![name.into(), owner.into(), number.into()]).await.map(drop)
}

pub(crate) async fn integer<C: ConnectionTrait>(connection: &C, text: &str) -> i64 {
    let statement = Statement::from_string(connection.get_database_backend(), text);
    let row = connection.query_one_raw(statement).await.expect("the query runs").expect("a row");
    row.try_get_by_index(0).expect("an integer")
}

pub(crate) async fn count(db: &Database) -> i64 {
    integer(&db.reader(), "SELECT count(*) FROM things").await
}

/// Writes one thing in a transaction of its own.
pub(crate) async fn write_one(db: &Database, name: &str) -> Result<(), Error> {
    db.write(|tx: Tx| async move { insert(&tx, name, name, 1).await }).await
}

pub(crate) fn event_id() -> EventId {
    EventId::new(Timestamp::from_seconds(1_767_225_600), &SystemEntropy)
}
