//! How many connections there are, in all and from each network.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use rolecall_kernel::network::Network;

use super::config::ListenerConfig;

/// Counts connections.
#[derive(Clone, Debug)]
pub(super) struct Peers(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    max: usize,
    max_per_network: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    all: usize,
    networks: HashMap<Network, usize>,
}

/// The place of one connection; free again when dropped.
#[derive(Debug)]
pub(super) struct Place {
    peers: Peers,
    network: Option<Network>,
}

impl Peers {
    pub(super) fn new(config: &ListenerConfig) -> Self {
        let (max, max_per_network) = (config.max_connections, config.max_connections_per_network);
        Self(Arc::new(Inner { max, max_per_network, open: Mutex::default() }))
    }

    /// Gives a place, unless there are too many connections.
    pub(super) fn admit(&self, peer: IpAddr) -> Option<Place> {
        // None for loopback, since a proxy beside the server comes from there.
        let network = Network::of(peer);
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.all >= self.0.max {
            return None;
        }
        if let Some(network) = network {
            let from_it = open.networks.entry(network).or_default();
            if *from_it >= self.0.max_per_network {
                return None;
            }
            *from_it += 1;
        }
        open.all += 1;
        Some(Place { peers: self.clone(), network })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.peers.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.all -= 1;
        let Some(network) = self.network else { return };
        if let Some(from_it) = open.networks.get_mut(&network) {
            *from_it -= 1;
            if *from_it == 0 {
                open.networks.remove(&network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peers(max: usize, max_per_network: usize) -> Peers {
        Peers::new(&ListenerConfig {
            max_connections: max,
            max_connections_per_network: max_per_network,
            ..Default::default()
        })
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn attack_t38_one_network_cannot_take_every_place() {
        let peers = peers(100, 2);
        let kept: Vec<_> =
            ["2001:db8::1", "2001:db8::2"].map(|peer| peers.admit(ip(peer))).into_iter().flatten().collect();
        assert_eq!(kept.len(), 2);
        assert!(peers.admit(ip("2001:db8::ffff")).is_none());
        assert!(peers.admit(ip("2001:db8:0:1::1")).is_some());
        drop(kept);
        assert!(peers.admit(ip("2001:db8::ffff")).is_some());
        assert!(peers.0.open.lock().expect("not poisoned").networks.is_empty());
    }

    #[test]
    fn mapped_addresses_count_as_what_they_map_and_loopback_only_as_one_of_all() {
        let peers = peers(3, 1);
        let first = peers.admit(ip("192.0.2.1"));
        assert!(first.is_some() && peers.admit(ip("::ffff:192.0.2.1")).is_none());
        let local = [ip("127.0.0.1"), ip("::1")].map(|peer| peers.admit(peer));
        assert!(local.iter().all(Option::is_some));
        assert!(peers.admit(ip("127.0.0.1")).is_none(), "three are all");
    }
}
