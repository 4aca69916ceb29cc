//! What every application is built on: where it listens, and how it answers what no handler saw.

use std::fs::DirBuilder;
use std::io;
use std::net::TcpListener;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use actix_web::web::{self, PathConfig};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::Deserialize;

use crate::cors::AllowedOrigins;
use crate::problem::Problem;
use crate::settings::SettingsError;

/// The `[http]` section.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpSettings {
    /// The address to listen on.
    pub host: String,
    /// The port to listen on; 0 takes a free one.
    pub port: u16,
    /// Threads that answer requests.
    pub workers: std::num::NonZeroUsize,
    /// The web sites whose pages may use the service.
    pub cors_allowed_origins: AllowedOrigins,
    /// How long requests in flight may take to end when the service stops, in seconds.
    pub shutdown_timeout_seconds: u64,
}

impl HttpSettings {
    /// Takes the port.
    ///
    /// # Errors
    /// [`SettingsError`] where the address is none, or is taken.
    pub fn bind(&self) -> Result<TcpListener, SettingsError> {
        let listener = TcpListener::bind((self.host.as_str(), self.port)).map_err(|error| {
            let key = if error.kind() == io::ErrorKind::AddrInUse { "http.port" } else { "http.host" };
            SettingsError::key(key, format!("cannot listen on {}:{}: {error}", self.host, self.port))
        })?;
        Ok(listener)
    }
}

/// From here on, files and folders that the process makes are its user's alone: databases, blobs, secrets.
pub fn keep_files_private() {
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
}

/// Lets the process have as many open files, and so connections, as the operator allows; shells start it with few.
pub fn allow_many_connections() {
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        log::warn!("the limit of open files stays where it is limit={:?} cause=\"{error}\"", limit.current);
    }
}

/// Makes the data directory where it is missing: nobody but its owner may look inside, unless the operator made it
/// otherwise.
///
/// # Errors
/// [`SettingsError`] where that is not possible.
pub fn make_data_dir(folder: &Path) -> Result<(), SettingsError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| SettingsError::key("data_dir", format!("{}: {error}", folder.display())))
}

/// Makes the framework's own refusals problems with pointers.
pub fn defaults(config: &mut web::ServiceConfig) {
    config
        // An address that cannot be is an address of nothing.
        .app_data(PathConfig::default().error_handler(|_, _| Problem::not_found("resource").into()));
}
