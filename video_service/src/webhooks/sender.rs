//! One attempt: a message on its way to its receiver.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use awc::error::{ConnectError, SendRequestError};
use entity::video_db::webhook_delivery;
use rustls::{ClientConfig, RootCertStore};
use service_kit::client::IDLE_CONNECTION;

use super::address::AddressRule;
use super::connector::{CheckedConnector, NotAllowed};

/// How much of an answer is read, in bytes: only its status counts, and a receiver may finish a short text in peace.
const MAX_ANSWER: usize = 4096;
/// How long it is read.
const REST_OF_ANSWER: Duration = Duration::from_secs(1);

/// Sends messages. One per thread, as `awc` wants.
pub(super) struct Sender {
    client: awc::Client,
    timeout: Duration,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    #[error("address_not_allowed")]
    AddressNotAllowed,
    #[error("name_not_resolved")]
    NameNotResolved,
    #[error("connection_failed")]
    ConnectionFailed,
    #[error("tls_failed")]
    TlsFailed,
    #[error("timeout")]
    Timeout,
    #[error("invalid_response")]
    InvalidResponse,
    /// Our fault; the log knows more.
    #[error("internal")]
    Internal,
}

impl Sender {
    /// Trusts the certificate authorities that browsers trust.
    pub(super) fn new(rule: AddressRule, timeout: Duration) -> Result<Self, rustls::Error> {
        Self::trusting(webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect(), rule, timeout)
    }

    fn trusting(
        authorities: RootCertStore,
        rule: AddressRule,
        timeout: Duration,
    ) -> Result<Self, rustls::Error> {
        let connector = awc::Connector::new()
            .connector(CheckedConnector::new(rule))
            .rustls_0_23(Arc::new(tls(authorities)?))
            .timeout(timeout)
            .handshake_timeout(timeout)
            .conn_keep_alive(IDLE_CONNECTION);
        let client = awc::Client::builder()
            .connector(connector)
            .timeout(timeout)
            // A redirect would lead to an address that nobody has checked or agreed to.
            .disable_redirects()
            .add_default_header(("user-agent", concat!("Kadr-Webhooks/", env!("CARGO_PKG_VERSION"))))
            .finish();
        Ok(Self { client, timeout })
    }

    /// What an attempt may take.
    pub(super) fn longest_attempt(&self) -> Duration {
        self.timeout + REST_OF_ANSWER
    }

    /// Sends `delivery` to `url`; the status of the answer.
    pub(super) async fn send(
        &self,
        url: &str,
        delivery: &webhook_delivery::Model,
        timestamp: i64,
        signature: String,
    ) -> Result<u16, Failure> {
        let request = self
            .client
            .post(url)
            // Kept connections would be closed by receivers at the very moment of the next message.
            .force_close()
            .no_decompress()
            .content_type("application/json")
            .insert_header(("webhook-id", delivery.id.to_string()))
            .insert_header(("webhook-timestamp", timestamp.to_string()))
            .insert_header(("webhook-signature", signature));
        // For all of it; the client's own limits are for the parts.
        let answer = tokio::time::timeout(self.timeout, request.send_body(delivery.payload.clone())).await;
        let mut response = match answer {
            Ok(answer) => answer.map_err(|error| failure(&error))?,
            Err(_) => return Err(Failure::Timeout),
        };
        // Whatever it says and however it ends.
        let _rest = tokio::time::timeout(REST_OF_ANSWER, response.body().limit(MAX_ANSWER)).await;
        Ok(response.status().as_u16())
    }
}

fn tls(authorities: RootCertStore) -> Result<ClientConfig, rustls::Error> {
    // Without ALPN the answer comes in HTTP/1.1, which every receiver speaks.
    Ok(ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(authorities)
        .with_no_client_auth())
}

fn failure(error: &SendRequestError) -> Failure {
    match error {
        SendRequestError::Connect(ConnectError::Resolver(cause)) if cause.is::<NotAllowed>() => {
            Failure::AddressNotAllowed
        }
        SendRequestError::Connect(ConnectError::Resolver(_) | ConnectError::NoRecords) => {
            Failure::NameNotResolved
        }
        SendRequestError::Connect(ConnectError::Timeout) | SendRequestError::Timeout => Failure::Timeout,
        // Rustls tells of certificates and of what is no TLS as of invalid data.
        SendRequestError::Connect(ConnectError::Io(cause)) if cause.kind() == io::ErrorKind::InvalidData => {
            Failure::TlsFailed
        }
        SendRequestError::Connect(_) | SendRequestError::Send(_) => Failure::ConnectionFailed,
        _ => Failure::InvalidResponse,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use chrono::DateTime;
    use entity::video_db::webhook_delivery::DeliveryStatus;
    use rcgen::CertifiedKey;
    use rustls::pki_types::PrivateKeyDer;
    use rustls::{ServerConfig, ServerConnection, StreamOwned};
    use uuid::Uuid;

    use super::*;

    const PATIENCE: Duration = Duration::from_mins(1);

    /// A server that answers one request over TLS, its address, and the authority that vouches for `name`.
    fn tls_server(name: &str) -> (String, RootCertStore) {
        let CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let mut authorities = RootCertStore::empty();
        authorities.add(cert.der().clone()).unwrap();
        let key = PrivateKeyDer::Pkcs8(signing_key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
        std::thread::spawn(move || {
            let (connection, _) = listener.accept().unwrap();
            let tls = ServerConnection::new(Arc::new(config)).unwrap();
            let mut stream = StreamOwned::new(tls, connection);
            let mut request = [0; 4096];
            // A client that does not trust the certificate hangs up here.
            if stream.read(&mut request).is_ok() {
                stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
            }
        });
        (url, authorities)
    }

    async fn send(url: &str, authorities: RootCertStore) -> Result<u16, Failure> {
        let delivery = webhook_delivery::Model {
            id: Uuid::nil(),
            webhook_id: Uuid::nil(),
            event_type: "video.ready".to_owned(),
            payload: "{}".to_owned(),
            status: DeliveryStatus::Pending,
            attempts: 1,
            next_attempt_at: None,
            last_attempt_at: None,
            response_status: None,
            error: None,
            created_at: DateTime::UNIX_EPOCH,
        };
        let rule = AddressRule::new("127.0.0.0/8".to_owned().try_into().unwrap());
        let sender = Sender::trusting(authorities, rule, PATIENCE).unwrap();
        sender.send(url, &delivery, 0, "v1,".to_owned()).await
    }

    #[actix_web::test]
    async fn a_message_goes_over_tls_to_a_server_that_proves_its_name() {
        let (url, authorities) = tls_server("localhost");
        assert_eq!(send(&url, authorities).await, Ok(204));
    }

    #[actix_web::test]
    async fn it_does_not_go_to_one_that_has_another_name_or_that_nobody_vouches_for() {
        let (url, authorities) = tls_server("example.com");
        assert_eq!(send(&url, authorities).await, Err(Failure::TlsFailed));
        let (url, _) = tls_server("localhost");
        assert_eq!(send(&url, RootCertStore::empty()).await, Err(Failure::TlsFailed));
    }
}
