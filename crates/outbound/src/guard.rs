//! Which addresses may be spoken to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use url::{Host, Url};

/// Why an address is not spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not `https`, nor `http` to loopback where that is open.
    #[error("must start with https://")]
    Scheme,
    /// It names a user or a password.
    #[error("must not name a user")]
    User,
    /// It has a fragment.
    #[error("must not have a fragment")]
    Fragment,
    /// A port that no web server of the public network listens on.
    #[error("must have no other port than 443 or 8443")]
    Port,
    /// It leads into a network that is not public.
    #[error("leads into a network that is not open; the operator may add it to outbound.allowed_networks")]
    Network,
}

/// Where a request goes, before its name is looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) host: Host<String>,
    pub(crate) port: u16,
    pub(crate) is_tls: bool,
}

/// IPv4 networks that are not globally reachable (IANA special-purpose registry), or not for unicast.
const CLOSED_V4: [(Ipv4Addr, u8); 16] = [
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 31, 196, 0), 24),
    (Ipv4Addr::new(192, 52, 193, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 3),
];

/// The IPv6 network of global unicast; all else is closed.
const GLOBAL_V6: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Parts of it that are not globally reachable, or carry an IPv4 address (Teredo, 6to4).
const CLOSED_V6: [(Ipv6Addr, u8); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0x0db8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// The form of an address that decides: IPv4 inside IPv6 is IPv4.
fn plain(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

/// Tells whether anybody in the public network can reach the address.
pub fn is_public(address: IpAddr) -> bool {
    match plain(address) {
        IpAddr::V4(address) => !CLOSED_V4.iter().any(|(base, length)| v4(*base, *length).contains(&address)),
        IpAddr::V6(address) => {
            let is_closed = CLOSED_V6.iter().any(|(base, length)| v6(*base, *length).contains(&address));
            v6(GLOBAL_V6.0, GLOBAL_V6.1).contains(&address) && !is_closed
        }
    }
}

fn v4(base: Ipv4Addr, length: u8) -> Ipv4Net {
    Ipv4Net::new(base, length).unwrap_or_default()
}

fn v6(base: Ipv6Addr, length: u8) -> Ipv6Net {
    Ipv6Net::new(base, length).unwrap_or_default()
}

/// Tells whether the operator opened the network of the address.
pub fn is_allowed(address: IpAddr, allowed: &[IpNet]) -> bool {
    allowed.iter().any(|network| network.contains(&plain(address)))
}

/// Looks at what can be seen before the name is looked up.
pub fn check(url: &Url, allowed: &[IpNet]) -> Result<(), Refusal> {
    target(url, allowed).map(|_| ())
}

/// Looks at what can be seen before the name is looked up, and tells where the request goes.
pub(crate) fn target(url: &Url, allowed: &[IpNet]) -> Result<Target, Refusal> {
    let host = url.host().map(|host| host.to_owned()).ok_or(Refusal::Scheme)?;
    let is_tls = url.scheme() == "https";
    // Without TLS only where the operator opened loopback: a provider on this very machine, for development.
    let is_tolerated = || url.scheme() == "http" && is_open_loopback(&host, allowed);
    if !(is_tls || is_tolerated()) {
        return Err(Refusal::Scheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Refusal::User);
    }
    if url.fragment().is_some() {
        return Err(Refusal::Fragment);
    }
    let port = url.port_or_known_default().ok_or(Refusal::Port)?;
    if let Some(address) = literal(&host) {
        permit(SocketAddr::new(address, port), allowed)?;
    }
    Ok(Target { host, port, is_tls })
}

/// The address that a host is written as.
pub(crate) fn literal(host: &Host<String>) -> Option<IpAddr> {
    match host {
        Host::Ipv4(address) => Some((*address).into()),
        Host::Ipv6(address) => Some((*address).into()),
        Host::Domain(_) => None,
    }
}

fn is_open_loopback(host: &Host<String>, allowed: &[IpNet]) -> bool {
    let is_named = matches!(host, Host::Domain(name) if name == "localhost");
    let address = literal(host).or_else(|| is_named.then_some(Ipv4Addr::LOCALHOST.into()));
    address.is_some_and(|address| plain(address).is_loopback() && is_allowed(address, allowed))
}

/// Refuses an address that is neither public nor opened by the operator.
pub fn permit(address: SocketAddr, allowed: &[IpNet]) -> Result<(), Refusal> {
    if is_allowed(address.ip(), allowed) {
        return Ok(());
    }
    if !is_public(address.ip()) {
        return Err(Refusal::Network);
    }
    if matches!(address.port(), 443 | 8443) { Ok(()) } else { Err(Refusal::Port) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(url: &str) -> Result<(), Refusal> {
        check(&Url::parse(url).unwrap(), &[])
    }

    /// ASVS: V1.3.6
    #[test]
    fn attack_t27_no_spelling_of_a_closed_address_is_spoken_to() {
        for host in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "0x7f.1",
            "0",
            "0.0.0.0",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.127.255.255",
            "169.254.169.254",
            "169.254.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "192.168.255.255",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "[::]",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:10.0.0.1]",
            "[::ffff:169.254.169.254]",
            "[::127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[64:ff9b:1::a00:1]",
            "[100::1]",
            "[2001::1]",
            "[2001:2::1]",
            "[2001:db8::1]",
            "[2002:7f00:1::]",
            "[2002:a00:1::1]",
            "[3fff::1]",
            "[5f00::1]",
            "[fc00::1]",
            "[fd12::1]",
            "[fe80::1]",
            "[fec0::1]",
            "[ff02::1]",
            "１２７.０.０.１",
            "127。0。0。1",
        ] {
            assert_eq!(judge(&format!("https://{host}/")), Err(Refusal::Network), "{host}");
        }
    }

    /// ASVS: T27, V1.2.2
    #[test]
    fn asvs_v1_3_6_only_https_without_a_user_on_the_ports_of_the_web_is_spoken_to() {
        for (url, refusal) in [
            ("http://idp.example.org/", Refusal::Scheme),
            ("ftp://idp.example.org/", Refusal::Scheme),
            ("gopher://idp.example.org/", Refusal::Scheme),
            ("file:///etc/passwd", Refusal::Scheme),
            ("http://127.0.0.1/", Refusal::Scheme),
            ("https://user@idp.example.org/", Refusal::User),
            ("https://user:password@idp.example.org/", Refusal::User),
            ("https://:password@idp.example.org/", Refusal::User),
            ("https://idp.example.org/#fragment", Refusal::Fragment),
            ("https://1.1.1.1:22/", Refusal::Port),
            ("https://1.1.1.1:25/", Refusal::Port),
        ] {
            assert_eq!(judge(url), Err(refusal), "{url}");
        }
        for url in ["https://idp.example.org/", "https://1.1.1.1/", "https://1.1.1.1:8443/", "https://[2606:4700::1]/"]
        {
            assert_eq!(judge(url), Ok(()), "{url}");
        }
    }

    #[test]
    fn the_operator_opens_networks_and_loopback_without_tls() {
        let open: Vec<IpNet> = vec!["127.0.0.0/8".parse().unwrap(), "10.1.0.0/16".parse().unwrap()];
        let judge = |url: &str| check(&Url::parse(url).unwrap(), &open);
        for url in
            ["http://127.0.0.1:4000/", "http://localhost:4000/", "https://10.1.2.3:9000/", "https://[::ffff:10.1.2.3]/"]
        {
            assert_eq!(judge(url), Ok(()), "{url}");
        }
        assert_eq!(judge("http://10.1.2.3/"), Err(Refusal::Scheme), "plaintext stays on this machine");
        assert_eq!(judge("https://10.2.0.1/"), Err(Refusal::Network));
        assert_eq!(judge("http://[::1]:4000/"), Err(Refusal::Scheme), "only what was opened");
    }
}
