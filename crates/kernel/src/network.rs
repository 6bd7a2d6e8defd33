//! Networks that callers come from: what is counted together when strangers are slowed down.

use std::net::IpAddr;

/// A network: one IPv4 address, or an IPv6 /64, since whoever has one address of that has them all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Network(u64);

impl Network {
    /// Returns the network of an address; none for loopback, which a proxy beside the server calls from.
    pub fn of(address: IpAddr) -> Option<Self> {
        let address = address.to_canonical();
        if address.is_loopback() {
            return None;
        }
        Some(Self(match address {
            // The upper bits of an address in 2001::/16 and above are never zero, so the two kinds cannot meet.
            IpAddr::V4(address) => u64::from(address.to_bits()),
            IpAddr::V6(address) => u64::try_from(address.to_bits() >> 64).unwrap_or(u64::MAX),
        }))
    }

    /// Returns the bytes by which it is told from others.
    pub const fn to_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Option<Network> {
        Network::of(text.parse().expect("an address"))
    }

    #[test]
    fn asvs_v15_3_4_addresses_of_one_customer_are_one_network_and_loopback_is_none() {
        assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:1"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_eq!(network("192.0.2.1"), network("::ffff:192.0.2.1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
        for loopback in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(network(loopback), None, "{loopback}");
        }
    }
}
