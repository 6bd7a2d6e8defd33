//! Steps: once, together or not at all, by one of many.

use rolecall_db::{Database, MigrateError, SchemaState};
use rolecall_testkit::{TestDatabase, on_each_database};
use sea_orm_migration::MigrationTrait;

use crate::example::{CONSTRAINTS, Step, count, integer, steps, write_one};

fn with_next() -> Vec<Box<dyn MigrationTrait>> {
    let mut steps = steps();
    steps.push(Box::new(Step("example_0002_colour", &["ALTER TABLE things ADD COLUMN colour text"])));
    steps
}

async fn connect(database: &TestDatabase) -> Database {
    database.connect("example", CONSTRAINTS).await
}

on_each_database! {
    async fn a_schema_is_made_once_by_one_of_many(database) {
        let databases = futures::future::join_all((0..6).map(|_| connect(&database))).await;
        let applied = futures::future::join_all(databases.iter().map(|db| db.migrate(steps()))).await;
        let mut applied: Vec<usize> = applied.into_iter().map(|applied| applied.expect("it migrates").0.len()).collect();
        applied.sort_unstable();
        assert_eq!(applied, [0, 0, 0, 0, 0, 4]);
        write_one(&databases[0], "a").await.expect("the table is there");
        assert_eq!(count(&databases[5]).await, 1);
    }

    async fn the_state_of_a_schema_is_told_without_changing_it(database) {
        let db = connect(&database).await;
        assert_eq!(db.schema_state(steps()).await.expect("it can be asked"), SchemaState::Behind(4));
        db.migrate(steps()).await.expect("it migrates");
        assert_eq!(db.schema_state(steps()).await.expect("it can be asked"), SchemaState::Current);
        assert_eq!(db.schema_state(with_next()).await.expect("it can be asked"), SchemaState::Behind(1));
        db.migrate(with_next()).await.expect("it migrates");
        assert_eq!(db.schema_state(with_next()).await.expect("it can be asked"), SchemaState::Current);
    }

    async fn declared_constraints_are_those_of_the_schema(database) {
        const WRONG: &[rolecall_db::UniqueConstraint] = rolecall_db::constraints! {
            "things_pkey" => "things", ["name"];
            "things_number_owner_key" => "things", ["number", "owner"];
        };
        let db = database.open("example", CONSTRAINTS, steps()).await;
        assert_eq!(db.missing_constraints().await.expect("it can be asked"), Vec::<&str>::new());
        let wrong = database.connect("example", WRONG).await;
        assert_eq!(wrong.missing_constraints().await.expect("it can be asked"), ["things_number_owner_key"]);
    }

    async fn a_newer_schema_is_refused(database) {
        let db = connect(&database).await;
        db.migrate(with_next()).await.expect("it migrates");
        assert_eq!(db.schema_state(steps()).await.expect("it can be asked"), SchemaState::Newer("example_0002_colour".into()));
        let refused = db.migrate(steps()).await.expect_err("the schema is newer");
        assert!(refused.to_string().contains("example_0002_colour"), "{refused}");
    }

    async fn a_failed_step_leaves_the_schema_as_it_was(database) {
        let db = connect(&database).await;
        db.migrate(steps()).await.expect("it migrates");
        let mut broken = with_next();
        broken.push(Box::new(Step("example_0003_broken", &["CREATE TABLE half (x text)", "NONSENSE"])));
        let error = db.migrate(broken).await.expect_err("the step is broken");
        assert!(matches!(error, MigrateError::Step { ref name, .. } if name == "example_0003_broken"), "{error:?}");
        assert_eq!(db.schema_state(steps()).await.expect("it can be asked"), SchemaState::Current);
        db.migrate(with_next()).await.expect("the good step can still be taken");
    }

    async fn a_schema_of_another_context_and_a_repeated_name_are_refused(database) {
        connect(&database).await.migrate(steps()).await.expect("it migrates");
        let mut config = database.config();
        config.schema = Some("example".into());
        let other = Database::connect(&config, "other", &[]).await.expect("it opens");
        assert!(matches!(other.migrate(vec![]).await, Err(MigrateError::Foreign { .. })));
        let twice = steps().into_iter().chain(steps()).collect();
        assert!(matches!(connect(&database).await.migrate(twice).await, Err(MigrateError::Duplicate(_))));
    }
}

#[tokio::test]
async fn contexts_in_one_postgres_database_have_schemas_of_their_own() {
    let database = TestDatabase::postgres().await;
    for context in ["one", "two"] {
        let db = database.open(context, CONSTRAINTS, steps()).await;
        write_one(&db, "same").await.expect("the tables are not shared");
        assert_eq!(
            integer(&db.reader(), "SELECT count(*) FROM pg_tables WHERE tablename = 'things'").await,
            if context == "one" { 1 } else { 2 }
        );
    }
}
