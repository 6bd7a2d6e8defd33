//! Access, put together: the only wiring.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use rolecall_api::organization::v1::access_service_server::AccessServiceServer;
use rolecall_authz::AccessCache;
use rolecall_db::{Backend, Database, Error, UniqueConstraint};
use rolecall_kernel::entropy::Entropy;
use rolecall_kernel::id::EventId;
use rolecall_kernel::key::{MasterKey, Purpose};
use rolecall_kernel::page::PageTokens;
use rolecall_kernel::time::Clock;
use sea_orm_migration::MigrationTrait;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use crate::app::App;
use crate::app::follow::{Follower, Reach};
use crate::app::list::Pins;
use crate::config::AccessConfig;
use crate::grpc::{AccessApi, Api};
use crate::store;

/// The largest message that is decoded; the rule of each method sets the limit that counts.
const MAX_MESSAGE: usize = 4 * 1024 * 1024;

/// Changes elsewhere are taken in after this time, if nothing tells of them earlier.
const FOLLOW: Duration = Duration::from_millis(100);

/// What access needs to be put together.
#[derive(Clone)]
pub struct Dependencies {
    /// The database of the organization context, with its schema.
    pub database: Database,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The secret outside the database.
    pub master_key: MasterKey,
    /// What this process believes about subjects; it knows what it changed itself.
    pub access: AccessCache,
}

impl fmt::Debug for Dependencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dependencies").field("database", &self.database).finish_non_exhaustive()
    }
}

/// A job that runs until the shutdown.
pub struct Worker {
    /// Its name, for logs.
    pub name: &'static str,
    /// Its work.
    pub run: BoxFuture<'static, ()>,
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The part of the organization context that decides who may do what.
#[derive(Clone)]
pub struct Access {
    api: Arc<Api>,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").finish_non_exhaustive()
    }
}

impl Access {
    /// Puts it together; nothing runs yet, and until something does the database decides.
    pub fn new(dependencies: Dependencies, config: &AccessConfig) -> Self {
        let Dependencies { database, clock, entropy, master_key, access } = dependencies;
        let replica = match database.backend() {
            Backend::Postgres => Some(EventId::new(clock.now(), entropy.as_ref()).as_uuid()),
            // The file has no other process.
            Backend::Sqlite => None,
        };
        let follower = Follower::new(database.clone(), access, config.limit(), replica);
        let app = App { database, clock, entropy, follower, pins: Pins::default() };
        let pages = PageTokens::new(master_key.sealer(Purpose::PageToken));
        Self { api: Arc::new(Api { app, pages }) }
    }

    /// Adds its service.
    pub fn register(&self, routes: Routes) -> Routes {
        let service = AccessServiceServer::new(AccessApi(Arc::clone(&self.api)));
        routes.add_service(service.max_decoding_message_size(MAX_MESSAGE))
    }

    /// Returns its jobs; each ends when the token is cancelled.
    pub fn workers(&self, shutdown: &CancellationToken) -> Vec<Worker> {
        let follow = follow(Arc::clone(&self.api), shutdown.clone());
        vec![Worker { name: "access.follow", run: follow.boxed() }]
    }

    /// Takes in what changed, once.
    #[doc(hidden)]
    pub async fn follow(&self) -> Result<(), Error> {
        self.api.app.follower.step(Reach::Whole).await
    }

    /// Returns the revision of the snapshot that answers, if one does.
    #[doc(hidden)]
    pub fn revision(&self) -> Option<i64> {
        self.api.app.follower.usable().map(|world| world.revision)
    }

    /// Returns the steps of its schema, oldest first; they follow those of governance.
    pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        store::migrations::steps()
    }

    /// Returns the unique constraints of its schema, beside those of organization and governance.
    pub const fn constraints() -> &'static [UniqueConstraint] {
        store::CONSTRAINTS
    }
}

/// Follows the changes of access, also those of other processes.
async fn follow(api: Arc<Api>, shutdown: CancellationToken) {
    let follower = &api.app.follower;
    let mut changed = api.app.database.feed_changes();
    loop {
        if let Err(error) = follower.step(Reach::Whole).await {
            tracing::warn!(%error, "the facts that decide access could not be followed");
        }
        api.app.pins.sweep();
        if shutdown.run_until_cancelled(timeout(FOLLOW, changed.changed())).await.is_none() {
            break;
        }
    }
    if let Err(error) = follower.leave().await {
        tracing::debug!(%error, "the others wait for this process a little longer");
    }
}
