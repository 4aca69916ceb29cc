//! Log lines: a message and `key=value` fields, in lower case, never a secret or an e-mail address.

use serde::Deserialize;

use crate::settings::SettingsError;

/// The `[log]` section.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSettings {
    /// An `env_logger` filter, as `info` or `warn,video_service=debug`.
    pub filter: String,
}

/// Sends log lines to standard error. `RUST_LOG`, where it is set, takes the place of the filter.
///
/// # Errors
/// When the filter is not one.
pub fn start(settings: &LogSettings) -> Result<(), SettingsError> {
    let filter = std::env::var("RUST_LOG").unwrap_or_else(|_| settings.filter.clone());
    // env_logger itself only warns about a filter that is none.
    env_filter::Builder::new()
        .try_parse(&filter)
        .map_err(|error| SettingsError::key("log.filter", error.to_string()))?;
    let logger = env_logger::Builder::new().parse_filters(&filter).format_timestamp_millis().try_init();
    // A second start in one process, as in tests, keeps the first logger.
    if logger.is_err() {
        log::debug!("a logger is already installed");
    }
    Ok(())
}
