//! PostgreSQL for tests: one server for all test programs of the machine, a database for each test.
//!
//! The server is started by the first test that needs it, in the temporary directory, and stops
//! itself when no test has asked for a database for an hour. `ROLECALL_TEST_POSTGRES_URL` (the
//! address of an administrator) uses another server instead; `ROLECALL_TEST_POSTGRES_FSYNC=on`
//! makes commits durable, for tests that cut the power.

mod server;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use sea_orm::{ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, Statement};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use url::Url;

use self::server::Server;

/// A running PostgreSQL server.
#[derive(Debug)]
pub struct Cluster {
    admin: Url,
    server: Option<Server>,
    directory: Option<TempDir>,
}

impl Cluster {
    /// Returns the server that all tests of the machine share; it must not be disturbed.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<Cluster> = OnceCell::const_new();
        SHARED.get_or_init(Self::find_shared).await
    }

    /// Starts a server of the test's own, which may be stopped and killed.
    pub async fn private() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let path = directory.path().to_owned();
        let server = tokio::task::spawn_blocking(move || Server::make(&path, true)).await.expect("the server starts");
        Self { admin: server.admin_url(), server: Some(server), directory: Some(directory) }
    }

    async fn find_shared() -> Self {
        if let Some(url) = crate::setting("ROLECALL_TEST_POSTGRES_URL") {
            let admin = Url::parse(&url).expect("ROLECALL_TEST_POSTGRES_URL is an address");
            return Self { admin, server: None, directory: None };
        }
        let durable = crate::setting("ROLECALL_TEST_POSTGRES_FSYNC").is_some_and(|value| value == "on");
        let server = tokio::task::spawn_blocking(move || Server::shared(durable)).await.expect("the server starts");
        let cluster = Self { admin: server.admin_url(), server: Some(server), directory: None };
        cluster.drop_orphans().await;
        cluster
    }

    /// Makes an empty database.
    pub async fn fresh(&self) -> FreshDatabase {
        static MADE: AtomicU64 = AtomicU64::new(0);
        if let Some(server) = &self.server {
            server.note_use();
        }
        let name = format!("rolecall_test_{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let admin = connect(&self.admin).await;
        admin
            .execute_unprepared(&format!("CREATE DATABASE {name}{}", self.owner()))
            .await
            .expect("a database can be made");
        let _ = admin.close().await;
        let mut url = self.admin.clone();
        url.set_path(&name);
        if self.server.is_some() {
            Server::sign(&mut url);
        }
        FreshDatabase { url: url.into(), admin: self.admin.clone(), name }
    }

    /// Tests run as a role without special rights, as production does.
    fn owner(&self) -> String {
        self.server.as_ref().map(|_| format!(" OWNER {}", server::ROLE)).unwrap_or_default()
    }

    /// Ends the server at once, as a power failure would.
    pub async fn kill(&self) {
        self.control(|server| server.stop("immediate")).await;
    }

    /// Ends the server in an orderly way, cutting its connections.
    pub async fn stop(&self) {
        self.control(|server| server.stop("fast")).await;
    }

    /// Starts the server again, at the same address.
    pub async fn start(&self) {
        self.control(Server::start).await;
    }

    async fn control(&self, act: impl FnOnce(&Server) + Send + 'static) {
        let server = self.server.clone().expect("only a private server can be controlled");
        assert!(self.directory.is_some(), "only a private server can be controlled");
        tokio::task::spawn_blocking(move || act(&server)).await.expect("the server obeys");
    }

    /// Drops databases whose test program is gone.
    async fn drop_orphans(&self) {
        let admin = connect(&self.admin).await;
        let query = "SELECT datname FROM pg_database WHERE datname LIKE 'rolecall\\_test\\_%'";
        let statement = Statement::from_string(admin.get_database_backend(), query);
        for row in admin.query_all_raw(statement).await.unwrap_or_default() {
            let name: String = row.try_get_by_index(0).unwrap_or_default();
            let owner = name.split('_').nth(2).unwrap_or_default();
            if !std::path::Path::new("/proc").join(owner).exists() {
                let _ = admin.execute_unprepared(&format!("DROP DATABASE IF EXISTS {name}")).await;
            }
        }
        let _ = admin.close().await;
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let (Some(server), Some(_)) = (&self.server, &self.directory) {
            server.stop("immediate");
        }
    }
}

/// Makes an empty database on the shared server.
pub async fn fresh_url() -> FreshDatabase {
    Cluster::shared().await.fresh().await
}

/// A database of a test's own, removed when it is dropped.
pub struct FreshDatabase {
    url: String,
    admin: Url,
    name: String,
}

impl FreshDatabase {
    /// Returns its address, with user and password.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs a statement as administrator, inside this database.
    pub async fn administer(&self, sql: &str) {
        let mut url = self.admin.clone();
        url.set_path(&self.name);
        let admin = connect(&url).await;
        admin.execute_unprepared(sql).await.expect("the administrator's statement runs");
        let _ = admin.close().await;
    }
}

impl fmt::Debug for FreshDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FreshDatabase").field(&self.name).finish()
    }
}

impl Drop for FreshDatabase {
    /// Cuts what is still connected; a database that stays is removed by a later run.
    fn drop(&mut self) {
        let (admin, sql) = (self.admin.clone(), format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
        let removal = std::thread::spawn(move || {
            let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
                return;
            };
            runtime.block_on(async {
                if let Ok(connection) = Database::connect(options(&admin)).await {
                    let _ = connection.execute_unprepared(&sql).await;
                    let _ = connection.close().await;
                }
            });
        });
        let _ = removal.join();
    }
}

fn options(url: &Url) -> ConnectOptions {
    let mut options = ConnectOptions::new(url.as_str());
    options.max_connections(1).sqlx_logging(false).acquire_timeout(std::time::Duration::from_secs(20));
    options
}

async fn connect(url: &Url) -> DatabaseConnection {
    Database::connect(options(url)).await.expect("the PostgreSQL of the tests answers")
}
