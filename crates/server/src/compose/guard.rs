//! Who calls, and what may they: keys, revocations and access, and the streams that keep them fresh.

use std::sync::Arc;

use rolecall_authz::{
    AccessCache, AccessCacheConfig, AccessSource, Authorizer, Freshness, KeySet, Policy, Revocations, Verifier,
    VerifierConfig,
};
use rolecall_db::Database;
use rolecall_organization::LocalAccess;
use tokio_util::sync::CancellationToken;

use super::channels::Channels;
use super::{Surroundings, Worker, is_sole_owner, key_source};
use crate::config::Service;
use crate::config::schema::Config;
use crate::follow::{self, PeerAccess, PeerKeys, PeerSessions};

/// What the contexts tell of their changes, and the stack asks.
pub(crate) struct Guard {
    pub(crate) keys: Arc<KeySet>,
    pub(crate) revocations: Revocations,
    pub(crate) access: AccessCache,
    keys_from: Arc<PeerKeys>,
    verifier: Arc<Verifier>,
}

impl Guard {
    /// Makes the parts, all empty: they ask when they are asked.
    pub(crate) fn new(
        config: &Config,
        databases: &[(Service, Database)],
        channels: &Channels,
        surroundings: &Surroundings,
    ) -> Self {
        let keys_from = key_source(channels);
        let keys = Arc::new(KeySet::from_source(Arc::clone(&keys_from) as _));
        let clock = || Arc::clone(&surroundings.clock);
        let own = databases.iter().find(|(service, _)| *service == Service::Organization);
        let source: Arc<dyn AccessSource> = match own {
            Some((_, database)) => Arc::new(LocalAccess::new(database.clone(), clock())),
            None => Arc::new(PeerAccess(channels.of_server(Service::Organization))),
        };
        let issuer = config.identity.issuer.clone();
        let accepted = VerifierConfig { audience: config.identity.audience.clone(), ..VerifierConfig::new(issuer) };
        let sessions = Arc::new(PeerSessions(channels.of_server(Service::Identity)));
        Self {
            // Kept in memory alone, so after a start nothing is believed before the feed was read once.
            revocations: Revocations::new(clock(), Freshness::Stream, Some(sessions)),
            access: AccessCache::new(source, AccessCacheConfig::new(freshness(config, Service::Organization))),
            verifier: Arc::new(Verifier::new(Arc::clone(&keys), channels.tokens(), clock(), accepted)),
            keys,
            keys_from,
        }
    }

    /// Returns what decides about each call.
    pub(crate) fn authorizer(&self, config: &Config, policy: Arc<Policy>) -> Authorizer {
        let hosted = config.server.services.iter().map(|service| service.name());
        let (verifier, revocations, access) =
            (Arc::clone(&self.verifier), self.revocations.clone(), self.access.clone());
        Authorizer::new(policy, verifier, revocations, access, hosted)
    }

    /// Returns the streams that have to be followed: those of the contexts that other processes host. A hosted context
    /// follows its own tables.
    pub(crate) fn workers(
        &self,
        config: &Config,
        channels: &Channels,
        surroundings: &Surroundings,
        shutdown: &CancellationToken,
    ) -> Vec<Worker> {
        let entropy = || Arc::clone(&surroundings.entropy);
        let mut workers = Vec::new();
        if !config.server.services.contains(&Service::Organization) {
            let channel = channels.of_server(Service::Organization);
            let run = follow::follow_access(channel, self.access.clone(), entropy(), shutdown.clone());
            workers.push(Worker { name: "follow.access", run: Box::pin(run) });
        }
        if !config.server.services.contains(&Service::Identity) {
            let channel = channels.of_server(Service::Identity);
            let (revocations, keys) = (self.revocations.clone(), Arc::clone(&self.keys));
            let run = follow::follow_revocations(channel, revocations, keys, entropy(), shutdown.clone());
            workers.push(Worker { name: "follow.revocations", run: Box::pin(run) });
            let run = follow::follow_keys(Arc::clone(&self.keys_from), Arc::clone(&self.keys), shutdown.clone());
            workers.push(Worker { name: "follow.keys", run: Box::pin(run) });
        }
        workers
    }
}

/// With several replicas, or elsewhere, changes arrive by stream; those of this process are told directly as well.
fn freshness(config: &Config, service: Service) -> Freshness {
    if is_sole_owner(config, service) { Freshness::InProcess } else { Freshness::Stream }
}
