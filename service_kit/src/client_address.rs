//! From which address a request comes, behind proxies or without them.

use std::convert::Infallible;
use std::fmt;
use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use actix_web::dev::Payload;
use actix_web::http::header::X_FORWARDED_FOR;
use actix_web::{FromRequest, HttpRequest};
use serde::Deserialize;

use crate::networks::Networks;

/// The networks whose word about a client's address is taken. None by default: anybody can write a header.
///
/// Only `X-Forwarded-For` is read, for a proxy overwrites or extends the one header it knows and passes on any other as
/// its client wrote it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct TrustedProxies(Networks);

impl TrustedProxies {
    /// The address nearest to us that is none of our proxies': what lies beyond it may be invented.
    fn client(&self, peer: IpAddr, forwarded: &str) -> IpAddr {
        let mut client = peer.to_canonical();
        for hop in forwarded.rsplit(',') {
            if !self.0.contain(client) {
                break;
            }
            let Some(address) = parse(hop.trim()) else { break };
            client = address;
        }
        client
    }
}

/// The address of whoever sent a request. An application that has [`TrustedProxies`] in its data asks them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    /// What one subscriber has: an IPv4 address, or the /64 of an IPv6 address (RFC 6177 §2), for whoever has one
    /// address of it has all of them. This is what limits should count.
    #[must_use]
    pub fn subscriber(self) -> IpAddr {
        match self.0 {
            IpAddr::V4(_) => self.0,
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        }
    }
}

impl fmt::Display for ClientAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl FromRequest for ClientAddress {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(of(request)))
    }
}

fn of(request: &HttpRequest) -> ClientAddress {
    // Without a peer there is no network: tests, and sockets of the machine itself.
    let peer = request.peer_addr().map_or(Ipv4Addr::UNSPECIFIED.into(), |peer| peer.ip());
    let Some(proxies) = request.app_data::<TrustedProxies>() else {
        return ClientAddress(peer.to_canonical());
    };
    let lines: Vec<_> =
        request.headers().get_all(X_FORWARDED_FOR).map(|line| line.to_str().unwrap_or_default()).collect();
    ClientAddress(proxies.client(peer, &lines.join(",")))
}

/// An address as proxies write it: some add the port.
fn parse(hop: &str) -> Option<IpAddr> {
    let address = hop.parse::<IpAddr>().or_else(|_| hop.parse::<std::net::SocketAddr>().map(|hop| hop.ip()));
    Some(address.ok()?.to_canonical())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn client(proxies: &str, peer: &str, forwarded: &[&str]) -> String {
        let mut request = TestRequest::default()
            .peer_addr(format!("{peer}:4711").parse().unwrap())
            .app_data(TrustedProxies(proxies.to_owned().try_into().unwrap()));
        for line in forwarded {
            request = request.append_header((X_FORWARDED_FOR, *line));
        }
        of(&request.to_http_request()).to_string()
    }

    #[test]
    fn without_trusted_proxies_the_header_says_nothing() {
        assert_eq!(client("", "203.0.113.7", &["198.51.100.1"]), "203.0.113.7");
        assert_eq!(client("10.0.0.0/8", "203.0.113.7", &["198.51.100.1"]), "203.0.113.7");
    }

    #[test]
    fn a_trusted_proxy_is_believed_about_its_own_client_only() {
        assert_eq!(client("10.0.0.0/8", "10.0.0.2", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(client("10.0.0.0/8", "10.0.0.2", &["6.6.6.6, 198.51.100.1"]), "198.51.100.1");
        assert_eq!(client("10.0.0.0/8", "10.0.0.2", &["6.6.6.6", "198.51.100.1, 10.0.0.3"]), "198.51.100.1");
        assert_eq!(client("::1", "[::1]", &["198.51.100.1:8080"]), "198.51.100.1");
    }

    #[test]
    fn what_is_no_address_ends_the_search_at_the_proxy_that_passed_it_on() {
        for forwarded in [&["unknown"][..], &["", ""], &[], &["198.51.100.1, <script>"]] {
            assert_eq!(client("10.0.0.0/8", "10.0.0.2", forwarded), "10.0.0.2");
        }
    }

    #[test]
    fn an_ipv4_address_is_one_however_it_is_written() {
        assert_eq!(client("10.0.0.0/8", "[::ffff:10.0.0.2]", &["::ffff:198.51.100.1"]), "198.51.100.1");
    }

    #[test]
    fn neighbours_in_one_network_of_a_subscriber_count_as_one() {
        let subscriber = |text: &str| ClientAddress(text.parse().unwrap()).subscriber();
        assert_eq!(subscriber("2001:db8:1:2:3:4:5:6"), subscriber("2001:db8:1:2:ffff::1"));
        assert_ne!(subscriber("2001:db8:1:2::1"), subscriber("2001:db8:1:3::1"));
        assert_ne!(subscriber("198.51.100.1"), subscriber("198.51.100.2"));
    }
}
