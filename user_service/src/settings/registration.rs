//! The `[registration]` section.

use serde::Deserialize;
use service_kit::settings::SettingsError;

use super::{SmtpSettings, require};
use crate::account::Email;

/// The `[registration]` section.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistrationSettings {
    /// Who may register.
    pub mode: RegistrationMode,
    /// Of what addresses must be, in the mode `domains`.
    pub domains: Domains,
    /// Whether accounts are of use only once their address is verified.
    pub require_verified_email: bool,
}

/// Who may register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RegistrationMode {
    /// Anybody.
    Open,
    /// Whoever has an invite code.
    Invite,
    /// Whoever has an address of certain domains.
    Domains,
    /// Nobody.
    Closed,
}

/// Domains of addresses, case-folded.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Domains(Vec<String>);

impl Domains {
    /// Whether `email` is of one of them, and not of a subdomain.
    fn have(&self, email: &Email) -> bool {
        let key = email.key();
        key.rsplit_once('@').is_some_and(|(_, domain)| self.0.iter().any(|own| own == domain))
    }
}

impl TryFrom<String> for Domains {
    type Error = String;

    /// Domains, separated by commas.
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let domains = text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(|part| {
            let could_be = !part.contains('@') && Email::try_from(format!("x@{part}")).is_ok();
            if could_be { Ok(part.to_lowercase()) } else { Err(format!("`{part}` is no domain")) }
        });
        Ok(Self(domains.collect::<Result<_, _>>()?))
    }
}

impl RegistrationSettings {
    /// Whether an account may have `email`.
    pub(crate) fn admit(&self, email: &Email) -> bool {
        self.mode != RegistrationMode::Domains || self.domains.have(email)
    }

    pub(super) fn check(&self, smtp: &SmtpSettings) -> Result<(), SettingsError> {
        require(
            self.mode != RegistrationMode::Domains || !self.domains.0.is_empty(),
            "registration.domains",
            "must name one at least where registration.mode is \"domains\"",
        )?;
        require(
            !self.require_verified_email || smtp.host.is_some(),
            "registration.require_verified_email",
            "needs smtp.host: nobody could verify an address",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_matches_in_any_case_and_no_other_that_looks_like_it() {
        let domains = Domains::try_from(" Example.org,příklad.cz, ".to_owned()).unwrap();
        let have = |address: &str| domains.have(&Email::try_from(address.to_owned()).unwrap());
        for own in ["a@example.org", "A@EXAMPLE.ORG", "a@PŘÍKLAD.cz"] {
            assert!(have(own), "{own}");
        }
        for other in ["a@mail.example.org", "a@example.org.evil.net", "a@notexample.org", "a@priklad.cz"] {
            assert!(!have(other), "{other}");
        }
    }
}
