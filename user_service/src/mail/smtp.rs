//! The way to the mail server.

use std::fmt;
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use secrecy::ExposeSecret;
use service_kit::settings::SettingsError;

use super::letter::{Letter, Outside};
use crate::settings::{SmtpSettings, SmtpTls};

/// How long one message may take, shorter than a courier's lease of it.
const TIMEOUT: Duration = Duration::from_secs(45);

/// Refusals of the login (RFC 4954 §6): they are about this service, not about the message, and the operator can mend them.
const LOGIN_REFUSALS: [&str; 4] = ["530", "534", "535", "538"];

/// A server, and whose messages it is given.
pub(crate) struct Smtp {
    settings: SmtpSettings,
    from: Mailbox,
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

/// Why a message was not taken. For the log: without anything that the server said, which may name the address.
#[derive(Debug, thiserror::Error)]
pub(crate) struct SendError {
    /// Whether another try is no use.
    pub(super) is_final: bool,
    /// Whether other messages would fare the same now.
    pub(super) concerns_all: bool,
    reason: String,
}

impl Smtp {
    /// None where no server is configured.
    pub(crate) fn new(settings: &SmtpSettings) -> Result<Option<Self>, SettingsError> {
        let (Some(host), Some(from)) = (&settings.host, &settings.from) else { return Ok(None) };
        let from: Mailbox =
            from.parse().map_err(|error| SettingsError::key("smtp.from", format!("{error}")))?;
        let parameters = tls_parameters(settings, host)?;
        let tls = match settings.tls {
            SmtpTls::Required => Tls::Required(parameters),
            SmtpTls::Implicit => Tls::Wrapper(parameters),
            SmtpTls::Opportunistic => Tls::Opportunistic(parameters),
            SmtpTls::None => Tls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(settings.port())
            .tls(tls)
            .timeout(Some(TIMEOUT))
            .hello_name(ClientId::Domain(from.email.domain().to_owned()));
        if let (Some(username), Some(password)) = (&settings.username, &settings.password) {
            let password = password.expose_secret().to_owned();
            builder = builder.credentials(Credentials::new(username.clone(), password));
        }
        Ok(Some(Self { settings: settings.clone(), from, transport: builder.build() }))
    }

    /// Hands `letter` to the server, as the message `id`.
    pub(super) async fn send(
        &self,
        letter: &Letter,
        to: &str,
        id: uuid::Uuid,
        date: std::time::SystemTime,
    ) -> Result<(), SendError> {
        let id = format!("<{id}@{}>", self.from.email.domain());
        let message = letter.message(&self.settings, Outside { from: &self.from, to, id, date })?;
        match tokio::time::timeout(TIMEOUT, self.transport.send(message)).await {
            Ok(outcome) => outcome.map(|_| ()).map_err(SendError::from),
            Err(_) => Err(SendError {
                is_final: false,
                concerns_all: true,
                reason: "the server took too long".to_owned(),
            }),
        }
    }
}

fn tls_parameters(settings: &SmtpSettings, host: &str) -> Result<TlsParameters, SettingsError> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(pem) = &settings.ca {
        let certificate = Certificate::from_pem(pem.as_bytes())
            .map_err(|error| SettingsError::key("smtp.ca", error.to_string()))?;
        builder = builder.add_root_certificate(certificate);
    }
    builder.build_rustls().map_err(|error| SettingsError::key("smtp.tls", error.to_string()))
}

impl SendError {
    /// A message that no server would take.
    pub(super) fn refused(reason: &str) -> Self {
        Self { is_final: true, concerns_all: false, reason: reason.to_owned() }
    }
}

impl From<lettre::transport::smtp::Error> for SendError {
    fn from(error: lettre::transport::smtp::Error) -> Self {
        let Some(code) = error.status().map(|code| code.to_string()) else {
            return Self { is_final: false, concerns_all: true, reason: error.to_string() };
        };
        let is_about_us = LOGIN_REFUSALS.contains(&code.as_str());
        Self {
            is_final: error.is_permanent() && !is_about_us,
            concerns_all: is_about_us,
            reason: format!("the server answered {code}"),
        }
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.reason)
    }
}
