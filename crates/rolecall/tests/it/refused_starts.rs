//! Starts that fail: one clear sentence, an exit code that is not zero, nothing half started.

use std::net::TcpListener;
use std::path::Path;

use rolecall_db::{Database, DatabaseConfig};
use rolecall_identity::Identity;
use rolecall_testkit::postgres;
use sea_orm_migration::{DbErr, MigrationName, MigrationTrait, SchemaManager};

use crate::program::Place;

/// A key that is good enough to start with.
const KEY: &str = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=";

#[test]
fn a_port_in_use_is_named_and_nothing_is_made() {
    let place = Place::new();
    let _taken = TcpListener::bind(("127.0.0.1", place.port)).expect("port");
    place.run(&["serve"]).expect_one_sentence(&["in use by another program", "server.listen"]);
    assert!(!place.path("rolecall-data").exists());
}

#[test]
fn an_unreadable_secret_file_is_named() {
    let place = Place::new();
    place.write("rolecall.toml", "[keys]\nmaster_key_file = 'nowhere.key'");
    let ran = place.run(&["serve", "--config", "rolecall.toml"]);
    ran.expect_one_sentence(&["keys.master_key_file", "nowhere.key cannot be read"]);
    assert!(!place.path("rolecall-data").exists());
}

#[test]
fn all_unknown_keys_are_named_at_once() {
    let place = Place::new();
    place.write("rolecall.toml", "[server]\nlisten_on = 1\n[notfication]\nfrom = 'x'");
    let ran = place.run(&["serve", "--config", "rolecall.toml"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("2 problems"), "{}", ran.err);
    assert!(ran.err.contains("server.listen_on") && ran.err.contains("did you mean `notification`?"), "{}", ran.err);
}

#[test]
fn an_unreachable_database_is_named_without_its_password() {
    let place = Place::new();
    let url = "postgres://rolecall:sesame@127.0.0.1:1/rolecall";
    place.write("rolecall.toml", &format!("[keys]\nmaster_key = '{KEY}'\n[database]\nurl = '{url}'"));
    let ran = place.run(&["serve", "--config", "rolecall.toml"]);
    ran.expect_one_sentence(&["127.0.0.1:1", "cannot be reached"]);
    assert!(!ran.err.contains("sesame"), "{}", ran.err);
}

#[test]
fn a_lost_key_is_not_replaced() {
    let place = Place::new();
    place.serve(&[]).stop();
    std::fs::remove_file(place.path("rolecall-data/master.key")).expect("removed");
    place.run(&["serve"]).expect_one_sentence(&["master.key is missing", "backup"]);
    assert!(!place.path("rolecall-data/master.key").exists());
}

#[test]
fn one_service_alone_needs_its_peers_and_a_key() {
    let ran = Place::new().run(&["serve", "--services", "notification"]);
    assert_eq!(ran.code, Some(1));
    for part in ["keys.master_key", "peers.identity", "peers.organization"] {
        assert!(ran.err.contains(part), "{part} is missing in: {}", ran.err);
    }
}

/// A step that this version does not know.
struct Future;

impl MigrationName for Future {
    fn name(&self) -> &'static str {
        "identity_9999_of_the_future"
    }
}

#[sea_orm_migration::async_trait::async_trait]
impl MigrationTrait for Future {
    async fn up(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Ok(())
    }
}

async fn migrate_into_the_future(folder: &Path) {
    let config = DatabaseConfig::new(format!("sqlite://{}/identity.db", folder.display()));
    let database = Database::connect(&config, "identity", Identity::constraints()).await.expect("opens");
    let mut steps = Identity::migrations();
    steps.push(Box::new(Future));
    database.migrate(steps).await.expect("migrates");
    database.close().await;
}

#[tokio::test]
async fn a_schema_of_a_newer_version_is_left_alone() {
    let place = Place::new();
    place.serve(&[]).stop();
    migrate_into_the_future(&place.path("rolecall-data")).await;
    let parts = ["identity", "newer version", "identity_9999_of_the_future"];
    place.run(&["serve"]).expect_one_sentence(&parts);
    place.run(&["migrate"]).expect_one_sentence(&parts);
    assert!(place.run(&["doctor"]).out.contains("fail  database of identity: made by a newer version"));
}

#[tokio::test]
async fn postgresql_is_migrated_when_asked_and_not_by_a_start() {
    let place = Place::new();
    let database = postgres::fresh_url().await;
    place.write("rolecall.toml", &format!("[keys]\nmaster_key = '{KEY}'\n[database]\nurl = '{}'", database.url()));
    let config = ["--config", "rolecall.toml"];
    place.run(&["serve", config[0], config[1]]).expect_one_sentence(&["steps behind", "rolecall migrate"]);
    assert!(place.run(&["migrate", config[0], config[1]]).expect_success().contains("identity: "));
    assert!(place.run(&["migrate", config[0], config[1]]).expect_success().contains("identity: already current"));
    assert_eq!(place.serve(&config).stop().0, Some(0));
}
