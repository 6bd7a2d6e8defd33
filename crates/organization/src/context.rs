//! Organization, put together: the only wiring.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use rolecall_api::organization::v1::audit_service_server::AuditServiceServer;
use rolecall_api::organization::v1::member_service_server::MemberServiceServer;
use rolecall_api::organization::v1::membership_service_server::MembershipServiceServer;
use rolecall_api::organization::v1::organization_service_server::OrganizationServiceServer;
use rolecall_api::organization::v1::role_service_server::RoleServiceServer;
use rolecall_authz::{AccessCache, Refusals};
use rolecall_db::{Database, Error, Relay, RelayConfig, UniqueConstraint};
use rolecall_kernel::entropy::Entropy;
use rolecall_kernel::key::{MasterKey, Purpose};
use rolecall_kernel::page::PageTokens;
use rolecall_kernel::time::Clock;
use sea_orm_migration::MigrationTrait;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use crate::app::audit_log::{AuditLog, chain, checkpoints};
use crate::app::ingest_events::Listener;
use crate::app::{App, create_organization, lift_ended_blocks};
use crate::config::OrganizationConfig;
use crate::domain::permission::CATALOGUE;
use crate::events::consume::{DescriptorError, EventReader};
use crate::events::publish::CONSUMERS;
use crate::grpc::{Api, AuditApi, MemberApi, MembershipApi, OrganizationApi, RoleApi, render};
use crate::jobs;
use crate::peers::Peers;
use crate::peers::deliver::Delivery;
use crate::peers::identity::IdentityPeer;
use crate::store;

/// The largest message that is decoded; the rule of each method sets the limit that counts.
const MAX_MESSAGE: usize = 4 * 1024 * 1024;

/// What organization needs to be put together.
#[derive(Clone)]
pub struct Dependencies {
    /// Its database, with its schema.
    pub database: Database,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The secret outside the database.
    pub master_key: MasterKey,
    /// What this process believes about subjects; made over [`LocalAccess`](crate::LocalAccess).
    pub access: AccessCache,
    /// The other contexts.
    pub peers: Peers,
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

/// The organization context.
#[derive(Clone)]
pub struct Organization {
    api: Arc<Api>,
    peers: Peers,
    config: OrganizationConfig,
}

impl fmt::Debug for Organization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Organization").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Organization {
    /// The name of the context: of its database, its service tokens, its events.
    pub const NAME: &'static str = "organization";

    /// Puts it together; nothing runs yet.
    pub fn new(dependencies: Dependencies, config: OrganizationConfig) -> Result<Self, DescriptorError> {
        let Dependencies { database, clock, entropy, master_key, access, peers } = dependencies;
        let audit = AuditLog::new(&master_key, entropy.as_ref());
        let app = App {
            audit,
            listener: OnceLock::new(),
            database,
            clock,
            entropy,
            access,
            identity: IdentityPeer::new(peers.identity.clone()),
            changed: watch::Sender::new(()),
            creation_lease: config.saga_lease,
            encode_created: render::encode_created,
        };
        let api = Api {
            app,
            pages: PageTokens::new(master_key.sealer(Purpose::PageToken)),
            resume: PageTokens::new(master_key.sealer(Purpose::ResumeToken)),
            fingerprints: master_key.keyed_hash(Purpose::RequestFingerprint),
            events: EventReader::new()?,
        };
        Ok(Self { api: Arc::new(api), peers, config })
    }

    /// Has somebody hear of the events of all contexts beside the audit log; the first one who is named does.
    pub fn listen(&self, listener: Listener) {
        let _ = self.api.app.listener.set(listener);
    }

    /// Adds its services.
    pub fn register(&self, routes: Routes) -> Routes {
        let api = || Arc::clone(&self.api);
        routes
            .add_service(OrganizationServiceServer::new(OrganizationApi(api())).max_decoding_message_size(MAX_MESSAGE))
            .add_service(MemberServiceServer::new(MemberApi(api())).max_decoding_message_size(MAX_MESSAGE))
            .add_service(MembershipServiceServer::new(MembershipApi(api())).max_decoding_message_size(MAX_MESSAGE))
            .add_service(RoleServiceServer::new(RoleApi(api())).max_decoding_message_size(MAX_MESSAGE))
            .add_service(AuditServiceServer::new(AuditApi(api())).max_decoding_message_size(MAX_MESSAGE))
    }

