//! The PostgreSQL of the tests.

use rolecall_testkit::postgres::{Cluster, fresh_url};
use sea_orm::{ConnectOptions, ConnectionTrait as _, Database, Statement};

async fn count(url: &str, sql: &str) -> Option<i64> {
    let mut options = ConnectOptions::new(url);
    options.sqlx_logging(false).acquire_timeout(std::time::Duration::from_secs(5));
    let connection = Database::connect(options).await.ok()?;
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let row = connection.query_one_raw(statement).await.ok()??;
    row.try_get_by_index(0).ok()
}

#[tokio::test]
async fn a_fresh_database_is_gone_once_dropped() {
    let fresh = fresh_url().await;
    let url = fresh.url().to_owned();
    assert_eq!(count(&url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").await, Some(0));
    let kept = Database::connect(&url).await.expect("it answers");
    drop(fresh);
    assert_eq!(count(&url, "SELECT 1::bigint").await, None);
    drop(kept);
}

#[tokio::test]
async fn a_private_server_survives_a_kill() {
    let cluster = Cluster::private().await;
    let fresh = cluster.fresh().await;
    assert_eq!(count(fresh.url(), "SELECT 1::bigint").await, Some(1));
    cluster.kill().await;
    assert_eq!(count(fresh.url(), "SELECT 1::bigint").await, None);
    cluster.start().await;
    assert_eq!(count(fresh.url(), "SELECT 1::bigint").await, Some(1));
}
