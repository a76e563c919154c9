//! Names to addresses, public ones only.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Resolves names and hands on only addresses that are reachable over the public internet. As it
/// is the resolver of the connection itself, there is no moment between check and use.
#[derive(Debug, Clone)]
pub(super) struct PublicResolver {
    pub(super) loopback: bool,
    /// The configured proxy may lie in a private network.
    pub(super) proxy: Option<String>,
}

/// A name led to an address that is not public.
#[derive(Debug)]
pub(super) struct NotPublic;

impl std::fmt::Display for NotPublic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the host's name leads to an address that is not public")
    }
}

impl std::error::Error for NotPublic {}

impl Resolve for PublicResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let rules = self.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let found = rules.admit(name.as_str(), found.collect())?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

impl PublicResolver {
    /// One private address among the answers refuses them all: an honest name has none.
    pub(super) fn admit(
        &self,
        name: &str,
        found: Vec<SocketAddr>,
    ) -> Result<Vec<SocketAddr>, NotPublic> {
        let local = self.loopback && name == "localhost";
        let exempt = self.proxy.as_deref() == Some(name);
        let fits = |address: &SocketAddr| {
            exempt || is_public(address.ip()) || (local && address.ip().is_loopback())
        };
        if found.iter().all(fits) {
            Ok(found)
        } else {
            Err(NotPublic)
        }
    }
}

/// Global unicast, by the IANA special-purpose registries.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => {
            match v6.segments() {
                // NAT64 and 6to4: as public as the address inside.
                [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
                    is_public_v4(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)))
                }
                // Teredo, benchmarking, ORCHID, documentation: 2001::/23, 2001:db8::/32, 3fff::/20.
                [0x2001, second, ..] => second >= 0x200 && second != 0xdb8,
                [0x3fff, second, ..] => second >= 0x1000,
                // Only 2000::/3 is given out; mapped, ULA, link-local, multicast lie outside.
                [first, ..] => first & 0xe000 == 0x2000,
            }
        }
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !matches!(
        address.octets(),
        [0 | 10 | 127 | 224..=255, ..]
            | [100, 64..=127, ..]
            | [169, 254, ..]
            | [172, 16..=31, ..]
            | [192, 168, ..]
            | [192, 0, 0 | 2, _]
            | [192, 88, 99, _]
            | [198, 18 | 19, ..]
            | [198, 51, 100, _]
            | [203, 0, 113, _]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_not_connected_to() {
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:8.8.8.8",
            "::ffff:10.0.0.1",
            "::7f00:1",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "2002:a00:1::",
            "64:ff9b::a00:1",
            "64:ff9b:1::808:808",
            "3fff::1",
        ] {
            assert!(!is_public(address.parse().expect(address)), "{address}");
        }
        for address in [
            "8.8.8.8",
            "172.32.0.1",
            "100.128.0.1",
            "192.0.1.1",
            "2607:f8b0::1",
            "64:ff9b::808:808",
            "2001:4860::1",
        ] {
            assert!(is_public(address.parse().expect(address)), "{address}");
        }
    }

    #[test]
    fn a_name_with_one_private_address_is_refused() {
        let resolver = |loopback, proxy: Option<&str>| PublicResolver {
            loopback,
            proxy: proxy.map(Into::into),
        };
        let to = |ips: &[&str]| -> Vec<SocketAddr> {
            ips.iter()
                .map(|ip| SocketAddr::new(ip.parse().expect(ip), 0))
                .collect()
        };
        let strict = resolver(false, None);
        assert!(strict.admit("a.b", to(&["8.8.8.8"])).is_ok());
        assert!(strict.admit("a.b", to(&["8.8.8.8", "10.0.0.1"])).is_err());
        assert!(strict.admit("localhost", to(&["127.0.0.1"])).is_err());
        assert!(
            resolver(true, None)
                .admit("localhost", to(&["127.0.0.1", "::1"]))
                .is_ok()
        );
        assert!(
            resolver(true, None)
                .admit("a.b", to(&["127.0.0.1"]))
                .is_err()
        );
        assert!(
            resolver(false, Some("proxy"))
                .admit("proxy", to(&["10.0.0.1"]))
                .is_ok()
        );
        assert!(
            resolver(false, Some("proxy"))
                .admit("a.b", to(&["10.0.0.1"]))
                .is_err()
        );
    }
}
