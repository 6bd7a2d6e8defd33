//! The only wiring: from dependencies to services and workers.

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use rolecall_authz::{KeySet, Revocations};
use rolecall_db::{Database, Error as StoreError, Relay, RelayConfig, Sequencer, SequencerConfig, UniqueConstraint};
use rolecall_kernel::entropy::Entropy;
use rolecall_kernel::key::{MasterKey, Purpose};
use rolecall_kernel::page::PageTokens;
use rolecall_kernel::time::Clock;
use rolecall_rpc::channel::Channel;
use sea_orm_migration::MigrationTrait;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use crate::app::signing_keys::SigningKeyError;
use crate::app::{Resources, setup_secret, signing_keys};
use crate::config::IdentityConfig;
use crate::domain::password::PasswordPolicy;
use crate::events::publish::Publisher;
use crate::grpc::Grpc;
use crate::hashing::Hashing;
use crate::peers::Organization;
use crate::peers::deliver::{CONSUMERS, Delivery};
use crate::store;

pub use crate::app::setup_secret::SetupSecret;

/// The ways to the other contexts, each already carrying a service token for its callee.
#[derive(Debug, Clone)]
pub struct Peers {
    /// To organization.
    pub organization: Channel,
    /// To notification.
    pub notification: Channel,
}

/// What identity needs from the server.
#[derive(Debug, Clone)]
pub struct Dependencies {
    /// The context's database, its schema current.
    pub database: Database,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The one secret outside the databases.
    pub master_key: MasterKey,
    /// The other contexts.
    pub peers: Peers,
    /// The keys that this process verifies access tokens with; identity fills them.
    pub keys: Arc<KeySet>,
    /// The ended tokens that this process refuses; identity fills them.
    pub revocations: Revocations,
    /// How the outbox is delivered.
    pub relay: RelayConfig,
}

