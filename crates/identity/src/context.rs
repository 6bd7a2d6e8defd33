//! The only wiring: from dependencies to services and workers.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use futures::future::BoxFuture;
use rolecall_authz::{KeySet, Refusals, Revocations, ServiceTokens, Verifier, VerifierConfig};
use rolecall_db::{Database, Error as StoreError, Relay, RelayConfig, Sequencer, SequencerConfig, UniqueConstraint};
use rolecall_kernel::entropy::Entropy;
use rolecall_kernel::key::{MasterKey, Purpose};
use rolecall_kernel::page::PageTokens;
use rolecall_kernel::time::Clock;
use rolecall_outbound::Outbound;
use rolecall_rpc::channel::Channel;
use sea_orm_migration::MigrationTrait;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use crate::app::last_used::LastUsed;
use crate::app::request_password_reset::Queue;
use crate::app::revoke::FEED_RETENTION;
use crate::app::signing_keys::{KeyRing, SigningKeyError};
use crate::app::{Resources, instance_settings, setup_secret};
use crate::config::IdentityConfig;
use crate::domain::password::PasswordPolicy;
use crate::events::publish::Publisher;
use crate::grpc::Grpc;
use crate::hashing::Hashing;
use crate::oidc::Oidc;
use crate::pages::Pages;
use crate::peers::Organization;
use crate::peers::deliver::{CONSUMERS, Delivery};
use crate::{http, store};

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
    /// The pages cannot be made: a defect of this build.
    #[error("the hosted pages of this build cannot be made; report this as a defect")]
    Pages(#[source] Box<dyn std::error::Error + Send + Sync>),
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
    delivery: Delivery,
    pages: Option<Pages>,
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
        let now = clock.now();
        let signer = KeyRing::load_or_create(&database, sealer, Arc::clone(&keys), now, entropy.as_ref()).await?;
        // Examines the tokens that others ask about; the calls of this process are examined by the stack.
        let accepted = VerifierConfig {
            audience: config.audience.clone(),
            also_for: config.audiences.clone(),
            ..VerifierConfig::new(&*config.issuer)
        };
        let verifier = Verifier::new(keys, &ServiceTokens::new(&master_key), Arc::clone(&clock), accepted);
        let hashing = Hashing::new(&config.hashing, Arc::clone(&entropy)).await.map_err(|_| StartError::Hashing)?;
        let instance = instance_settings::begin(&database, now, entropy.as_ref()).await?;
        let instance_name = instance_settings::Name::new(instance.name_or(&config.server_name));
        let outbound = Outbound::new(&config.outbound).map_err(|error| StartError::Config(vec![error.to_string()]))?;
        let resources = Arc::new(Resources {
            db: database,
            clock,
            hashing,
            organization: Organization::new(peers.organization.clone()),
            publisher: Publisher::new(Arc::clone(&entropy), master_key.sealer(Purpose::MailSecret)),
            entropy,
            revocations,
            signer,
            verifier,
            last_used: LastUsed::default(),
            successors: master_key.keyed_hash(Purpose::RefreshSuccessor),
            oidc: Oidc::new(outbound),
            provider_secrets: master_key.sealer(Purpose::ProviderSecret),
            factor_secrets: master_key.sealer(Purpose::FactorSecret),
            fingerprints: master_key.keyed_hash(Purpose::RequestFingerprint),
            proofs: master_key.keyed_hash(Purpose::ProvenAddress),
            resets: Queue::new(),
            login_codes: Queue::new(),
            password_policy: PasswordPolicy::default(),
            instance_name,
            config,
        });
        let pages = open_pages(&resources)?;
        let page_tokens = PageTokens::new(master_key.sealer(Purpose::PageToken));
        let grpc = Grpc::new(Arc::clone(&resources), page_tokens, master_key.sealer(Purpose::ResumeToken));
        let delivery = Delivery::new(peers.organization, peers.notification);
        Ok(Self { resources, grpc, delivery, pages, relay })
    }

    /// Adds the services of identity to the routes of a server.
    #[must_use]
    pub fn register(&self, routes: Routes) -> Routes {
        self.grpc.register(routes)
    }

    /// Returns the HTTP side: the keys of access tokens as a JSON Web Key Set, and the pages that mails link to.
    pub fn http_routes(&self) -> Router {
        let keys = http::routes(Arc::clone(&self.resources));
        self.pages.iter().fold(keys, |routes, pages| routes.merge(pages.routes()))
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
            worker("identity signing keys", Box::pin(jobs::follow_keys(resources(), token()))),
            worker("identity key rotation", Box::pin(jobs::rotate_keys(resources(), token()))),
            worker("identity last used", Box::pin(jobs::write_last_used(resources(), token()))),
            worker("identity domains", Box::pin(jobs::recheck_domains(resources(), token()))),
        ]
    }

    /// Returns the work that writes down which calls were refused, as counted there.
    pub fn refusal_worker(&self, refusals: Refusals, shutdown: &CancellationToken) -> Worker {
        let run = crate::jobs::write_refusals(Arc::clone(&self.resources), refusals, shutdown.clone());
        Worker { name: "identity refusals", run: Box::pin(run) }
    }

    /// Writes down once which calls were refused, and returns how many rows; for tests.
    pub async fn write_refusals(&self, refusals: &Refusals) -> Result<usize, StoreError> {
        crate::app::write_refusals::run(&self.resources, refusals).await
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
        let config = SequencerConfig { retention: FEED_RETENTION, ..SequencerConfig::default() };
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

    /// Takes up the signing keys that other replicas made; for tests.
    pub async fn refresh_keys(&self) -> Result<(), SigningKeyError> {
        crate::jobs::refresh_keys_once(&self.resources).await
    }

    /// Makes a new signing key if the newest is old, and tells whether it did; for tests.
    pub async fn rotate_keys_if_due(&self) -> bool {
        crate::jobs::rotate_keys_once(&self.resources).await
    }

    /// Writes when keys and personal access tokens were last used, and returns how many were; for tests.
    pub async fn write_last_used(&self) -> Result<usize, StoreError> {
        crate::jobs::write_last_used_once(&self.resources).await
    }

    /// Looks once at the proofs of domains that are due, and returns how many lost theirs; for tests.
    pub async fn recheck_domains(&self) -> usize {
        crate::jobs::recheck_domains_once(&self.resources).await
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

/// Makes the pages, where there are to be some.
fn open_pages(resources: &Arc<Resources>) -> Result<Option<Pages>, StartError> {
    let config = &resources.config.pages;
    let site = config.site();
    if config.enabled && site.is_none() {
        tracing::warn!("there are no pages for browsers: server.external_url must be https, or http on loopback");
    }
    let pages = site.map(|site| Pages::new(Arc::clone(resources), site)).transpose();
    pages.map_err(|error| StartError::Pages(Box::new(error)))
}
