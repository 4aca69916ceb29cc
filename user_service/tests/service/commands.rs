//! What operators do at the machine while the service runs.

use std::path::Path;

use awc::Client;
use jsonwebtoken::decode_header;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::process::{PASSWORD, Running, assert_one_line, program};

/// What a command that succeeds prints.
#[track_caller]
fn printed(folder: &Path, arguments: &[&str]) -> String {
    let output = program(folder).args(arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Ids of the keys that `service` publishes.
async fn published(service: &Running) -> Vec<String> {
    let address = format!("{}/.well-known/jwks.json", service.base);
    let set: Value = Client::default().get(address).send().await.unwrap().json().await.unwrap();
    let keys = set["keys"].as_array().unwrap().iter();
    keys.map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

#[actix_web::test]
async fn a_service_that_runs_follows_when_its_operator_changes_the_keys() {
    let folder = tempfile::tempdir().unwrap();
    let service = Running::start(program(folder.path()));
    let account = json!({"username": "ann", "email": "ann@example.org", "password": PASSWORD});
    assert_eq!(service.post("/users/register", &account).await.0, 201);
    let login = async || {
        let (status, tokens) =
            service.post("/users/login", &json!({"username": "ann", "password": PASSWORD})).await;
        assert_eq!(status, 200);
        tokens["access_token"].as_str().unwrap().to_owned()
    };
    let kid = |token: &str| decode_header(token).unwrap().kid.unwrap();
    let first = login().await;
    assert_eq!(published(&service).await, [kid(&first)]);

    let rotated = printed(folder.path(), &["keys", "rotate"]);
    assert_eq!(published(&service).await, [rotated.trim(), &kid(&first)]);
    let second = login().await;
    assert_eq!(kid(&second), rotated.trim());
    for token in [&first, &second] {
        assert_eq!(service.get("/users/profile", token).await, 200);
    }
    let list = printed(folder.path(), &["keys", "list"]);
    let lines: Vec<_> = list.lines().collect();
    assert_eq!(lines.len(), 2, "{list}");
    assert!(lines[0].starts_with(&kid(&second)) && lines[0].ends_with("  signs"), "{list}");
    assert!(lines[1].starts_with(&kid(&first)) && lines[1].contains("  verifies until 2"), "{list}");

    let rotated = printed(folder.path(), &["keys", "rotate", "--withdraw"]);
    assert_eq!(published(&service).await, [rotated.trim()]);
    for token in [&first, &second] {
        assert_eq!(service.get("/users/profile", token).await, 401);
    }
    assert_eq!(service.get("/users/profile", &login().await).await, 200);
}

/// The id and the secret that a command has printed.
fn credentials(text: &str) -> (String, String) {
    let value = |key: &str| {
        let line = text.lines().find(|line| line.starts_with(key)).expect(text);
        line.split('"').nth(1).expect(text).to_owned()
    };
    (value("client_id = "), value("client_secret = "))
}

#[actix_web::test]
async fn a_service_that_runs_knows_the_clients_that_its_operator_makes() {
    let folder = tempfile::tempdir().unwrap();
    let service = Running::start(program(folder.path()));
    let asked = async |id: &str, secret: &str| service.introspect_as(id, secret, "x").await.0;
    let (id, first) = credentials(&printed(folder.path(), &["clients", "create", "Video Service"]));
    assert_eq!(asked(&id, &first).await, 200);
    let (again, second) = credentials(&printed(folder.path(), &["clients", "rotate", &id]));
    assert_eq!(again, id);
    assert_eq!((asked(&id, &second).await, asked(&id, &first).await), (200, 200), "one day both count");
    let configured = folder.path().join("secrets/introspection_client_secret");
    let configured = std::fs::read_to_string(configured).unwrap();
    assert_eq!(asked("video_service", &configured).await, 200);
    let (status, refusal) = service.introspect_as(&id, &configured, "x").await;
    assert_eq!((status, &refusal["error"]), (401, &json!("invalid_client")));

    let list = printed(folder.path(), &["clients", "list"]);
    assert_eq!(list.lines().count(), 1, "{list}");
    assert!(list.starts_with(&format!("{id}  Video Service  made 2")), "{list}");
    assert!(list.contains("  the secret before counts until 2"), "{list}");
    for secret in [&first, &second] {
        assert!(secret.len() > 43 && !list.contains(secret.as_str()));
    }
    printed(folder.path(), &["clients", "rotate", &id, "--overlap-hours", "0"]);
    assert!(!printed(folder.path(), &["clients", "list"]).contains("before counts"));
    assert_eq!(printed(folder.path(), &["clients", "delete", &id]), "");
    assert_eq!(printed(folder.path(), &["clients", "list"]), "");
    for command in [["rotate", &id], ["delete", &id], ["delete", "video_service"]] {
        let output = program(folder.path()).arg("clients").args(command).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("no such client"), "{output:?}");
    }
    let output = program(folder.path()).args(["clients", "create", ""]).output().unwrap();
    assert_one_line(&output, 1, "the name");

    let (_, log) = service.stop(Signal::TERM);
    for secret in [&first, &second] {
        assert!(!log.contains(secret.as_str()), "{log}");
    }
}
