//! The real program: its exit codes, its log, its signals.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Output, Stdio};

use actix_web::http::header;
use awc::Client;
use rstest::rstest;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

pub(crate) const PASSWORD: &str = "correct horse battery";

/// The program on a folder of its own, without anything from the environment of the tests.
pub(crate) fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_user_service"));
    command
        .env_clear()
        .env("USER_SERVICE__DATA_DIR", folder)
        .env("USER_SERVICE__HTTP__PORT", "0")
        .env("USER_SERVICE__PASSWORDS__BCRYPT_COST", "4");
    command
}

/// A program that has said on which port it listens. It dies with its test.
pub(crate) struct Running {
    child: Child,
    log: BufReader<ChildStderr>,
    pub(crate) base: String,
    pub(crate) lines: Vec<String>,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let mut running = Self { child, log, base: String::new(), lines: Vec::new() };
        while running.base.is_empty() {
            running.read_line();
        }
        running
    }

    pub(crate) fn read_line(&mut self) {
        let mut line = String::new();
        assert_ne!(self.log.read_line(&mut line).unwrap(), 0, "it ended: {:?}", self.lines);
        if line.contains("listening host") {
            let port: u16 = line.split("port=").nth(1).unwrap().trim().parse().unwrap();
            self.base = format!("http://127.0.0.1:{port}");
        }
        self.lines.push(line);
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let request =
            Client::default().post(format!("{}{path}", self.base)).insert_header(("x-request-id", "test-7"));
        let mut response = request.send_json(body).await.unwrap();
        let bytes = response.body().await.unwrap();
        (response.status().as_u16(), serde_json::from_slice(&bytes).unwrap())
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> u16 {
        let request = Client::default().get(format!("{}{path}", self.base));
        request
            .insert_header((header::AUTHORIZATION, format!("Bearer {token}")))
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    }

    async fn introspect(&self, token: &str, secret: &str) -> Value {
        self.introspect_as("video_service", secret, token).await.1
    }

    pub(crate) async fn introspect_as(&self, client: &str, secret: &str, token: &str) -> (u16, Value) {
        let request = Client::default().post(format!("{}/oauth/introspect", self.base));
        let mut answer = request.basic_auth(client, secret).send_form(&[("token", token)]).await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// The exit code after `signal`, and everything that was logged.
    pub(crate) fn stop(mut self, signal: Signal) -> (Option<i32>, String) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
        let mut rest = String::new();
        self.log.read_to_string(&mut rest).unwrap();
        self.lines.push(rest);
        (self.child.wait().unwrap().code(), self.lines.concat())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail where it has ended already, which is what they are for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Checks that there is one line on standard error that says `what`.
#[track_caller]
pub(crate) fn assert_one_line(output: &Output, code: i32, what: &str) {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.starts_with("user_service: ") && text.contains(what), "{text}");
}

#[rstest]
#[case("PASSWORDS__BCRYPT_COST", "3", "passwords.bcrypt_cost")]
#[case("PASSWORDS__BCRYPT_COST", "40", "passwords.bcrypt_cost")]
#[case("HTTP__PORT", "many", "http.port")]
#[case("HTTP__WORKERS", "0", "http.workers")]
#[case("HTTP__HOST", "999.999.999.999", "http.host")]
#[case("HTTP__PROT", "8000", "http")]
#[case("DATABASE__URL", "mysql://localhost/kadr", "database.url")]
#[case("DATABASE__URL_FILE", "/nowhere/url", "DATABASE__URL_FILE")]
#[case("DATA_DIR", "/proc/nowhere", "data_dir")]
#[case("LOG__FILTER", "user_service=loud", "log.filter")]
#[case("TOKENS__ISSUER", "kadr", "tokens.issuer")]
#[case("INTROSPECTION__CLIENT_SECRET", "short", "introspection.client_secret")]
fn a_wrong_configuration_is_one_line_that_names_the_key(
    #[case] name: &str,
    #[case] value: &str,
    #[case] key: &str,
) {
    let folder = tempfile::tempdir().unwrap();
    let output = program(folder.path()).env(format!("USER_SERVICE__{name}"), value).output().unwrap();
    assert_one_line(&output, 2, key);
}

#[test]
fn a_file_is_read_and_its_unknown_keys_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("settings.toml");
    std::fs::write(&file, "[passwords]\nbcrypt_coast = 5\n").unwrap();
    let output = program(folder.path()).arg("--config").arg(&file).output().unwrap();
    assert_one_line(&output, 2, "bcrypt_coast");
    let output = program(folder.path()).env("USER_SERVICE_CONFIG", "/nowhere.toml").output().unwrap();
    assert_one_line(&output, 2, "/nowhere.toml");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = program(folder.path()).env("USER_SERVICE__HTTP__PORT", &port).output().unwrap();
    assert_one_line(&output, 2, "http.port");
    assert!(String::from_utf8_lossy(&output.stderr).contains(&port));
}

