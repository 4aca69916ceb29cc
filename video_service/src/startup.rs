//! Puts the service together, by role, and runs it.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use chrono::TimeDelta;
use migration::video_db::Migrator;
use sea_orm::DatabaseConnection;
use sea_orm_migration::MigratorTrait;
use service_kit::client::client;
use service_kit::client_credentials::ClientCredentials;
use service_kit::clock::{Clock, SharedClock, SystemClock};
use service_kit::security_headers::security_headers;
use service_kit::settings::SettingsError;
use service_kit::shutdown::Signals;
use service_kit::{app, endpoint, health, metrics, openapi, request};
use video_analysis::Execution;

use crate::api;
use crate::auth::{IntrospectionClient, Introspector, Standing};
use crate::blobs::BlobStore;
use crate::housekeeping;
use crate::identity::WorkerIdentity;
use crate::job::Runner;
use crate::outputs::{Decoding, Storyboards};
use crate::progress::ProgressHub;
use crate::queue::{self, Abandoned};
use crate::readiness;
use crate::receiving::Receiving;
use crate::settings::Settings;
use crate::shares::Shares;
use crate::state::State;
use crate::storage_check::StorageCheck;
use crate::uploads::Tickets;
use crate::webhooks::{Courier, Webhooks};
use crate::worker::AnalysisWorkers;

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Answers requests.
    Serve,
    /// Runs analyses; of requests, only the health checks and metrics are answered.
    Work,
    /// Both.
    All,
}

/// Why a service did not start, or did not end well.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration is wrong.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The schema is older than the program.
    #[error("database: {0} migrations are not applied; run `video_service migrate`")]
    NotMigrated(usize),
    /// Something it needs is missing or broken.
    #[error("{0}")]
    Environment(String),
}

/// A service that listens and has not begun to answer.
pub struct Application {
    server: Server,
    workers: AnalysisWorkers,
    hub: ProgressHub,
    port: u16,
    signals: Signals,
    /// Held while jobs are leased in its name.
    _identity: Option<WorkerIdentity>,
}

