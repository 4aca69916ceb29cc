//! From settings to a running service.

use std::io;
use std::sync::Arc;

use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use migration::user_db::Migrator;
use rayon::ThreadPoolBuildError;
use sea_orm::{DatabaseConnection, DbErr};
use sea_orm_migration::MigratorTrait;
use secrecy::SecretString;
use service_kit::client_credentials::ClientCredentials;
use service_kit::clock::{SharedClock, SystemClock};
use service_kit::health::{self, Readiness};
use service_kit::request::request_context;
use service_kit::security_headers::security_headers;
use service_kit::settings::SettingsError;
use service_kit::shutdown::Signals;
use service_kit::{app, endpoint, metrics, openapi, secret_file};
use tokio::task::JoinHandle;

use crate::access_token::AccessTokens;
use crate::account::Accounts;
use crate::api;
use crate::invites::Invites;
use crate::login_throttle::LoginThrottle;
use crate::mail::{self, Post, Smtp};
use crate::oauth;
use crate::operator::OperatorError;
use crate::outbox::{Bell, Courier};
use crate::passwords::PasswordHasher;
use crate::personal_tokens::PersonalTokens;
use crate::rate_limits::rate_limits;
use crate::second_factor::SecondFactors;
use crate::service_clients::ServiceClients;
use crate::sessions::{Lifetimes, RefreshTokens, Sessions};
use crate::settings::Settings;
use crate::signing_keys::{SigningKeyError, SigningKeys};
use crate::video_service::VideoService;