#[test]
fn a_database_without_schema_is_refused_until_it_is_migrated() {
    let folder = tempfile::tempdir().unwrap();
    let command = || {
        let mut command = program(folder.path());
        command.env("USER_SERVICE__DATABASE__MIGRATE_ON_START", "false");
        command
    };
    assert_one_line(&command().output().unwrap(), 1, "user_service migrate");
    assert!(command().arg("migrate").status().unwrap().success());
    assert!(command().arg("migrate").status().unwrap().success(), "twice does no harm");
    let (code, _) = Running::start(command()).stop(Signal::TERM);
    assert_eq!(code, Some(0));
}

#[rstest]
#[case(Signal::TERM)]
#[case(Signal::INT)]
fn a_signal_ends_it_cleanly(#[case] signal: Signal) {
    let folder = tempfile::tempdir().unwrap();
    let (code, log) = Running::start(program(folder.path())).stop(signal);
    assert_eq!(code, Some(0), "{log}");
    assert!(log.trim_end().ends_with("stopped"), "{log}");
}

#[test]
fn a_request_in_flight_is_answered_before_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut service = Running::start(program(folder.path()));
    let body = json!({"username": "ann", "email": "ann@example.org", "password": PASSWORD}).to_string();
    let mut connection = TcpStream::connect(service.base.strip_prefix("http://").unwrap()).unwrap();
    write!(
        connection,
        "POST /users/register HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .unwrap();
    let mut go_on = [0; 25];
    connection.read_exact(&mut go_on).unwrap();
    assert_eq!(go_on, *b"HTTP/1.1 100 Continue\r\n\r\n", "the handler waits for the body");

    kill_process(Pid::from_child(&service.child), Signal::TERM).unwrap();
    while !service.lines.iter().any(|line| line.contains("stopping signal=SIGTERM")) {
        service.read_line();
    }
    connection.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 Created"), "{answer}");
    assert_eq!(service.child.wait().unwrap().code(), Some(0));
}

