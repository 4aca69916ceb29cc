//! Which addresses webhooks may lead to: the public internet, and what the operator allows besides.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};
use service_kit::networks::Networks;

/// What is not public in IPv4 (the IANA special-purpose registry, multicast, and what clouds answer on).
const NOT_PUBLIC_V4: [Ipv4Net; 17] = [
    v4([0, 0, 0, 0], 8),        // this network, unspecified
    v4([10, 0, 0, 0], 8),       // private
    v4([100, 64, 0, 0], 10),    // carrier-grade NAT; metadata of Alibaba Cloud
    v4([127, 0, 0, 0], 8),      // loopback
    v4([168, 63, 129, 16], 32), // the host's agent of Azure, in public space
    v4([169, 254, 0, 0], 16),   // link-local; metadata of most clouds
    v4([172, 16, 0, 0], 12),    // private
    v4([192, 0, 0, 0], 24),     // protocol assignments; metadata of Oracle Cloud
    v4([192, 0, 2, 0], 24),     // documentation
    v4([192, 31, 196, 0], 24),  // AS112
    v4([192, 88, 99, 0], 24),   // relays of 6to4
    v4([192, 168, 0, 0], 16),   // private
    v4([198, 18, 0, 0], 15),    // benchmarks
    v4([198, 51, 100, 0], 24),  // documentation
    v4([203, 0, 113, 0], 24),   // documentation
    v4([224, 0, 0, 0], 4),      // multicast
    v4([240, 0, 0, 0], 4),      // reserved, broadcast
];

/// Global unicast: all else in IPv6 is not public, as loopback, link-local, unique local and multicast.
const GLOBAL_V6: Ipv6Net = v6([0x2000, 0], 3);

/// What is not public within it.
const NOT_PUBLIC_V6: [Ipv6Net; 4] = [
    v6([0x2001, 0], 23),     // protocol assignments, with Teredo, which carries IPv4
    v6([0x2001, 0xdb8], 32), // documentation
    v6([0x2002, 0], 16),     // 6to4, which carries IPv4
    v6([0x3fff, 0], 20),     // documentation
];

/// NAT64 (RFC 6052 §2.1): the last 32 bits are the IPv4 address that is really meant.
const NAT64: Ipv6Net = v6([0x64, 0xff9b], 96);

/// Decides on addresses.
#[derive(Clone, Debug)]
pub(crate) struct AddressRule {
    allowed: Networks,
}

impl AddressRule {
    /// Public addresses, and those in `allowed`.
    pub(crate) fn new(allowed: Networks) -> Self {
        Self { allowed }
    }

    pub(crate) fn permits(&self, address: IpAddr) -> bool {
        let address = meant(address);
        is_public(address) || self.allowed.contain(address)
    }
}

/// The address behind those that only wrap an IPv4 address.
fn meant(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) if NAT64.contains(&v6) => {
            let [.., a, b, c, d] = v6.octets();
            Ipv4Addr::new(a, b, c, d).into()
        }
        canonical => canonical,
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !NOT_PUBLIC_V4.iter().any(|network| network.contains(&address)),
        IpAddr::V6(address) => {
            GLOBAL_V6.contains(&address) && !NOT_PUBLIC_V6.iter().any(|network| network.contains(&address))
        }
    }
}

const fn v4(octets: [u8; 4], prefix: u8) -> Ipv4Net {
    let [a, b, c, d] = octets;
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(start: [u16; 2], prefix: u8) -> Ipv6Net {
    let [a, b] = start;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0), prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permits(allowed: &str, address: &str) -> bool {
        AddressRule::new(allowed.to_owned().try_into().unwrap()).permits(address.parse().unwrap())
    }

    #[test]
    fn public_addresses_are_permitted() {
        for address in ["8.8.8.8", "1.1.1.1", "100.128.0.1", "172.32.0.1", "2606:4700::1111", "2a00::1"] {
            assert!(permits("", address), "{address}");
        }
    }

    #[test]
    fn addresses_that_only_wrap_a_public_one_are_permitted() {
        for address in ["::ffff:8.8.8.8", "64:ff9b::8.8.8.8"] {
            assert!(permits("", address), "{address}");
        }
    }

    #[test]
    fn whatever_is_not_public_is_refused_in_every_form() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.255.255.254",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
        ] {
            for form in [address.to_owned(), format!("::ffff:{address}"), format!("64:ff9b::{address}")] {
                assert!(!permits("", &form), "{form}");
            }
        }
        for address in [
            "::",
            "::1",
            "::127.0.0.1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:808:808::1",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!permits("", address), "{address}");
        }
    }

    #[test]
    fn the_operator_may_allow_networks() {
        assert!(permits("127.0.0.0/8", "127.0.0.1"));
        assert!(permits("127.0.0.0/8", "::ffff:127.0.0.1"));
        assert!(!permits("127.0.0.0/8", "10.0.0.1"));
        assert!(permits("fd00::/8", "fd00::1"));
    }
}
