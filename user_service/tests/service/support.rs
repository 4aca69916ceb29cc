//! Starting the service, and talking to it.

use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap};
use awc::{Client, ClientRequest};
use chrono::DateTime;
use entity::user_db::account;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveEnum, ColumnTrait, Database, DatabaseConnection, EntityTrait, QueryFilter};
use serde::Serialize;
use serde_json::{Value, json};
use service_kit::client::client;
use service_kit::clock::ManualClock;
use service_kit::testing::{Backend, TestDatabase};
use tempfile::TempDir;
use user_service::Application;
use user_service::passwords::PasswordHasher;
use user_service::settings::Settings;

pub(crate) const PASSWORD: &str = "correct horse battery";

/// Below what any request takes, a debug build on a busy machine included.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How often a condition is looked at.
const GLANCE: Duration = Duration::from_millis(50);

/// Waits until `condition` holds; fails where it does not for [`TIMEOUT`].
pub(crate) async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let mut glances = actix_rt::time::interval(GLANCE);
    let search = async {
        while !condition().await {
            glances.tick().await;
        }
    };
    actix_rt::time::timeout(TIMEOUT, search).await.unwrap_or_else(|_| panic!("{what} never happened"));
}

/// The service, its database, its folder and its clock.
pub(crate) struct TestService {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) passwords: PasswordHasher,
    base: String,
    client: Client,
    ground: Rc<Ground>,
}

/// What outlives one run of the service.
struct Ground {
    database: TestDatabase,
    folder: TempDir,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// Null where there is no JSON.
    pub(crate) body: Value,
}

impl TestService {
    pub(crate) async fn start(backend: Backend) -> Self {
        Self::start_with(backend, &[]).await
    }

    /// With variables such as `("TOKENS__AUDIENCE", "x")`.
    pub(crate) async fn start_with(backend: Backend, variables: &[(&str, &str)]) -> Self {
        let database = TestDatabase::create(backend).await.unwrap();
        let ground = Rc::new(Ground { database, folder: tempfile::tempdir().unwrap() });
        let clock = ManualClock::at(DateTime::from_timestamp(1_800_000_000, 0).unwrap());
        Self::run(ground, clock, variables).await
    }

    /// Another run on the same database and folder.
    pub(crate) async fn restart_with(self, variables: &[(&str, &str)]) -> Self {
        Self::run(self.ground, self.clock, variables).await
    }

    /// The service, and another one beside it.
    pub(crate) async fn with_another_instance(self, variables: &[(&str, &str)]) -> (Self, Self) {
        let other = Self::run(Rc::clone(&self.ground), self.clock.clone(), variables).await;
        (self, other)
    }

    async fn run(ground: Rc<Ground>, clock: Arc<ManualClock>, variables: &[(&str, &str)]) -> Self {
        let settings = settings(ground.folder.path(), ground.database.url(), variables);
        let application = Application::build_with_clock(&settings, clock.clone()).await.unwrap();
        let base = format!("http://127.0.0.1:{}", application.port());
        let passwords = application.passwords().clone();
        actix_web::rt::spawn(application.run_until_stopped());
        Self { clock, passwords, base, client: client(TIMEOUT), ground }
    }

    /// The database the service works on.
    pub(crate) async fn database(&self) -> DatabaseConnection {
        Database::connect(self.ground.database.url()).await.unwrap()
    }

