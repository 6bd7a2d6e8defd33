//! Governance, put together: the only wiring.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use rolecall_api::organization::v1::asset_policy_service_server::AssetPolicyServiceServer;
use rolecall_api::organization::v1::compute_spec_service_server::ComputeSpecServiceServer;
use rolecall_api::organization::v1::dataset_service_server::DatasetServiceServer;
use rolecall_api::organization::v1::model_service_server::ModelServiceServer;
use rolecall_authz::AccessCache;
use rolecall_db::{Database, UniqueConstraint};
use rolecall_kernel::entropy::Entropy;
use rolecall_kernel::key::{MasterKey, Purpose};
use rolecall_kernel::page::PageTokens;
use rolecall_kernel::time::Clock;
use rolecall_organization::ground::Listener;
use rolecall_rpc::channel::Channel;
use sea_orm_migration::MigrationTrait;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use crate::app::{App, beneficiaries, end_compute_specs};
use crate::events::consume;
use crate::grpc::{Api, AssetPolicyApi, ComputeSpecApi, DatasetApi, ModelApi};
use crate::peers::identity::IdentityPeer;
use crate::store;

/// The largest message that is decoded; the rule of each method sets the limit that counts.
const MAX_MESSAGE: usize = 4 * 1024 * 1024;

/// What ended by itself is written down after this time; whoever looks knows it at once.
const SWEEP: Duration = Duration::from_secs(5);

/// Work beside the services.
pub struct Worker {
    /// Its name, for logs.
    pub name: &'static str,
    /// What it does until the shutdown.
    pub run: BoxFuture<'static, ()>,
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What governance needs to be put together.
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
    /// What this process believes about subjects.
    pub access: AccessCache,
    /// The way to identity.
    pub identity: Channel,
}

impl fmt::Debug for Dependencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dependencies").field("database", &self.database).finish_non_exhaustive()
    }
}

/// The part of the organization context that is about data.
#[derive(Clone)]
pub struct Governance {
    api: Arc<Api>,
}

impl fmt::Debug for Governance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Governance").finish_non_exhaustive()
    }
}

impl Governance {
    /// Puts it together; nothing runs yet.
    pub fn new(dependencies: Dependencies) -> Self {
        let Dependencies { database, clock, entropy, master_key, access, identity } = dependencies;
        let api = Api {
            app: App {
                database,
                clock,
                entropy,
                access,
                identity: IdentityPeer::new(identity),
                addresses: master_key.keyed_hash(Purpose::ProvenAddress),
            },
            pages: PageTokens::new(master_key.sealer(Purpose::PageToken)),
            fingerprints: master_key.keyed_hash(Purpose::RequestFingerprint),
        };
        Self { api: Arc::new(api) }
    }

    /// Adds its services.
    pub fn register(&self, routes: Routes) -> Routes {
        let api = || Arc::clone(&self.api);
        let policies = AssetPolicyServiceServer::new(AssetPolicyApi(api())).max_decoding_message_size(MAX_MESSAGE);
        let specs = ComputeSpecServiceServer::new(ComputeSpecApi(api())).max_decoding_message_size(MAX_MESSAGE);
        let routes = routes.add_service(policies).add_service(specs);
        routes
            .add_service(DatasetServiceServer::new(DatasetApi(api())).max_decoding_message_size(MAX_MESSAGE))
            .add_service(ModelServiceServer::new(ModelApi(api())).max_decoding_message_size(MAX_MESSAGE))
    }

    /// Returns who hears of events beside the audit log: of proofs of addresses, for which policies wait.
    pub fn listener(&self) -> Listener {
        let api = Arc::clone(&self.api);
        Arc::new(move |arrived| {
            let api = Arc::clone(&api);
            async move {
                match consume::proof(&arrived) {
                    Some(proof) => beneficiaries::take_proof(&api.app, &proof).await,
                    None => Ok(()),
                }
            }
            .boxed()
        })
    }

    /// Returns its jobs; each ends when the token is cancelled.
    pub fn workers(&self, shutdown: &CancellationToken) -> Vec<Worker> {
        let (api, shutdown) = (Arc::clone(&self.api), shutdown.clone());
        let run = async move {
            loop {
                if let Err(error) = end_compute_specs::sweep(&api.app).await {
                    tracing::warn!(%error, "a job failed and is tried again");
                }
                if shutdown.run_until_cancelled(tokio::time::sleep(SWEEP)).await.is_none() {
                    return;
                }
            }
        };
        vec![Worker { name: "governance.end_compute_specs", run: run.boxed() }]
    }

    /// Revokes compute specs that stood on something that ended by itself, and returns how many.
    #[doc(hidden)]
    pub async fn end_compute_specs(&self) -> Result<usize, rolecall_db::Error> {
        end_compute_specs::sweep(&self.api.app).await
    }

    /// Returns the steps of its schema, oldest first; they follow those of organization.
    pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        store::migrations::steps()
    }

    /// Returns the unique constraints of its schema, beside those of organization.
    pub const fn constraints() -> &'static [UniqueConstraint] {
        store::CONSTRAINTS
    }
}
