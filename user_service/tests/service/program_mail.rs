//! Mail and invites, with the real program.

use std::process::Command;

use awc::Client;
use chrono::DateTime;
use entity::user_db::mail;
use rustix::process::Signal;
use sea_orm::sea_query::Expr;
use sea_orm::{Database, EntityTrait};
use serde_json::json;

use crate::mail_server::{self, BrokenServer, MailServer};
use crate::process::{Running, create_administrator, program};
use crate::support::PASSWORD;

/// What makes a program send over the server at `port`.
fn with_mail(command: &mut Command, port: u16) {
    for (name, value) in mail_server::settings(&port.to_string()) {
        command.env(format!("USER_SERVICE__{name}"), value);
    }
}

#[actix_web::test]
async fn a_message_survives_the_program_and_the_log_does_not_know_its_token_or_its_receiver() {
    let folder = tempfile::tempdir().unwrap();
    let broken = BrokenServer::start();
    let port = broken.port();
    let start = || {
        let mut command = program(folder.path());
        with_mail(&mut command, port);
        command.env("USER_SERVICE__LOG__FILTER", "info,user_service=trace,sqlx=trace,lettre=trace");
        Running::start(command)
    };
    let first = start();
    let account = json!({"username": "ann", "email": "ann@example.org", "password": PASSWORD});
    assert_eq!(first.post("/users/register", &account).await.0, 201);
    let refused = json!({"username": "bob", "email": "refused@example.org", "password": PASSWORD});
    assert_eq!(first.post("/users/register", &refused).await.0, 201);
    broken.tried_once().await;
    let (_, mut log) = first.stop(Signal::KILL);

    let mut server = MailServer::start_on(port).await;
    // What the first has begun is its own for another minute; a real one is long for a test.
    let db = Database::connect(format!("sqlite://{}", folder.path().join("user_service.db").display()))
        .await
        .unwrap();
    let now = DateTime::UNIX_EPOCH;
    mail::Entity::update_many()
        .col_expr(mail::Column::AvailableAt, Expr::value(now))
        .exec(&db)
        .await
        .unwrap();
    db.close().await.unwrap();
    let mut second = start();
    let message = server.next().await;
    while !second.lines.iter().any(|line| line.contains("mail given up")) {
        second.read_line();
    }
    assert_eq!(second.post("/users/email/verify", &json!({"token": "x"})).await.0, 403);
    let tokens = second.post("/users/login", &json!({"username": "ann", "password": PASSWORD})).await.1;
    let token = tokens["access_token"].as_str().unwrap();
    let answer = Client::default().post(format!("{}/users/email/verify", second.base));
    let answer = answer.send_json(&json!({"token": message.token()})).await.unwrap();
    assert_eq!(answer.status(), 204);
    assert_eq!(second.get("/users/profile", token).await, 200);
    log.push_str(&second.stop(Signal::TERM).1);
    assert!(log.contains("not mailed") || log.contains("mailed kind=EmailVerification"), "{log}");
    for secret in ["@example.org", &message.token()] {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
    }
}

#[actix_web::test]
async fn the_operator_invites_and_makes_administrators_where_nobody_else_may_register() {
    let folder = tempfile::tempdir().unwrap();
    let command = || {
        let mut command = program(folder.path());
        command.env("USER_SERVICE__REGISTRATION__MODE", "invite");
        command
    };
    let invited = command().args(["invite", "create", "--days", "1"]).output().unwrap();
    assert!(invited.status.success(), "{invited:?}");
    let code = String::from_utf8(invited.stdout).unwrap();
    for wrong in ["0", "366", "x"] {
        let refused = command().args(["invite", "create", "--days", wrong]).output().unwrap();
        assert_eq!(refused.status.code(), Some(2));
    }
    let service = Running::start(command());
    let mut account = json!({"username": "ann", "email": "ann@example.org", "password": PASSWORD});
    assert_eq!(service.post("/users/register", &account).await.0, 422);
    account["invite_code"] = code.trim().into();
    assert_eq!(service.post("/users/register", &account).await.0, 201);
    let (_, log) = service.stop(Signal::TERM);
    assert!(!log.contains("kadr_inv_"), "{log}");

    let created = create_administrator(folder.path(), "root", PASSWORD);
    assert!(created.status.success());
    let mut command = program(folder.path());
    with_mail(&mut command, 9);
    command.env("USER_SERVICE__REGISTRATION__REQUIRE_VERIFIED_EMAIL", "true");
    let service = Running::start(command);
    let login = json!({"email": "root@example.org", "password": PASSWORD});
    assert_eq!(service.post("/users/login", &login).await.0, 200, "the operator's word is enough");
}