/// Why the service does not run.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration is wrong, or does not fit the machine.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The database refuses.
    #[error("database: {0}")]
    Database(#[from] DbErr),
    /// The schema is older than the program.
    #[error("database: {0} migrations are not applied; run `user_service migrate`")]
    NotMigrated(usize),
    /// The keys that sign tokens are unusable.
    #[error("signing keys: {0}")]
    Keys(#[from] SigningKeyError),
    /// The threads that hash passwords cannot be started.
    #[error("threads: {0}")]
    Threads(#[from] ThreadPoolBuildError),
    /// Metrics cannot be set up.
    #[error("metrics: {0}")]
    Metrics(Box<dyn std::error::Error + Send + Sync>),
    /// The server ended by itself, or the terminal did.
    #[error("server: {0}")]
    Server(#[from] io::Error),
    /// A command of the operator was not carried out.
    #[error(transparent)]
    Operator(#[from] OperatorError),
}

/// The service, listening.
pub struct Application {
    server: Server,
    port: u16,
    db: DatabaseConnection,
    passwords: PasswordHasher,
    pub(crate) sessions: Sessions,
    signals: Signals,
    couriers: Vec<JoinHandle<()>>,
}

impl Application {
    /// Opens the database, takes the port and begins to answer.
    ///
    /// # Errors
    /// [`StartError`], before anything was answered.
    pub async fn build(settings: &Settings) -> Result<Self, StartError> {
        Self::build_with_clock(settings, Arc::new(SystemClock)).await
    }

    /// As [`Self::build`], on a clock of the caller's.
    ///
    /// # Errors
    /// As [`Self::build`].
    pub async fn build_with_clock(settings: &Settings, clock: SharedClock) -> Result<Self, StartError> {
        let signals = Signals::listen()?;
        let listener = settings.http.bind()?;
        let port = listener.local_addr()?.port();
        let db = open_migrated(settings).await?;

        let keys = Arc::new(SigningKeys::load_or_create(db.clone(), clock.clone(), &settings.tokens).await?);
        let sessions = Sessions::start(
            db.clone(),
            clock.clone(),
            AccessTokens::new(keys.clone(), &settings.tokens),
            RefreshTokens::new(&refresh_secret(settings)?),
            Lifetimes::from(&settings.tokens),
        );
        let configured = ClientCredentials::new(&settings.introspection.client_id, &client_secret(settings)?);
        let clients = web::Data::new(ServiceClients::load(db.clone(), clock.clone(), configured).await?);
        let passwords = PasswordHasher::new(settings.passwords)?;
        let readiness = Readiness::default().with_database(&db).with("sessions", {
            let sessions = sessions.clone();
            move || {
                let sessions = sessions.clone();
                Box::pin(async move { sessions.ping().await })
            }
        });
        let metrics = metrics::middleware("user_service").map_err(StartError::Metrics)?;
        let document = openapi::complete(api::document());

        let bell = Bell::default();
        let video_service = VideoService::new(settings.video_service.clone(), deletion_secret(settings)?);
        let courier = Courier::new(db.clone(), clock.clone(), bell.clone(), video_service);
        let mail_bell = Bell::default();
        let smtp = Smtp::new(&settings.smtp)?;
        let mail = Post::new(smtp.is_some(), clock.clone(), mail_bell.clone());
        let mail_courier = smtp.map(|smtp| mail::Courier::new(db.clone(), clock.clone(), mail_bell, smtp));
        let verified_only = settings.registration.require_verified_email;
        let accounts = Accounts::new(db.clone(), clock.clone(), bell, mail.clone(), verified_only);
        let (accounts, mail) = (web::Data::new(accounts), web::Data::new(mail));
        let registration = web::Data::new(settings.registration.clone());
        let invites = web::Data::new(Invites::new(db.clone(), clock.clone()));
        let database = web::Data::new(db.clone());
        let throttle = web::Data::new(LoginThrottle::new(db.clone(), clock.clone(), settings.throttle));
        let tokens = web::Data::new(PersonalTokens::new(db.clone(), clock.clone()));
        let second_factors = web::Data::new(SecondFactors::new(
            db.clone(),
            clock.clone(),
            &second_factor_key(settings)?,
            settings.second_factor.issuer.clone(),
        ));
        let server_tokens = web::Data::new(settings.tokens.clone());
        let time = web::Data::new(clock.clone());
        let limits = rate_limits(settings.rate_limits, clock.clone());
        let proxies = settings.client_address.trusted_proxies.clone();
        let keys = web::Data::from(keys);
        let metadata = web::Data::new(oauth::metadata(&settings.tokens.issuer));
        let hasher = passwords.clone();
        let own_sessions = sessions.clone();
        let origins = settings.http.cors_allowed_origins.clone();
        let server = HttpServer::new(move || {
            App::new()
                .wrap(metrics.clone())
                .wrap(from_fn(request_context))
                .wrap(origins.middleware())
                .wrap(from_fn(security_headers))
                .app_data(proxies.clone())
                .app_data(limits.clone())
                .app_data(tokens.clone())
                .app_data(time.clone())
                .app_data(server_tokens.clone())
                .app_data(throttle.clone())
                .app_data(second_factors.clone())
                .app_data(database.clone())
                .app_data(accounts.clone())
                .app_data(mail.clone())
                .app_data(registration.clone())
                .app_data(invites.clone())
                .app_data(keys.clone())
                .app_data(metadata.clone())
                .app_data(web::Data::new(hasher.clone()))
                .app_data(web::Data::new(sessions.clone()))
                .app_data(clients.clone())
                .app_data(oauth::introspection::form_config())
                .configure(app::defaults)
                .configure(health::routes(readiness.clone()))
                .configure(openapi::routes(document.clone()))
                .configure(endpoint::routes(api::endpoints()))
        })
        .workers(settings.http.workers.get())
        .shutdown_timeout(settings.http.shutdown_timeout_seconds)
        // actix would treat Ctrl-C as an order to drop everything.
        .disable_signals()
        .listen(listener)?
        .run();
        log::info!("listening host={} port={port}", settings.http.host);
        let mut couriers = vec![actix_rt::spawn(courier.run())];
        couriers.extend(mail_courier.map(|courier| actix_rt::spawn(courier.run())));
        Ok(Self { server, port, db, passwords, sessions: own_sessions, signals, couriers })
    }

    /// The port it listens on, where the settings left the choice to the machine.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What hashes its passwords.
    #[must_use]
    pub fn passwords(&self) -> &PasswordHasher {
        &self.passwords
    }

    /// Answers until SIGTERM or Ctrl-C, then lets the requests in flight end.
    ///
    /// # Errors
    /// When the server ends by itself, or what it cannot do without.
    pub async fn run_until_stopped(self) -> io::Result<()> {
        let handle = self.server.handle();
        let mut server = self.server;
        let outcome = tokio::select! {
            outcome = &mut server => outcome,
            () = self.signals.received() => {
                let (outcome, ()) = tokio::join!(server, handle.stop(true));
                outcome
            }
            () = self.sessions.ended() => {
                // Nobody can be let in or out: better to be started again.
                log::error!("the session actor has died");
                let (_, ()) = tokio::join!(server, handle.stop(true));
                Err(io::Error::other("the session actor has died"))
            }
        };
        // A delivery that breaks off is begun again by the next process.
        self.couriers.iter().for_each(JoinHandle::abort);
        if let Err(error) = self.db.close().await {
            log::warn!("the database was not closed cleanly cause={error:?}");
        }
        log::info!("stopped");
        outcome
    }
}

/// Brings the database to the newest schema.
///
/// # Errors
/// When it cannot be reached, or refuses.
pub(crate) async fn migrate(settings: &Settings) -> Result<(), StartError> {
    let db = open_database(settings).await?;
    Migrator::up(&db, None).await?;
    Ok(db.close().await?)
}

/// The database, with the newest schema.
pub(crate) async fn open_migrated(settings: &Settings) -> Result<DatabaseConnection, StartError> {
    let db = open_database(settings).await?;
    if settings.database.migrate_on_start {
        Migrator::up(&db, None).await?;
    } else {
        require_migrated(&db).await?;
    }
    Ok(db)
}

async fn open_database(settings: &Settings) -> Result<DatabaseConnection, SettingsError> {
    if settings.database.url.is_none() {
        app::make_data_dir(&settings.data_dir)?;
    }
    settings.database.connect(&settings.database_file()).await
}

async fn require_migrated(db: &DatabaseConnection) -> Result<(), StartError> {
    match Migrator::get_pending_migrations(db).await?.len() {
        0 => Ok(()),
        missing => Err(StartError::NotMigrated(missing)),
    }
}

fn client_secret(settings: &Settings) -> Result<SecretString, SettingsError> {
    secret(settings, settings.introspection.client_secret.as_ref(), "introspection_client_secret")
}

fn deletion_secret(settings: &Settings) -> Result<SecretString, SettingsError> {
    secret(settings, settings.video_service.client_secret.as_ref(), "account_deletion_client_secret")
}

fn refresh_secret(settings: &Settings) -> Result<SecretString, SettingsError> {
    secret(settings, settings.tokens.refresh_secret.as_ref(), "refresh_token_secret")
}

fn second_factor_key(settings: &Settings) -> Result<SecretString, SettingsError> {
    secret(settings, settings.second_factor.key.as_ref(), "second_factor_key")
}

/// The secret that was given, else the one in the file `name`, which is made at first start.
fn secret(
    settings: &Settings,
    given: Option<&SecretString>,
    name: &str,
) -> Result<SecretString, SettingsError> {
    if let Some(secret) = given {
        return Ok(secret.clone());
    }
    let path = settings.secrets_dir().join(name);
    secret_file::load_or_create(&path)
        .map_err(|error| SettingsError::key("secrets_dir", format!("{}: {error}", path.display())))
}
