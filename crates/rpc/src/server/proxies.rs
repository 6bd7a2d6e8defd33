//! Whom to believe where a call comes from.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use ipnet::IpNet;
use rolecall_kernel::network::Network;

/// What a proxy appends the address of its client to.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The proxies whose word on their clients is believed.
#[derive(Debug, Clone, Default)]
pub(super) struct Proxies(Vec<IpNet>);

impl Proxies {
    /// Reads addresses and networks; those that are none were refused when the port was taken.
    pub(super) fn new(networks: &[String]) -> Self {
        Self(networks.iter().filter_map(|text| parse(text)).collect())
    }

    /// Returns the network of whoever called first, as far as that is known.
    pub(super) fn network(&self, peer: IpAddr, headers: &HeaderMap) -> Option<Network> {
        Network::of(self.origin(peer, headers))
    }

    /// Each proxy appends whom it was called by, so the list is read from its end, and only as far as proxies that are
    /// trusted wrote it: what stands before may be made up.
    fn origin(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut origin = peer.to_canonical();
        let lists: Vec<_> = headers.get_all(FORWARDED_FOR).iter().filter_map(|list| list.to_str().ok()).collect();
        let mut named = lists.iter().rev().flat_map(|list| list.rsplit(','));
        while self.trusts(origin) {
            let Some(before) = named.next().and_then(address) else { break };
            origin = before;
        }
        origin
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// Reads a network such as `10.0.0.0/8`, or a single address.
pub(super) fn parse(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// Reads an address as proxies write it: bare, in brackets, or with a port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let parsed = bare.parse().or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()));
    parsed.ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn origin(peer: &str, lists: &[&str]) -> IpAddr {
        let proxies = Proxies::new(&["10.0.0.0/8".to_owned(), "2001:db8:ffff::1".to_owned(), "nonsense".to_owned()]);
        let mut headers = HeaderMap::new();
        for list in lists {
            headers.append(FORWARDED_FOR, list.parse().expect("a value"));
        }
        proxies.origin(ip(peer), &headers)
    }

    /// ASVS: V15.3.4
    #[test]
    fn asvs_v4_1_3_only_trusted_proxies_say_where_a_call_comes_from() {
        assert_eq!(origin("192.0.2.9", &["198.51.100.1"]), ip("192.0.2.9"), "a stranger may write anything");
        assert_eq!(origin("10.0.0.1", &["198.51.100.1"]), ip("198.51.100.1"));
        assert_eq!(origin("2001:db8:ffff::1", &["198.51.100.1"]), ip("198.51.100.1"));
        assert_eq!(origin("10.0.0.1", &["203.0.113.7, 198.51.100.1"]), ip("198.51.100.1"), "the last one is seen");
        assert_eq!(origin("10.0.0.1", &["203.0.113.7", "198.51.100.1, 10.2.2.2"]), ip("198.51.100.1"));
        assert_eq!(origin("::ffff:10.0.0.1", &["198.51.100.1:4711"]), ip("198.51.100.1"));
        assert_eq!(origin("10.0.0.1", &["[2001:db8::7]:4711"]), ip("2001:db8::7"));
        assert_eq!(origin("10.0.0.1", &["[2001:db8::7]"]), ip("2001:db8::7"));
    }

    /// ASVS: V4.1.3
    #[test]
    fn asvs_v15_3_4_a_list_that_cannot_be_read_counts_for_the_proxy_that_passed_it_on() {
        for list in ["", "unknown", "198.51.100.1, _hidden", ","] {
            assert_eq!(origin("10.0.0.1", &[list]), ip("10.0.0.1"), "{list}");
        }
        assert_eq!(origin("10.0.0.1", &["10.0.0.2, 10.0.0.3"]), ip("10.0.0.2"), "all are proxies");
    }
}
