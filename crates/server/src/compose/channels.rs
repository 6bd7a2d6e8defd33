//! The ways between the services, each with a credential of its own; callers cannot tell local from remote.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Result;
use rolecall_authz::ServiceTokens;
use rolecall_kernel::time::Clock;
use rolecall_rpc::channel::{Channel, LocalSlot};

use super::Surroundings;
use crate::config::Service;
use crate::config::schema::Config;
use crate::settings;

/// The ways to all services.
pub(crate) struct Channels {
    ways: BTreeMap<Service, Channel>,
    /// In whose name this process itself asks.
    own_name: &'static str,
    tokens: ServiceTokens,
    clock: Arc<dyn Clock>,
    /// Where the stack is put once it exists.
    pub(crate) slot: LocalSlot,
}

impl Channels {
    /// Makes the ways: into this process for what it hosts, else to the address of the peer.
    pub(crate) fn new(config: &Config, surroundings: &Surroundings) -> Result<Self> {
        let (local, slot) = Channel::local();
        let mut ways = BTreeMap::new();
        for service in Service::ALL {
            let address = settings::peer_address(config, *service);
            let way = match address {
                _ if config.server.services.contains(service) => local.clone(),
                Some(address) => Channel::remote(&settings::peer(config, address))?,
                None => anyhow::bail!("peers.{} must be given", service.name()),
            };
            ways.insert(*service, way);
        }
        let own_name = config.server.services.first().map_or("identity", |service| service.name());
        let tokens = ServiceTokens::new(&surroundings.master_key);
        Ok(Self { ways, own_name, tokens, clock: Arc::clone(&surroundings.clock), slot })
    }

    /// Returns the way from one service to another.
    pub(crate) fn between(&self, from: Service, to: Service) -> Channel {
        self.authenticated(from.name(), to)
    }

    /// Returns the way from what belongs to no single service, such as the access cache.
    pub(crate) fn of_server(&self, to: Service) -> Channel {
        self.authenticated(self.own_name, to)
    }

    /// Returns the key that verifies the tokens of services.
    pub(crate) const fn tokens(&self) -> &ServiceTokens {
        &self.tokens
    }

    fn authenticated(&self, from: &'static str, to: Service) -> Channel {
        let way = self.ways[&to].clone();
        way.authenticated(self.tokens.clone(), from, to.name(), Arc::clone(&self.clock))
    }
}
