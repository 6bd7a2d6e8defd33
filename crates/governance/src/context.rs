//! Governance, put together: the only wiring.

use std::fmt;
use std::sync::Arc;

use futures::FutureExt as _;
use rolecall_api::organization::v1::asset_policy_service_server::AssetPolicyServiceServer;
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
use tonic::service::Routes;

use crate::app::{App, beneficiaries};
use crate::events::consume;
use crate::grpc::{Api, AssetPolicyApi, DatasetApi, ModelApi};
use crate::peers::identity::IdentityPeer;
use crate::store;

/// The largest message that is decoded; the rule of each method sets the limit that counts.
const MAX_MESSAGE: usize = 4 * 1024 * 1024;

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
        let routes = routes.add_service(policies);
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

    /// Returns the steps of its schema, oldest first; they follow those of organization.
    pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        store::migrations::steps()
    }

    /// Returns the unique constraints of its schema, beside those of organization.
    pub const fn constraints() -> &'static [UniqueConstraint] {
        store::CONSTRAINTS
    }
}