/// Why identity cannot start; the text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration is not usable.
    #[error("{}", .0.join("; "))]
    Config(Vec<String>),
    /// There is no key to sign with.
    #[error(transparent)]
    SigningKey(#[from] SigningKeyError),
    /// Passwords cannot be hashed.
    #[error("the hashing parameters are unusable: correct the section identity.hashing")]
    Hashing,
    /// The database did not do its part.
    #[error("the database of identity cannot be used")]
    Store(#[from] StoreError),
}

/// Work that goes on in the background until the shutdown.
pub struct Worker {
    /// What it is called in logs.
    pub name: &'static str,
    /// The work.
    pub run: BoxFuture<'static, ()>,
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The identity context.
#[derive(Debug, Clone)]
pub struct Identity {
    resources: Arc<Resources>,
    grpc: Grpc,
    keys: Arc<KeySet>,
    delivery: Delivery,
    relay: RelayConfig,
}

impl Identity {
    /// The context's name: of its database, in its topics and service tokens.
    pub const NAME: &'static str = "identity";

    /// Starts identity on a database whose schema is current.
    pub async fn new(dependencies: Dependencies, config: IdentityConfig) -> Result<Self, StartError> {
        config.validate().map_err(StartError::Config)?;
        let Dependencies { database, clock, entropy, master_key, peers, keys, revocations, relay } = dependencies;
        let sealer = master_key.sealer(Purpose::SigningKey);
        let signer = signing_keys::load_or_create(&database, &sealer, clock.now(), entropy.as_ref()).await?;
        keys.replace(signing_keys::list(&database, clock.now()).await?);
        let hashing = Hashing::new(&config.hashing, Arc::clone(&entropy)).await.map_err(|_| StartError::Hashing)?;
        let resources = Arc::new(Resources {
            db: database,
            clock,
            hashing,
            organization: Organization::new(peers.organization.clone()),
            publisher: Publisher::new(Arc::clone(&entropy), master_key.sealer(Purpose::MailSecret)),
            entropy,
            revocations,
            signer,
            successors: master_key.keyed_hash(Purpose::RefreshSuccessor),
            fingerprints: master_key.keyed_hash(Purpose::RequestFingerprint),
            password_policy: PasswordPolicy::default(),
            config,
        });
        let pages = PageTokens::new(master_key.sealer(Purpose::PageToken));
        let grpc = Grpc::new(Arc::clone(&resources), pages, master_key.sealer(Purpose::ResumeToken));
        let delivery = Delivery::new(peers.organization, peers.notification);
        Ok(Self { resources, grpc, keys, delivery, relay })
    }

    /// Adds the services of identity to the routes of a server.
    #[must_use]
    pub fn register(&self, routes: Routes) -> Routes {
        self.grpc.register(routes)
    }

    /// Returns the background work, to be run until the token is cancelled.
    pub fn workers(&self, shutdown: &CancellationToken) -> Vec<Worker> {
        use crate::jobs;
        let worker = |name, run| Worker { name, run };
        let (resources, token) = (|| Arc::clone(&self.resources), || shutdown.clone());
        vec![
            worker("identity relay", Box::pin(self.relay().run(token()))),
            worker("identity sequencer", Box::pin(self.sequencer().run(token()))),
            worker("identity recovery", Box::pin(jobs::recover(resources(), token()))),
            worker("identity revocations", Box::pin(jobs::follow_revocations(resources(), token()))),
            worker("identity sweep", Box::pin(jobs::sweep(resources(), token()))),
            worker("identity signing keys", Box::pin(follow_keys(resources(), Arc::clone(&self.keys), token()))),
        ]
    }

    /// Makes the relay of this context's outbox; tests drain it by hand.
    pub fn relay(&self) -> Relay {
        let resources = &self.resources;
        let (clock, entropy) = (Arc::clone(&resources.clock), Arc::clone(&resources.entropy));
        let delivery = Arc::new(self.delivery.clone());
        Relay::new(resources.db.clone(), clock, entropy, CONSUMERS.to_vec(), delivery, self.relay.clone())
    }

    /// Makes the sequencer of this context's feeds; tests drain it by hand.
    pub fn sequencer(&self) -> Sequencer {
        let resources = &self.resources;
        // Longer than any token lives, so that a reader that begins anew misses nothing that matters.
        let retention = std::time::Duration::from_hours(1);
        let config = SequencerConfig { retention, ..SequencerConfig::default() };
        Sequencer::new(resources.db.clone(), Arc::clone(&resources.clock), resources.entropy.as_ref(), config)
    }

    /// Settles unfinished work once, and returns how much; for tests.
    pub async fn recover(&self) -> usize {
        crate::jobs::recover_once(&self.resources).await
    }

    /// Deletes once what has served its time, and returns how many rows; for tests.
    pub async fn sweep(&self) -> Result<u64, StoreError> {
        crate::jobs::sweep_once(&self.resources).await
    }

    /// Returns the schema's steps.
    pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        store::migrations::steps()
    }

    /// Returns the unique constraints, to be given to [`Database::connect`].
    pub const fn constraints() -> &'static [UniqueConstraint] {
        store::CONSTRAINTS
    }

    /// Tells whether the own database answers.
    pub async fn is_healthy(&self) -> bool {
        self.resources.db.ping().await.is_ok()
    }

    /// Makes the setup secret of a new installation, or takes the chosen one, or tells why there is none to print.
    pub async fn setup_secret(&self) -> Result<SetupSecret, StoreError> {
        let resources = &self.resources;
        let chosen = resources.config.setup_secret.as_ref();
        setup_secret::issue(&resources.db, chosen, resources.now(), resources.entropy.as_ref()).await
    }

    /// Replaces a setup secret that was lost, as long as it was not used.
    pub async fn renew_setup_secret(
        database: &Database,
        clock: &dyn Clock,
        entropy: &dyn Entropy,
    ) -> Result<SetupSecret, StoreError> {
        setup_secret::renew(database, clock.now(), entropy).await
    }
}

/// Takes up signing keys that another replica made.
async fn follow_keys(resources: Arc<Resources>, keys: Arc<KeySet>, shutdown: CancellationToken) {
    const PERIOD: std::time::Duration = std::time::Duration::from_secs(5);
    while shutdown.run_until_cancelled(tokio::time::sleep(PERIOD)).await.is_some() {
        match signing_keys::list(&resources.db, resources.now()).await {
            Ok(listed) if listed.len() != keys.keys().len() => keys.replace(listed),
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "the signing keys could not be read"),
        }
    }
}