    /// Returns its jobs; each ends when the token is cancelled.
    pub fn workers(&self, shutdown: &CancellationToken) -> Vec<Worker> {
        let (api, end) = (|| Arc::clone(&self.api), || shutdown.clone());
        let retention = self.config.access_changes_retention;
        vec![
            Worker { name: "organization.relay", run: self.relay().run(end()).boxed() },
            Worker { name: "organization.follow_access", run: jobs::follow(api(), end()).boxed() },
            Worker { name: "organization.recover_creations", run: jobs::recover(api(), end()).boxed() },
            Worker { name: "organization.lift_ended_blocks", run: jobs::lift(api(), end()).boxed() },
            Worker { name: "organization.trim_access_changes", run: jobs::trim(api(), retention, end()).boxed() },
            Worker { name: "organization.chain_audit", run: jobs::chain_audit(api(), end()).boxed() },
            Worker { name: "organization.sign_audit", run: jobs::sign_audit(api(), end()).boxed() },
            Worker { name: "organization.forget_removed", run: jobs::sweep(api(), end()).boxed() },
        ]
    }

    /// Returns the work that writes down which calls were refused, as counted there.
    pub fn refusal_worker(&self, refusals: Refusals, shutdown: &CancellationToken) -> Worker {
        let run = jobs::write_refusals(Arc::clone(&self.api), refusals, shutdown.clone());
        Worker { name: "organization.write_refusals", run: run.boxed() }
    }

    /// Returns the relay of its outbox; tests drain it by hand.
    pub fn relay(&self) -> Relay {
        let app = &self.api.app;
        let default = RelayConfig::default();
        let config = RelayConfig { lease: self.config.saga_lease.min(default.lease), ..default };
        let deliver = Arc::new(Delivery::new(&self.peers));
        let (clock, entropy) = (Arc::clone(&app.clock), Arc::clone(&app.entropy));
        Relay::new(app.database.clone(), clock, entropy, CONSUMERS.to_vec(), deliver, config)
    }

    /// Goes on with organizations whose making was left behind, and returns how many came about.
    #[doc(hidden)]
    pub async fn recover_creations(&self) -> Result<usize, String> {
        create_organization::recover(&self.api.app).await.map_err(|error| error.to_string())
    }

    /// Chains the entries of the audit log that were taken, and returns how many; none when another process does it.
    #[doc(hidden)]
    pub async fn chain_audit(&self) -> Result<usize, Error> {
        chain::run(&self.api.app).await
    }

    /// Signs the ends of the chains of the audit log whose time has come, and returns how many.
    #[doc(hidden)]
    pub async fn sign_audit(&self) -> Result<usize, Error> {
        checkpoints::run(&self.api.app).await
    }

    /// Writes down that blocks have ended, and returns how many.
    #[doc(hidden)]
    pub async fn lift_ended_blocks(&self) -> Result<usize, Error> {
        lift_ended_blocks::run(&self.api.app).await
    }

    /// Forgets changes of access older than the given time.
    #[doc(hidden)]
    pub async fn trim_access_changes(&self, retention: Duration) -> Result<(), String> {
        jobs::forget(&self.api.app, retention).await
    }

    /// Forgets subjects that were removed long ago.
    #[doc(hidden)]
    pub async fn forget_removed(&self) -> Result<(), String> {
        jobs::forget_removed(&self.api.app).await
    }

    /// Asks its database for a sign of life.
    pub async fn health(&self) -> Result<(), Error> {
        self.api.app.database.ping().await
    }

    /// Returns the steps of its schema, oldest first.
    pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        store::migrations::steps()
    }

    /// Returns the unique constraints of its schema.
    pub const fn constraints() -> &'static [UniqueConstraint] {
        store::CONSTRAINTS
    }

    /// Returns the name of every permission; a rule that names another can never be met.
    pub fn permissions() -> impl Iterator<Item = &'static str> {
        CATALOGUE.iter().map(|permission| permission.name)
    }
}