#[actix_web::test]
async fn the_log_tells_each_request_and_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = program(folder.path());
    // Everything of ours; what libraries say in detail is theirs.
    command.env(
        "USER_SERVICE__LOG__FILTER",
        "info,user_service=trace,service_kit=trace,sqlx=trace,sea_orm=trace",
    );
    let service = Running::start(command);
    let account = json!({"username": "ann", "email": "ann@example.org", "password": PASSWORD});
    assert_eq!(service.post("/users/register", &account).await.0, 201);
    assert_eq!(service.post("/users/register", &account).await.0, 409);
    let wrong = json!({"username": "ann", "password": "wrong horse battery"});
    assert_eq!(service.post("/users/login", &wrong).await.0, 401);
    let (_, tokens) =
        service.post("/users/login", &json!({"email": "ann@example.org", "password": PASSWORD})).await;
    let access_token = tokens["access_token"].as_str().unwrap().to_owned();
    let refresh_token = tokens["refresh_token"].as_str().unwrap().to_owned();
    assert_eq!(service.get("/users/profile?token=query-secret", &access_token).await, 422);
    assert_eq!(service.get("/users/profile", &access_token).await, 200);
    assert_eq!(service.get("/users/profile", &refresh_token).await, 401);
    let (status, refreshed) = service.post("/users/refresh", &json!({"refresh_token": refresh_token})).await;
    assert_eq!(status, 200);

    let client_secret =
        std::fs::read_to_string(folder.path().join("secrets/introspection_client_secret")).unwrap();
    assert_eq!(service.introspect("garbage", &client_secret).await, json!({"active": false}));

    let (_, log) = service.stop(Signal::TERM);
    let line = log.lines().find(|line| line.contains("path=/users/register status=201")).expect(&log);
    assert!(
        line.contains("method=POST") && line.contains("milliseconds=") && line.contains("request_id=test-7")
    );
    assert!(log.lines().any(|line| line.contains("path=/users/profile status=401")), "{log}");
    let reason = log.lines().find(|line| line.contains("token inactive")).expect(&log);
    assert!(reason.contains("not a signed token") && reason.contains("request_id="), "{reason}");
    assert!(!reason.contains("garbage"), "{reason}");
    let new_refresh_token = refreshed["refresh_token"].as_str().unwrap();
    let signature = access_token.rsplit('.').next().unwrap();
    for secret in [
        PASSWORD,
        "wrong horse",
        "@example.org",
        "query-secret",
        "$2b$",
        "PRIVATE KEY",
        &refresh_token,
        new_refresh_token,
        signature,
        &client_secret,
    ] {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
    }
}

#[test]
fn the_command_line_explains_itself() {
    let folder = tempfile::tempdir().unwrap();
    let help = program(folder.path()).arg("--help").output().unwrap();
    let text = String::from_utf8(help.stdout).unwrap();
    for word in ["serve", "migrate", "--config", "USER_SERVICE_CONFIG"] {
        assert!(text.contains(word), "{word}");
    }
    assert_eq!(program(folder.path()).arg("dance").output().unwrap().status.code(), Some(2));
}

/// `admin create` with `password` on its standard input.
pub(crate) fn create_administrator(folder: &Path, username: &str, password: &str) -> Output {
    let mut command = program(folder);
    command.args(["admin", "create", "--username", username, "--email", "root@example.org"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("{password}\n").as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[actix_web::test]
async fn the_first_administrator_is_made_at_the_machine() {
    let folder = tempfile::tempdir().unwrap();
    let created = create_administrator(folder.path(), "root", PASSWORD);
    let text = String::from_utf8(created.stderr).unwrap();
    assert!(created.status.success(), "{text}");
    assert!(!text.contains(PASSWORD) && !text.contains("@example.org"), "{text}");
    let id = String::from_utf8(created.stdout).unwrap().trim().to_owned();

    let service = Running::start(program(folder.path()));
    let (status, tokens) =
        service.post("/users/login", &json!({"username": "root", "password": PASSWORD})).await;
    assert_eq!(status, 200);
    assert!(tokens["scope"].as_str().unwrap().split(' ').any(|scope| scope == "admin"));
    assert_eq!(
        service.get(&format!("/admin/users/{id}"), tokens["access_token"].as_str().unwrap()).await,
        200
    );
}

#[rstest]
#[case::common_password("root", "password", "password")]
#[case::no_password("root", "", "8 characters")]
#[case::impossible_name("r", PASSWORD, "user name")]
fn an_administrator_keeps_the_rules_of_everybody(
    #[case] username: &str,
    #[case] password: &str,
    #[case] what: &str,
) {
    let folder = tempfile::tempdir().unwrap();
    assert_one_line(&create_administrator(folder.path(), username, password), 1, what);
}

#[test]
fn a_name_that_is_taken_makes_no_administrator() {
    let folder = tempfile::tempdir().unwrap();
    assert!(create_administrator(folder.path(), "root", PASSWORD).status.success());
    let again = create_administrator(folder.path(), "Root", PASSWORD);
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("with this user name already"));
}