impl Application {
    /// Connects, migrates, recovers what a dead predecessor left, starts the workers and takes the port.
    ///
    /// # Errors
    /// [`StartError`], in one line.
    pub async fn build(settings: Settings, role: Role) -> Result<Self, StartError> {
        let clock: SharedClock = Arc::new(SystemClock);
        if role != Role::Serve {
            require_program("analysis.ffmpeg", &settings.analysis.ffmpeg)?;
            require_program("analysis.ffprobe", &settings.analysis.ffprobe)?;
        }
        let signals = Signals::listen().map_err(environment)?;
        let listener = settings.http.bind()?;
        let port = listener.local_addr().map_err(environment)?.port();
        let (db, readers, blobs) = open_stores(&settings).await?;
        let (workers, identity) = match role {
            Role::Serve => (AnalysisWorkers::default(), None),
            Role::Work | Role::All => {
                let (workers, identity) = start_workers(&settings, &db, &blobs, &clock).await?;
                let interval = settings.library.purge_interval_seconds.get();
                actix_web::rt::spawn(housekeeping::forget_features_for_ever(
                    db.clone(),
                    settings.feature_cache(),
                    interval,
                ));
                (workers, Some(identity))
            }
        };
        if role != Role::Work {
            actix_web::rt::spawn(housekeeping::sweep_for_ever(db.clone(), blobs.clone(), Arc::clone(&clock)));
        }
        let hub = ProgressHub::start(db.clone(), Arc::clone(&clock), settings.events);
        let library = settings.library;
        let state = State {
            reader: db.clone(),
            db,
            blobs,
            workers: workers.clone(),
            clock,
            events: settings.events,
            trash_window: library.trash_window(),
            uploads: settings.uploads,
            quota: settings.quota,
            tickets: Tickets::new(&settings.url_signing_key()?),
            standing: Standing::new(&settings.user_service, settings.client_secret()?),
            receiving: Receiving::new(settings.uploads.max_concurrent_per_account),
        };
        if role != Role::Work {
            let log = TimeDelta::days(i64::from(settings.webhooks.delivery_log_days.get()));
            actix_web::rt::spawn(housekeeping::tidy_for_ever(state.clone(), log));
            let webhooks = Webhooks::new(&settings.webhook_key()?, settings.webhooks.clone());
            let courier = Courier::new(state.db.clone(), Arc::clone(&state.clock), webhooks);
            actix_web::rt::spawn(courier.map_err(environment)?.run());
            actix_web::rt::spawn(housekeeping::purge_for_ever(
                state.clone(),
                library.purge_interval_seconds.get(),
            ));
        }
        let server = serve(&settings, role, state, readers, hub.clone(), listener)?;
        log::info!("listening port={port} role={role:?}");
        Ok(Self { server, workers, hub, port, signals, _identity: identity })
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Answers until SIGTERM or SIGINT; then lets requests in flight end and puts running jobs back into the queue.
    ///
    /// # Errors
    /// When the server breaks.
    pub async fn run_until_stopped(self) -> io::Result<()> {
        let handle = self.server.handle();
        let mut serving = std::pin::pin!(self.server);
        tokio::select! {
            outcome = &mut serving => outcome?,
            () = self.signals.received() => {
                let (outcome, (), (), ()) =
                    futures_util::join!(serving, handle.stop(true), self.hub.stop(), self.workers.stop());
                outcome?;
            }
        }
        log::info!("stopped");
        Ok(())
    }
}

/// Brings the database's schema up to date.
///
/// # Errors
/// [`StartError`], in one line.
pub async fn migrate(settings: &Settings) -> Result<(), StartError> {
    let (db, _) = open_database(settings).await?;
    Migrator::up(&db, None).await.map_err(environment)?;
    db.close().await.map_err(environment)
}

/// Compares the database with the store, and writes what is found to standard output; how much that is.
///
/// # Errors
/// [`StartError`], in one line.
pub async fn check_storage(settings: &Settings, fix: bool) -> Result<u64, StartError> {
    let (db, _) = open_database(settings).await?;
    // A look changes nothing, the schema neither.
    require_migrated(&db).await?;
    let blobs = open_blobs(settings)?;
    let check = StorageCheck { db: &db, blobs: &blobs, now: SystemClock.now(), fix, output: io::stdout() };
    let findings = check.run().await.map_err(environment)?;
    db.close().await.map_err(environment)?;
    Ok(findings)
}

/// What all share, and what the threads that answer requests read from.
async fn open_database(
    settings: &Settings,
) -> Result<(DatabaseConnection, Vec<DatabaseConnection>), StartError> {
    app::make_data_dir(&settings.data_dir)?;
    let (file, threads) = (settings.default_database(), settings.http.workers);
    Ok(settings.database.connect_with_readers(&file, threads).await?)
}

async fn open_stores(
    settings: &Settings,
) -> Result<(DatabaseConnection, Vec<DatabaseConnection>, BlobStore), StartError> {
    let (db, readers) = open_database(settings).await?;
    if settings.database.migrate_on_start {
        Migrator::up(&db, None).await.map_err(environment)?;
    } else {
        require_migrated(&db).await?;
    }
    Ok((db, readers, open_blobs(settings)?))
}

async fn require_migrated(db: &DatabaseConnection) -> Result<(), StartError> {
    let missing = Migrator::get_pending_migrations(db).await.map_err(environment)?.len();
    if missing > 0 { Err(StartError::NotMigrated(missing)) } else { Ok(()) }
}

fn open_blobs(settings: &Settings) -> Result<BlobStore, StartError> {
    let directory = settings.blob_dir();
    let opened = BlobStore::open(&directory);
    Ok(opened.map_err(|error| {
        SettingsError::key("storage.directory", format!("{}: {error}", directory.display()))
    })?)
}

async fn start_workers(
    settings: &Settings,
    db: &DatabaseConnection,
    blobs: &BlobStore,
    clock: &SharedClock,
) -> Result<(AnalysisWorkers, WorkerIdentity), StartError> {
    let analysis = &settings.analysis;
    let cache = settings.feature_cache();
    cache.tidy().map_err(|error| SettingsError::key("analysis.feature_cache_dir", error.to_string()))?;
    let feature_cache = (analysis.feature_cache_bytes > 0).then_some(cache);
    let identity = WorkerIdentity::take(&settings.data_dir.join("workers"))
        .map_err(|error| StartError::Environment(format!("no worker identity: {error}")))?;
    let runner = Runner {
        db: db.clone(),
        blobs: blobs.clone(),
        clock: Arc::clone(clock),
        worker: identity.id().to_owned(),
        lease: Duration::from_secs(analysis.lease_seconds.get()),
        stall: Duration::from_secs(analysis.stall_seconds.get()),
        preview_min_bytes: analysis.preview_min_bytes,
        max_attempts: analysis.max_attempts.get(),
        retry_backoff: Duration::from_secs(analysis.retry_backoff_seconds),
        // Features of long films go beside the databases: the system's temporary folder may be memory.
        execution: Execution { feature_cache, temporary: settings.data_dir.clone(), ..analysis.execution() },
    };
    let mine = Abandoned::By(identity.id());
    let recovered = queue::recover(db, mine, runner.max_attempts, clock.now()).await.map_err(environment)?;
    if recovered > 0 {
        log::info!("jobs of the last run recovered count={recovered}");
    }
    let poll = Duration::from_secs(analysis.poll_seconds.get());
    Ok((AnalysisWorkers::start(analysis.slots.get(), &runner, poll), identity))
}

/// Refuses to start without a program that every analysis needs.
fn require_program(key: &str, program: &std::path::Path) -> Result<(), SettingsError> {
    let outcome = std::process::Command::new(program).arg("-version").output();
    match outcome {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(SettingsError::key(key, format!("{}: {}", program.display(), output.status))),
        Err(error) => Err(SettingsError::key(key, format!("{}: {error}", program.display()))),
    }
}

fn serve(
    settings: &Settings,
    role: Role,
    state: State,
    readers: Vec<DatabaseConnection>,
    hub: ProgressHub,
    listener: TcpListener,
) -> Result<Server, StartError> {
    let introspector = Arc::new(Introspector::new(
        &settings.user_service,
        settings.client_secret()?,
        Arc::clone(&state.clock),
    ));
    let user_service = web::Data::new(ClientCredentials::new(
        &settings.account_deletion.client_id,
        &settings.account_deletion_secret()?,
    ));
    let webhooks = web::Data::new(Webhooks::new(&settings.webhook_key()?, settings.webhooks.clone()));
    let shares = web::Data::new(Shares::new(&settings.url_signing_key()?, settings.shares.clone()));
    let decoding = web::Data::new(Decoding::new(settings.analysis.execution()));
    let storyboards = web::Data::new(Storyboards::new());
    let timeout = Duration::from_secs(settings.user_service.timeout_seconds.get());
    let readiness = readiness::checks(&state, &hub, settings, timeout);
    let document = api::document();
    let origins = settings.http.cors_allowed_origins.clone();
    let metrics = metrics::middleware("video_service").map_err(environment)?;
    let threads = Arc::new(AtomicUsize::new(0));
    let server = HttpServer::new(move || {
        let thread = threads.fetch_add(1, Ordering::Relaxed);
        let reader = readers.iter().cycle().nth(thread).unwrap_or(&state.db).clone();
        let state = State { reader, ..state.clone() };
        let app = App::new()
            .app_data(web::Data::new(state))
            .app_data(web::Data::new(hub.clone()))
            .app_data(IntrospectionClient::start(Arc::clone(&introspector), client(timeout)))
            .app_data(user_service.clone())
            .app_data(webhooks.clone())
            .app_data(shares.clone())
            .app_data(decoding.clone())
            .app_data(storyboards.clone())
            .wrap(metrics.clone())
            .wrap(from_fn(request::request_context))
            .wrap(origins.middleware())
            .wrap(from_fn(security_headers))
            .configure(app::defaults)
            .configure(health::routes(readiness.clone()));
        if role == Role::Work {
            return app;
        }
        app.configure(openapi::routes(document.clone())).configure(endpoint::routes(api::endpoints()))
    });
    let server = server
        .workers(settings.http.workers.get())
        .shutdown_timeout(settings.http.shutdown_timeout_seconds)
        // Who has gone is not decoded for, and listens to nothing: otherwise that is seen when something is written.
        .h1_allow_half_closed(false)
        // SIGINT would be forceful: both signals are ours, see `Application::run`.
        .disable_signals()
        .listen(listener)
        .map_err(environment)?;
    Ok(server.run())
}

fn environment(error: impl std::fmt::Display) -> StartError {
    StartError::Environment(error.to_string())
}
