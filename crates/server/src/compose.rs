//! Contexts, the channels between them, and the stack in front of them.

mod channels;
mod contexts;
mod guard;

use std::sync::Arc;

use anyhow::{Context as _, Result};
use axum::Router;
use futures::future::BoxFuture;
use rolecall_authz::{AuthLayer, Policy, ReflectionAccess, Refusals};
use rolecall_db::Database;
use rolecall_kernel::entropy::{Entropy, SystemEntropy};
use rolecall_kernel::key::MasterKey;
use rolecall_kernel::time::{Clock, SystemClock};
use rolecall_rpc::channel::LocalSlot;
use rolecall_rpc::health::{Health, Probe};
use rolecall_rpc::methods::Methods;
use rolecall_rpc::stack::{Stack, Tools, build};
use tokio_util::sync::CancellationToken;
use tonic::service::{Routes, RoutesBuilder};

use crate::config::Service;
use crate::config::schema::Config;
use crate::{follow, settings};
use channels::Channels;
pub(crate) use contexts::renew_setup_secret;
use contexts::{Contexts, Materials};
use guard::Guard;

/// What all parts are given instead of taking it from the machine themselves.
#[derive(Clone)]
pub(crate) struct Surroundings {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) master_key: MasterKey,
}

impl Surroundings {
    /// Takes time and randomness from the machine.
    pub(crate) fn of_machine(master_key: MasterKey) -> Self {
        Self { clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy), master_key }
    }
}

/// Work that runs beside the services.
pub(crate) struct Worker {
    pub(crate) name: &'static str,
    pub(crate) run: BoxFuture<'static, ()>,
}

/// The steps of an end.
pub(crate) struct Ends {
    /// Cancelled when no new calls are wanted.
    pub(crate) drain: CancellationToken,
    /// Cancelled when the last call is answered; what calls left to do is done until then.
    pub(crate) workers: CancellationToken,
}

/// The hosted services, ready to be served.
pub(crate) struct Suite {
    pub(crate) stack: Stack,
    pub(crate) http: Router,
    pub(crate) workers: Vec<Worker>,
    pub(crate) contexts: Contexts,
    /// The way from the contexts back into the stack; released at the end, so that all can be dropped.
    pub(crate) slot: LocalSlot,
}

/// Puts everything together; nothing runs yet.
pub(crate) async fn compose(
    config: &Config,
    databases: Vec<(Service, Database)>,
    surroundings: &Surroundings,
    ends: &Ends,
) -> Result<Suite> {
    let channels = Channels::new(config, surroundings)?;
    let guard = Guard::new(config, &databases, &channels, surroundings);
    let probes = databases.iter().map(|(service, database)| probe(*service, database.clone())).collect();
    let health = Health::new(probes).await;
    let materials = Materials { config, surroundings, channels: &channels, guard: &guard };
    let contexts = Contexts::new(&materials, databases).await?;

    let (policy, refusals) = (policy(config)?, Refusals::default());
    let (clock, entropy) = (Arc::clone(&surroundings.clock), Arc::clone(&surroundings.entropy));
    let tools = Tools::new(&[rolecall_api::DESCRIPTOR_SET], &policy, clock, entropy).context("the contract")?;
    let authentication = AuthLayer::new(guard.authorizer(config, policy)).counting(refusals.clone());
    let routes = contexts.register(standard_routes(&health)?);
    let stack = build(routes, &authentication, &settings::stack(config), tools);
    channels.slot.bind(stack.clone());

    let mut workers = contexts.workers(&ends.workers);
    workers.extend(contexts.refusal_workers(&refusals, &ends.workers));
    workers.extend(guard.workers(config, &channels, surroundings, &ends.workers));
    // From the first sign of the end on nothing is ready any more, so that no new calls are sent here.
    workers.push(Worker { name: "health", run: Box::pin(health.run(ends.drain.clone())) });
    let http = contexts.http_routes();
    Ok(Suite { stack, http, workers, contexts, slot: channels.slot })
}

/// Reads the rules of all methods; one without a rule stops the start.
fn policy(config: &Config) -> Result<Arc<Policy>> {
    let policy = Policy::from_descriptor(rolecall_api::DESCRIPTOR_SET).context("the access rules of the methods")?;
    let is_local = config.server.listen.ip().is_loopback();
    let reflection = if is_local { ReflectionAccess::Public } else { ReflectionAccess::Authenticated };
    Ok(Arc::new(policy.with_reflection(reflection)))
}

fn standard_routes(health: &Health) -> Result<Routes> {
    let mut routes = RoutesBuilder::default();
    routes.add_service(health.service());
    rolecall_rpc::reflection::add(&mut routes, rolecall_api::DESCRIPTOR_SET).context("reflection")?;
    Ok(routes.routes())
}

/// A service is ready when its own database answers; peers do not count, or nothing could ever start first.
fn probe(service: Service, database: Database) -> Probe {
    Probe::new(wire_services(service), move || {
        let database = database.clone();
        async move { database.ping().await.is_ok() }
    })
}

/// Returns the services of the contract that belong to a service of the suite: those of its package.
fn wire_services(service: Service) -> Vec<String> {
    let package = format!("rolecall.{}.", service.name());
    let methods = Methods::from_descriptors(&[rolecall_api::DESCRIPTOR_SET], |_| None);
    let names = methods.map(|methods| methods.services().map(str::to_owned).collect::<Vec<_>>()).unwrap_or_default();
    names.into_iter().filter(|name| name.starts_with(&package)).collect()
}

/// Tells whether what the service changes is all that there is to know about it: no other process has its data.
fn is_sole_owner(config: &Config, service: Service) -> bool {
    config.server.services.contains(&service) && settings::is_sqlite(config, service)
}

/// Returns the source of signing keys that a channel to identity leads to.
fn key_source(channels: &Channels) -> Arc<follow::PeerKeys> {
    Arc::new(follow::PeerKeys(channels.of_server(Service::Identity)))
}

#[cfg(test)]
mod tests;
