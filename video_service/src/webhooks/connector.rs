//! How connections to webhooks are made: to addresses that were checked, and to no other.
//!
//! A name is resolved here, what it resolves to is checked, and the checked addresses are what is connected to. So there is
//! no moment between check and connection in which the name could come to mean another address (DNS rebinding).
//! `actix_tls`'s own hook for resolvers would not do: addresses that are written out never get there.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};

use actix_tls::connect::tcp::TcpConnector;
use actix_tls::connect::{ConnectError, ConnectInfo, Connection};
use actix_web::dev::{Service, always_ready};
use actix_web::rt::net::TcpStream;
use awc::http::Uri;
use futures_util::future::LocalBoxFuture;

use super::address::AddressRule;

/// Makes connections for an [`awc::Connector`].
#[derive(Clone, Debug)]
pub(super) struct CheckedConnector {
    rule: AddressRule,
}

/// None of the addresses of a host is one that webhooks may lead to.
#[derive(Debug, thiserror::Error)]
#[error("the host has no address that is allowed")]
pub(super) struct NotAllowed;

impl CheckedConnector {
    pub(super) fn new(rule: AddressRule) -> Self {
        Self { rule }
    }

    /// The addresses behind `host` that may be connected to.
    async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Box<dyn Error>> {
        // IPv6 addresses stand in brackets in a URL.
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let found: Vec<_> = match host.parse::<IpAddr>() {
            Ok(address) => vec![SocketAddr::new(address, port)],
            Err(_) => tokio::net::lookup_host((host, port)).await?.collect(),
        };
        let permitted: Vec<_> = found.into_iter().filter(|address| self.rule.permits(address.ip())).collect();
        if permitted.is_empty() { Err(NotAllowed.into()) } else { Ok(permitted) }
    }
}

impl Service<ConnectInfo<Uri>> for CheckedConnector {
    type Response = Connection<Uri, TcpStream>;
    type Error = ConnectError;
    type Future = LocalBoxFuture<'static, Result<Self::Response, ConnectError>>;

    always_ready!();

    fn call(&self, connect: ConnectInfo<Uri>) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            let addresses =
                this.resolve(connect.hostname(), connect.port()).await.map_err(ConnectError::Resolver)?;
            TcpConnector::default().service().call(connect.set_addrs(addresses)).await
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn resolve(allowed: &str, host: &str) -> Result<Vec<SocketAddr>, Box<dyn Error>> {
        let rule = AddressRule::new(allowed.to_owned().try_into().unwrap());
        CheckedConnector::new(rule).resolve(host, 80).await
    }

    #[actix_web::test]
    async fn names_and_spellings_of_this_machine_lead_nowhere() {
        for host in
            ["localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0177.0.0.1", "127.1"]
        {
            let error = resolve("", host).await.unwrap_err();
            assert!(error.is::<NotAllowed>(), "{host}: {error}");
        }
    }

    #[actix_web::test]
    async fn of_a_name_only_addresses_that_are_allowed_are_connected_to() {
        let found = resolve("127.0.0.0/8", "localhost").await.unwrap();
        assert_eq!(found, ["127.0.0.1:80".parse().unwrap()]);
        assert_eq!(resolve("", "8.8.8.8").await.unwrap(), ["8.8.8.8:80".parse().unwrap()]);
    }
}
