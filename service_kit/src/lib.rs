//! What both services share: settings, errors on the wire, extractors, health, metrics, clock, shutdown.
//!
//! Nothing in here knows a table or a video, or what a token says.

pub mod app;
pub mod bearer;
pub mod checked;
pub mod client;
pub mod client_address;
pub mod client_credentials;
pub mod clock;
pub mod cors;
pub mod database;
pub mod endpoint;
pub mod health;
pub mod json;
pub mod logging;
pub mod metrics;
pub mod networks;
pub mod openapi;
pub mod page;
pub mod personal_token;
pub mod problem;
pub mod query;
pub mod random;
pub mod rate_limit;
pub mod request;
pub mod secret_file;
pub mod security_headers;
pub mod settings;
pub mod shutdown;
pub mod signer;
mod strict;
pub mod task;
#[cfg(feature = "testing")]
pub mod testing;
pub mod vault;
