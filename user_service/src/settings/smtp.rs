//! The `[smtp]` section.

use std::num::NonZeroU16;

use lettre::message::Mailbox;
use secrecy::SecretString;
use serde::Deserialize;
use service_kit::settings::SettingsError;

use super::require;

/// The `[smtp]` section.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmtpSettings {
    /// The server; without one nothing is mailed.
    pub host: Option<String>,
    port: Option<NonZeroU16>,
    /// How the way to it is protected.
    pub tls: SmtpTls,
    /// A certificate to trust besides those of public authorities, in PEM.
    pub ca: Option<String>,
    /// The name it knows this service by.
    pub username: Option<String>,
    /// The password to that name.
    pub password: Option<SecretString>,
    /// From whom messages are.
    pub from: Option<String>,
    /// Where an address is verified.
    pub verify_link: Option<LinkTemplate>,
    /// Where a password is reset.
    pub reset_link: Option<LinkTemplate>,
}

/// How the way to the server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmtpTls {
    /// By STARTTLS (RFC 3207), or nothing is sent.
    Required,
    /// By TLS from the first byte (RFC 8314).
    Implicit,
    /// By STARTTLS where the server offers it.
    Opportunistic,
    /// Not at all.
    None,
}

/// An address of a page, with a place for a token.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct LinkTemplate(String);

/// Where the token goes.
const PLACE: &str = "{token}";

impl LinkTemplate {
    /// The address with `token` in its place.
    #[must_use]
    pub fn with(&self, token: &str) -> String {
        self.0.replace(PLACE, token)
    }
}

impl TryFrom<String> for LinkTemplate {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let is_address = text.starts_with("https://") || text.starts_with("http://");
        // One line of a message, by which programs that show it know a link.
        if !is_address || !text.bytes().all(|byte| byte.is_ascii_graphic()) || text.len() > 512 {
            return Err("must be an http or https address of at most 512 ASCII characters");
        }
        if text.matches(PLACE).count() != 1 {
            return Err("must contain {token} once");
        }
        Ok(Self(text))
    }
}

impl SmtpSettings {
    /// The port, or what is usual for the protection.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.map_or(
            match self.tls {
                SmtpTls::Required | SmtpTls::Opportunistic => 587,
                SmtpTls::Implicit => 465,
                SmtpTls::None => 25,
            },
            NonZeroU16::get,
        )
    }

    pub(super) fn check(&self) -> Result<(), SettingsError> {
        require(
            self.host.as_ref().is_none_or(|host| !host.is_empty()),
            "smtp.host",
            "must not be empty; leave it out to mail nothing",
        )?;
        require(
            self.host.is_none() || self.from.is_some(),
            "smtp.from",
            "is required where smtp.host is given",
        )?;
        require(
            self.from.as_ref().is_none_or(|from| from.parse::<Mailbox>().is_ok()),
            "smtp.from",
            "must be an address, as in \"Kadr <kadr@example.org>\"",
        )?;
        require(
            self.ca.as_ref().is_none_or(|pem| pem.contains("-----BEGIN CERTIFICATE-----")),
            "smtp.ca",
            "must be the text of a certificate in PEM",
        )?;
        require(
            self.username.is_some() == self.password.is_some(),
            "smtp.username",
            "goes with smtp.password: give both or none",
        )?;
        let is_safe = matches!(self.tls, SmtpTls::Required | SmtpTls::Implicit);
        require(
            self.username.is_none() || is_safe,
            "smtp.tls",
            "must be \"required\" or \"implicit\": others could read smtp.password",
        )
    }
}
