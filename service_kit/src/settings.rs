//! Settings: the documented defaults, then a file, then the environment.
//!
//! A service's `config/<service>.toml` is built into its binary as the lowest layer: the file that documents every key
//! is the file that sets every default. An operator's own file and `SERVICE__SECTION__KEY` variables lie above it;
//! `SERVICE__SECTION__KEY_FILE` names a file that holds the value, which is how secrets arrive.

use std::collections::HashMap;
use std::path::Path;

use config::{Config, Environment, File, FileFormat};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;

use crate::secret_file;

/// Why a service does not start: one line that names the key.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A key has a value it cannot have, or is not known.
    #[error("configuration key `{key}`: {reason}")]
    Key {
        /// In dotted form, as `database.max_connections`.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The file as a whole is unreadable.
    #[error("configuration: {0}")]
    Source(String),
}

impl SettingsError {
    /// The refusal of one key's value.
    pub fn key(key: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Key { key: key.into(), reason: one_line(&reason.into()) }
    }
}

/// Reads settings of type `T`, which should `deny_unknown_fields` throughout.
///
/// `prefix` is the service's name in capitals (`USER_SERVICE`), `defaults` the text of its documented configuration
/// file, `file` what the operator gives on top, `environment` the variables to look at (normally [`std::env::vars`]).
///
/// # Errors
/// [`SettingsError`], whose text names the offending key.
pub fn load<T: DeserializeOwned>(
    prefix: &str,
    defaults: &str,
    file: Option<&Path>,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<T, SettingsError> {
    let mut layers = Config::builder().add_source(File::from_str(defaults, FileFormat::Toml));
    if let Some(file) = file {
        layers = layers.add_source(File::from(file).format(FileFormat::Toml));
    }
    // Values stay text here and are read as what each key wants: a password of digits is not a number.
    let variables = Environment::with_prefix(prefix)
        .prefix_separator("__")
        .separator("__")
        .source(Some(resolve_files(prefix, environment)?));
    let config = layers
        .add_source(variables)
        .build()
        .map_err(|error| SettingsError::Source(one_line(&error.to_string())))?;

    serde_path_to_error::deserialize(config).map_err(|error| {
        let key = error.path().to_string();
        SettingsError::key(key, error.into_inner().to_string())
    })
}

/// The variables of this service, with every `…_FILE` replaced by what its file holds.
fn resolve_files(
    prefix: &str,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<HashMap<String, String>, SettingsError> {
    let start = format!("{prefix}__");
    let own: HashMap<_, _> = environment.filter(|(name, _)| name.starts_with(&start)).collect();
    let mut resolved = HashMap::new();
    for (name, value) in &own {
        let Some(target) = name.strip_suffix("_FILE") else {
            resolved.insert(name.clone(), value.clone());
            continue;
        };
        if own.contains_key(target) {
            return Err(SettingsError::key(name, format!("{target} is set as well; give one of them")));
        }
        let secret = secret_file::read(Path::new(value))
            .map_err(|error| SettingsError::key(name, format!("{value}: {error}")))?;
        resolved.insert(target.to_owned(), secret.expose_secret().to_owned());
    }
    Ok(resolved)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Settings {
        http: Http,
        secret: Option<String>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Http {
        port: u16,
        host: String,
    }

    const DEFAULTS: &str = "[http]\nport = 8000\nhost = \"127.0.0.1\"\n";

    fn load_with(variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        load("DEMO", DEFAULTS, None, variables)
    }

    fn message(variables: &[(&str, &str)]) -> String {
        load_with(variables).unwrap_err().to_string()
    }

    #[test]
    fn the_environment_lies_above_the_defaults() {
        let settings = load_with(&[("DEMO__HTTP__PORT", "9000"), ("OTHER__HTTP__PORT", "1")]).unwrap();
        assert_eq!(settings.http, Http { port: 9000, host: "127.0.0.1".into() });
    }

    #[test]
    fn a_file_lies_between_the_defaults_and_the_environment() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("demo.toml");
        std::fs::write(&path, "[http]\nport = 1\nhost = \"::1\"\n").unwrap();
        let variables = [("DEMO__HTTP__PORT".to_owned(), "2".to_owned())];
        let settings: Settings = load("DEMO", DEFAULTS, Some(&path), variables.into_iter()).unwrap();
        assert_eq!(settings.http, Http { port: 2, host: "::1".into() });
    }

    #[test]
    fn a_secret_of_digits_stays_text() {
        assert_eq!(load_with(&[("DEMO__SECRET", "0012")]).unwrap().secret.as_deref(), Some("0012"));
    }

    #[test]
    fn a_secret_may_come_from_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, "hidden\n").unwrap();
        let settings = load_with(&[("DEMO__SECRET_FILE", path.to_str().unwrap())]).unwrap();
        assert_eq!(settings.secret.as_deref(), Some("hidden"));
    }

    #[test]
    fn a_secret_given_twice_is_refused() {
        let text = message(&[("DEMO__SECRET_FILE", "/nowhere"), ("DEMO__SECRET", "x")]);
        assert!(text.contains("DEMO__SECRET_FILE"), "{text}");
    }

    #[test]
    fn an_unknown_key_is_named_in_one_line() {
        let text = message(&[("DEMO__HTTP__PROT", "9000")]);
        assert!(text.contains("http") && text.contains("prot"), "{text}");
        assert!(!text.contains('\n'));
    }

    #[test]
    fn a_bad_value_is_refused_with_its_key() {
        let text = message(&[("DEMO__HTTP__PORT", "many")]);
        assert!(text.contains("http.port"), "{text}");
        let text = message(&[("DEMO__HTTP__PORT", "70000")]);
        assert!(text.contains("http.port"), "{text}");
    }

    #[test]
    fn a_missing_file_is_named() {
        let outcome: Result<Settings, _> =
            load("DEMO", DEFAULTS, Some(Path::new("/nowhere/demo.toml")), std::iter::empty());
        assert!(outcome.unwrap_err().to_string().contains("/nowhere/demo.toml"));
    }
}