    pub(crate) fn folder(&self) -> &Path {
        self.ground.folder.path()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> ClientRequest {
        self.client.request(method, self.url(path))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        read(self.request(Method::GET, path).send()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &impl Serialize) -> Answer {
        read(self.request(Method::POST, path).send_json(body)).await
    }

    /// A body as it is, with a media type.
    pub(crate) async fn post_raw(&self, path: &str, media_type: &str, body: impl Into<String>) -> Answer {
        let request = self.request(Method::POST, path).insert_header((header::CONTENT_TYPE, media_type));
        read(request.send_body(body.into())).await
    }

    pub(crate) async fn with_token(&self, method: Method, path: &str, token: &str) -> Answer {
        read(
            self.request(method, path)
                .insert_header((header::AUTHORIZATION, format!("Bearer {token}")))
                .send(),
        )
        .await
    }

    /// A body in the name of somebody, with headers such as `If-Match`.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        token: &str,
        headers: &[(&str, &str)],
        body: &impl Serialize,
    ) -> Answer {
        let mut request = self.request(method, path);
        request = request.insert_header((header::AUTHORIZATION, format!("Bearer {token}")));
        for header in headers {
            request = request.insert_header(*header);
        }
        read(request.send_json(body)).await
    }

    pub(crate) async fn profile(&self, token: &str) -> Answer {
        self.with_token(Method::GET, "/users/profile", token).await
    }

    pub(crate) async fn register(&self, username: &str) -> Answer {
        let body = json!({
            "username": username, "email": format!("{username}@example.org"), "password": PASSWORD
        });
        self.post("/users/register", &body).await
    }

    pub(crate) async fn login(&self, username: &str) -> Answer {
        self.post("/users/login", &json!({"username": username, "password": PASSWORD})).await
    }

    /// The tokens of a new account.
    pub(crate) async fn new_session(&self, username: &str) -> Value {
        assert_eq!(self.register(username).await.status, 201);
        let answer = self.login(username).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body
    }

    /// The access token of a new administrator.
    pub(crate) async fn new_administrator(&self, username: &str) -> String {
        assert_eq!(self.register(username).await.status, 201);
        account::Entity::update_many()
            .col_expr(account::Column::Role, Expr::value(account::Role::Admin.to_value()))
            .filter(account::Column::UsernameKey.eq(username))
            .exec(&self.database().await)
            .await
            .unwrap();
        self.login(username).await.body["access_token"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn refresh(&self, refresh_token: &Value) -> Answer {
        self.post("/users/refresh", &json!({"refresh_token": refresh_token})).await
    }

    /// Introspection as Video Service asks for it.
    pub(crate) async fn introspect(&self, token: &str) -> Answer {
        let secret =
            std::fs::read_to_string(self.folder().join("secrets/introspection_client_secret")).unwrap();
        let request = self.request(Method::POST, "/oauth/introspect").basic_auth("video_service", secret);
        read(request.send_form(&[("token", token)])).await
    }
}

impl Answer {
    pub(crate) fn header(&self, name: impl header::AsHeaderName) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The pointers of a problem's errors.
    pub(crate) fn pointers(&self) -> Vec<&str> {
        let errors = self.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect()
    }

    /// Checks what every error has in common.
    #[track_caller]
    pub(crate) fn assert_problem(&self, status: u16, kind: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.body["type"], format!("urn:kadr:problem:{kind}"), "{self:?}");
        assert_eq!(self.header(header::CONTENT_TYPE), Some("application/problem+json"));
        assert_eq!(self.body["status"], status);
        assert_eq!(self.body["request_id"].as_str(), self.header("x-request-id"));
        if status == 401 {
            assert!(self.header(header::WWW_AUTHENTICATE).is_some_and(|value| value.starts_with("Bearer")));
        }
    }
}

/// Reads an answer to its end.
pub(crate) async fn read(request: awc::SendClientRequest) -> Answer {
    let mut response = request.await.unwrap();
    let bytes = response.body().await.unwrap();
    Answer {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
    }
}

fn settings(folder: &Path, database_url: &str, variables: &[(&str, &str)]) -> Settings {
    let folder = folder.to_str().unwrap();
    let own = [
        ("DATA_DIR", folder),
        ("DATABASE__URL", database_url),
        ("DATABASE__MAX_CONNECTIONS", "4"),
        ("HTTP__PORT", "0"),
        ("HTTP__WORKERS", "2"),
        ("PASSWORDS__BCRYPT_COST", "4"),
    ];
    let all = own.iter().chain(variables);
    let variables = all.map(|(name, value)| (format!("USER_SERVICE__{name}"), (*value).to_owned()));
    Settings::load(None, variables).unwrap()
}
