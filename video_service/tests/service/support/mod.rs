//! Both services, really running on free ports, and a client that speaks with them.

mod answer;
mod events;
mod films;
mod process;
mod receiver;
mod user;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sea_orm::{Database, DatabaseConnection};
use service_kit::client::client;
use service_kit::clock::{SharedClock, SystemClock};
use service_kit::testing::{Backend, TestDatabase};
use tempfile::TempDir;
use video_service::settings::Settings;
use video_service::startup::{Application, Role};

pub(crate) use answer::{Answer, next_of, titles};
pub(crate) use events::{Event, Events};
pub(crate) use films::*;
pub(crate) use process::{Client, Installation, Process, program, run_video_service};
pub(crate) use receiver::{Message, Receiver};
pub(crate) use user::User;

/// How long anything in a test may take; only a fault takes so long. Longer than any lease that a killed process leaves.
pub(crate) const PATIENCE: Duration = Duration::from_mins(3);
/// How often a condition is looked at.
const GLANCE: Duration = Duration::from_millis(20);

/// How a test wants its services.
pub(crate) struct Setup {
    backend: Backend,
    video: Vec<(String, String)>,
    user_clock: SharedClock,
    role: Role,
}

/// Both services, until the test ends.
pub(crate) struct Kadr {
    user_url: String,
    video_url: String,
    client: awc::Client,
    folder: TempDir,
    database: TestDatabase,
}

impl Setup {
    pub(crate) fn on(backend: Backend) -> Self {
        Self { backend, video: Vec::new(), user_clock: Arc::new(SystemClock), role: Role::All }
    }

    /// With a key of Video Service, as `UPLOADS__MAX_BYTES`.
    pub(crate) fn video(mut self, key: &str, value: impl std::fmt::Display) -> Self {
        self.video.push((format!("VIDEO_SERVICE__{key}"), value.to_string()));
        self
    }

    /// With another time for User Service.
    pub(crate) fn user_clock(mut self, clock: SharedClock) -> Self {
        self.user_clock = clock;
        self
    }

    /// Without a worker: what is queued stays queued.
    pub(crate) fn without_workers(mut self) -> Self {
        self.role = Role::Serve;
        self
    }

    pub(crate) async fn start(self) -> Kadr {
        let folder = tempfile::tempdir().unwrap();
        let data = |name: &str| folder.path().join(name).display().to_string();
        let secrets = data("secrets");

        let user = vec![
            ("USER_SERVICE__DATA_DIR".to_owned(), data("user")),
            ("USER_SERVICE__SECRETS_DIR".to_owned(), secrets.clone()),
            ("USER_SERVICE__HTTP__PORT".to_owned(), "0".to_owned()),
            ("USER_SERVICE__PASSWORDS__BCRYPT_COST".to_owned(), "4".to_owned()),
        ];
        let settings = user_service::settings::Settings::load(None, user.into_iter()).unwrap();
        let users = user_service::Application::build_with_clock(&settings, self.user_clock).await.unwrap();
        let user_url = format!("http://127.0.0.1:{}", users.port());
        actix_rt::spawn(users.run_until_stopped());

        let database = TestDatabase::create(self.backend).await.unwrap();
        let mut video = vec![
            ("VIDEO_SERVICE__DATA_DIR".to_owned(), data("video")),
            ("VIDEO_SERVICE__SECRETS_DIR".to_owned(), secrets),
            ("VIDEO_SERVICE__HTTP__PORT".to_owned(), "0".to_owned()),
            ("VIDEO_SERVICE__DATABASE__URL".to_owned(), database.url().to_owned()),
            ("VIDEO_SERVICE__USER_SERVICE__URL".to_owned(), user_url.clone()),
        ];
        video.extend(self.video);
        let settings = Settings::load(None, video.into_iter()).unwrap();
        let videos = Application::build(settings, self.role).await.unwrap();
        let video_url = format!("http://127.0.0.1:{}", videos.port());
        actix_rt::spawn(videos.run_until_stopped());

        Kadr { user_url, video_url, client: client(PATIENCE), folder, database }
    }
}

impl Kadr {
    /// Both services as a user finds them.
    pub(crate) async fn start(backend: Backend) -> Self {
        Setup::on(backend).start().await
    }

    /// A new account, logged in.
    pub(crate) async fn user(&self, name: &str) -> User<'_> {
        User::register(self, name).await
    }

    /// Somebody who holds `token`, whatever it is.
    pub(crate) fn bearer(&self, token: &str) -> User<'_> {
        User::with_token(self, token)
    }

    /// A request to Video Service that carries no token.
    pub(crate) fn anonymous(&self, method: &str, path: &str) -> awc::ClientRequest {
        self.client.request(method.parse().unwrap(), format!("{}{path}", self.video_url))
    }

    /// A request to User Service.
    pub(crate) fn users(&self, method: &str, path: &str) -> awc::ClientRequest {
        self.client.request(method.parse().unwrap(), format!("{}{path}", self.user_url))
    }

    /// The database of Video Service, beside it.
    pub(crate) async fn database(&self) -> DatabaseConnection {
        Database::connect(self.database.url()).await.unwrap()
    }

    /// Where User Service keeps its records.
    pub(crate) fn user_database_url(&self) -> String {
        format!("sqlite://{}", self.folder.path().join("user/user_service.db").display())
    }

    /// A secret that both services share.
    pub(crate) fn secret(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join("secrets").join(name)).unwrap()
    }

    /// The host and port of Video Service, for what no HTTP library would send.
    pub(crate) fn video_address(&self) -> &str {
        self.video_url.trim_start_matches("http://")
    }

    /// An address of Video Service.
    pub(crate) fn video_url(&self, path: &str) -> String {
        format!("{}{path}", self.video_url)
    }

    /// Video Service's database.
    pub(crate) fn database_url(&self) -> &str {
        self.database.url()
    }

    /// The folder of Video Service's store.
    pub(crate) fn blob_dir(&self) -> PathBuf {
        self.folder.path().join("video/blobs")
    }

    /// Every file that holds, or is becoming, a blob.
    pub(crate) fn blobs(&self) -> Vec<PathBuf> {
        files_below(&self.blob_dir())
    }

    /// Every file of kept features.
    pub(crate) fn features(&self) -> Vec<PathBuf> {
        files_below(&self.folder.path().join("video/features"))
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

/// Waits until `condition` gives something; fails where it does not for [`PATIENCE`].
pub(crate) async fn eventually<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let mut glances = actix_rt::time::interval(GLANCE);
    let search = async {
        loop {
            glances.tick().await;
            if let Some(found) = condition().await {
                return found;
            }
        }
    };
    actix_rt::time::timeout(PATIENCE, search).await.unwrap_or_else(|_| panic!("{what} never happened"))
}
