//! What the operator does at the machine itself, without a token: the first administrator has nobody to ask, and
//! keys and the clients of other services are nobody's account.

use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use entity::user_db::account::Role;
use secrecy::{ExposeSecret, SecretString};
use service_kit::clock::{Clock, SharedClock, SystemClock};
use uuid::Uuid;

use crate::account::{
    Accounts, Applicant, CreateError, DisplayName, Email, NewAccount, Username, WantedPassword,
};
use crate::application::{self, StartError};
use crate::audit::Audit;
use crate::invites::{InviteError, Invites};
use crate::mail::Post;
use crate::outbox::Bell;
use crate::passwords::{HashError, PasswordHasher, QueueFull};
use crate::service_clients::{self, ClientError, Issued};
use crate::settings::Settings;
use crate::signing_keys;

/// Why a command of the operator was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// What was given cannot be.
    #[error("{what} {reason}")]
    Invalid {
        /// Which part of it.
        what: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Another account has the name or the address.
    #[error("there is an account with this {0} already")]
    Taken(&'static str),
    /// No invite was made.
    #[error("invite: {0}")]
    Invite(String),
    /// There is no service client of that id.
    #[error("there is no such client among those of `user_service clients list`")]
    NoClient,
    /// The operating system has no randomness.
    #[error("randomness: {0}")]
    Random(#[from] service_kit::random::Error),
    /// The password could not be hashed.
    #[error("password: {0}")]
    Password(String),
}

/// Creates an account that administers the others, and tells its id.
pub(crate) async fn create_administrator(
    settings: &Settings,
    username: String,
    email: String,
    password: String,
) -> Result<Uuid, StartError> {
    let invalid = |what| move |reason| OperatorError::Invalid { what, reason };
    let username = Username::try_from(username).map_err(invalid("the user name"))?;
    let email = Email::try_from(email).map_err(invalid("the e-mail address"))?;
    let wanted = WantedPassword::from(password);
    let password = wanted
        .accept(&[username.as_str(), email.as_str()])
        .map_err(|refusal| invalid("the password")(refusal.reason))?;
    let new = NewAccount { username, email, display_name: None, role: Role::Admin };

    let db = application::open_migrated(settings).await?;
    let place = PasswordHasher::new(settings.passwords)?.reserve().map_err(OperatorError::from)?;
    let hash = place.hash(password).await.map_err(OperatorError::from)?;
    let clock: SharedClock = Arc::new(SystemClock);
    // The address is taken for true, so that nothing is mailed.
    let post = Post::new(false, clock.clone(), Bell::default());
    let accounts = Accounts::new(db.clone(), clock, Bell::default(), post, false);
    let created = accounts.create(new, hash, Applicant::Operator).await;
    db.close().await?;
    match created {
        Ok(account) => Ok(account.id),
        Err(CreateError::Taken { username: true, .. }) => Err(OperatorError::Taken("user name").into()),
        Err(CreateError::Taken { .. }) => Err(OperatorError::Taken("e-mail address").into()),
        Err(CreateError::Database(error)) => Err(error.into()),
        Err(error @ CreateError::InviteRefused) => Err(OperatorError::Invite(error.to_string()).into()),
    }
}

/// Makes an invite that counts for so many days, and tells its code.
pub(crate) async fn create_invite(settings: &Settings, days: u16) -> Result<SecretString, StartError> {
    let db = application::open_migrated(settings).await?;
    let invites = Invites::new(db.clone(), Arc::new(SystemClock));
    let created = invites.create(invites.now() + TimeDelta::days(days.into()), None).await;
    db.close().await?;
    match created {
        Ok((_, code)) => Ok(code),
        Err(InviteError::Database(error)) => Err(error.into()),
        Err(error @ InviteError::Random(_)) => Err(OperatorError::Invite(error.to_string()).into()),
    }
}

/// Lets a new key sign access tokens, and tells its `kid`; see [`signing_keys::rotate`].
pub(crate) async fn rotate_keys(settings: &Settings, withdrawn: bool) -> Result<String, StartError> {
    let db = application::open_migrated(settings).await?;
    let kid = signing_keys::rotate(&db, Arc::new(SystemClock), withdrawn).await?;
    db.close().await?;
    Ok(kid)
}

/// The keys of access tokens, the newest first, a line each.
pub(crate) async fn list_keys(settings: &Settings) -> Result<Vec<String>, StartError> {
    let db = application::open_migrated(settings).await?;
    let keys = signing_keys::list(&db, Arc::new(SystemClock), &settings.tokens).await?;
    let lines = keys.into_iter().map(|key| {
        let state = match key.verifies_until {
            None => "signs".to_owned(),
            Some(until) => format!("verifies until {}", written(until)),
        };
        format!("{}  made {}  {state}", key.kid, written(key.created_at))
    });
    let lines = lines.collect();
    db.close().await?;
    Ok(lines)
}

/// Makes a service client, and tells its credentials as lines of a configuration.
pub(crate) async fn create_client(settings: &Settings, name: String) -> Result<String, StartError> {
    let name =
        DisplayName::try_from(name).map_err(|reason| OperatorError::Invalid { what: "the name", reason })?;
    let (db, clock) = (application::open_migrated(settings).await?, SystemClock);
    let issued = service_clients::create(&db, &Audit::new(Arc::new(clock)), name, clock.now()).await?;
    db.close().await?;
    Ok(shown(&issued))
}

/// Gives a service client another secret; the former one counts for so many hours longer.
pub(crate) async fn rotate_client(
    settings: &Settings,
    client_id: &str,
    overlap_hours: u16,
) -> Result<String, StartError> {
    let (db, clock) = (application::open_migrated(settings).await?, SystemClock);
    let (audit, overlap) = (Audit::new(Arc::new(clock)), TimeDelta::hours(overlap_hours.into()));
    let issued = service_clients::rotate(&db, &audit, client_id, overlap, clock.now()).await?;
    db.close().await?;
    Ok(shown(&issued.ok_or(OperatorError::NoClient)?))
}

/// Removes a service client.
pub(crate) async fn delete_client(settings: &Settings, client_id: &str) -> Result<(), StartError> {
    let db = application::open_migrated(settings).await?;
    let existed = service_clients::delete(&db, &Audit::new(Arc::new(SystemClock)), client_id).await?;
    db.close().await?;
    if existed { Ok(()) } else { Err(OperatorError::NoClient.into()) }
}

/// The service clients, the oldest first, a line each; the configured one is not among them.
pub(crate) async fn list_clients(settings: &Settings) -> Result<Vec<String>, StartError> {
    let db = application::open_migrated(settings).await?;
    let now = SystemClock.now();
    let lines = service_clients::list(&db).await?.into_iter().map(|client| {
        let previous = client.previous_until.filter(|until| *until > now);
        let previous = previous
            .map_or_else(String::new, |until| format!("  the secret before counts until {}", written(until)));
        let (made, rotated) = (written(client.created_at), written(client.rotated_at));
        format!("{}  {}  made {made}  secret of {rotated}{previous}", client.client_id, client.name)
    });
    let lines = lines.collect();
    db.close().await?;
    Ok(lines)
}

/// As Video Service's configuration wants it.
fn shown(issued: &Issued) -> String {
    format!("client_id = \"{}\"\nclient_secret = \"{}\"", issued.client_id, issued.secret.expose_secret())
}

fn written(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

impl From<ClientError> for StartError {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Database(error) => error.into(),
            ClientError::Random(error) => OperatorError::from(error).into(),
        }
    }
}

impl From<HashError> for OperatorError {
    fn from(error: HashError) -> Self {
        Self::Password(error.to_string())
    }
}

impl From<QueueFull> for OperatorError {
    fn from(error: QueueFull) -> Self {
        Self::Password(error.to_string())
    }
}
