//! The `[webhooks]` section.

use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};

use secrecy::SecretString;
use serde::Deserialize;
use service_kit::networks::Networks;

/// How events are delivered, and where to.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookSettings {
    /// Webhooks of one account.
    pub max_per_account: NonZeroU64,
    /// Networks besides the public internet that webhooks may lead to.
    pub allowed_networks: Networks,
    /// How long a receiver may take to answer.
    pub timeout_seconds: NonZeroU64,
    /// Messages on their way at a time.
    pub concurrency: NonZeroUsize,
    /// The pauses between attempts.
    pub retry_seconds: RetrySchedule,
    /// After so many days of failures alone nothing more is sent.
    pub disable_after_days: u32,
    /// How long ended deliveries stay in the log.
    pub delivery_log_days: NonZeroU32,
    /// How long the former secret signs along.
    pub secret_overlap_hours: u32,
    /// What secrets in the database are encrypted with; generated where it is not given.
    pub secret_key: Option<SecretString>,
}

/// The pauses between the attempts of one delivery, in seconds; after the last it is given up.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct RetrySchedule(Vec<u32>);

impl RetrySchedule {
    /// All of them, in order.
    #[must_use]
    pub fn pauses(&self) -> &[u32] {
        &self.0
    }
}

impl TryFrom<String> for RetrySchedule {
    type Error = String;

    /// Whole numbers, separated by commas.
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let pauses = parts.map(|part| part.parse().map_err(|_| format!("`{part}` is no number of seconds")));
        pauses.collect::<Result<_, _>>().map(Self)
    }
}
