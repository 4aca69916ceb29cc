//! Share links with a password: what opens them, and what guessing costs.

use chrono::{DateTime, TimeDelta, Utc};
use entity::video_db::share;
use rstest::rstest;
use sea_orm::sea_query::Expr;
use sea_orm::{EntityTrait, QueryFilter};
use serde_json::{Value, json};
use service_kit::clock::{Clock, SystemClock};
use service_kit::testing::Backend;
use uuid::Uuid;

use crate::support::{Answer, Kadr, Setup, User, red_then_blue};

const PASSWORD: &str = "correct horse";

/// What a link shows.
const PARTS: [&str; 4] = ["", "/content", "/poster.jpg", "/analysis"];

#[rstest]
#[actix_web::test]
async fn a_link_with_a_password_opens_for_whoever_knows_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = setup(backend).start().await;
    let ada = kadr.user("ada").await;
    let path = ada.upload(red_then_blue()).await;
    assert_eq!(ada.ended_analysis(&path).await["status"], "succeeded");
    let made = protected(&ada, &path).await;
    assert_eq!(made["has_password"], true);
    let link = made["url"].as_str().unwrap();
    for part in PARTS {
        see(&kadr, &format!("{link}{part}")).await.problem(403, "share-password-required");
    }
    unlock(&kadr, link, "correct house").await.problem(403, "wrong-password");
    unlock(&kadr, link, "").await.problem(403, "wrong-password");

    let answer = unlock(&kadr, link, PASSWORD).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    let unlocked = answer.ok(200);
    let grant = unlocked["grant"].as_str().unwrap();
    for part in PARTS {
        let answer = see(&kadr, &format!("{link}{part}?grant={grant}")).await;
        assert_eq!(answer.status, 200, "{part}: {}", String::from_utf8_lossy(&answer.body));
    }
    let request = kadr.anonymous("GET", unlocked["content_url"].as_str().unwrap());
    let part = Answer::to(request.insert_header(("range", "bytes=0-9")), "").await;
    assert_eq!((part.status, part.body.as_slice()), (206, &red_then_blue()[..10]));

    let row = row(&kadr, &made).await;
    assert!(!format!("{:?}", row.password_hash).contains(PASSWORD));
    assert!(row.password_hash.unwrap().0.starts_with("$2b$04$"));
    ada.delete(&format!("{path}/shares/{}", made["id"].as_str().unwrap())).await.ok(204);
    see(&kadr, &format!("{link}?grant={grant}")).await.problem(404, "not-found");
}

#[rstest]
#[actix_web::test]
async fn a_grant_opens_its_own_link_alone_and_cannot_be_made_up(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = setup(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let path = ada.upload_quietly(red_then_blue()).await;
    let (one, two) = (protected(&ada, &path).await, protected(&ada, &path).await);
    let (one, two) = (one["url"].as_str().unwrap(), two["url"].as_str().unwrap());
    let unlocked = unlock(&kadr, one, PASSWORD).await.ok(200);
    let grant = unlocked["grant"].as_str().unwrap();
    see(&kadr, &format!("{one}?grant={grant}")).await.ok(200);
    see(&kadr, &format!("{two}?grant={grant}")).await.problem(403, "share-password-required");
    let (end, signature) = grant.split_once('.').unwrap();
    let later = end.parse::<i64>().unwrap() + 1;
    let url = ada.post(&format!("{path}/content-url"), json!({})).await.ok(200);
    let content_signature = url["url"].as_str().unwrap().split("signature=").nth(1).unwrap();
    for forged in [
        format!("{later}.{signature}"),
        format!("{end}.{content_signature}"),
        format!("{end}."),
        end.to_owned(),
        String::new(),
        PASSWORD.replace(' ', "+"),
    ] {
        let answer = see(&kadr, &format!("{one}/content?grant={forged}")).await;
        answer.problem(403, "share-password-required");
    }
    // A link without a password needs none, and one may be shown nevertheless.
    let open = ada.post(&format!("{path}/shares"), json!({})).await.ok(201);
    let open = open["url"].as_str().unwrap();
    see(&kadr, &format!("{open}?grant={grant}")).await.ok(200);
    unlock(&kadr, open, PASSWORD).await.problem(409, "share-without-password");
}

#[rstest]
#[actix_web::test]
async fn a_grant_lasts_no_longer_than_its_link(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = setup(backend).without_workers().video("SHARES__GRANT_SECONDS", 3600).start().await;
    let ada = kadr.user("ada").await;
    let path = ada.video("Film").await;
    let end_of_grant = async |expires_at: DateTime<Utc>| -> DateTime<Utc> {
        let new = json!({"password": PASSWORD, "expires_at": expires_at});
        let made = ada.post(&format!("{path}/shares"), new).await.ok(201);
        let unlocked = unlock(&kadr, made["url"].as_str().unwrap(), PASSWORD).await.ok(200);
        unlocked["expires_at"].as_str().unwrap().parse().unwrap()
    };
    let soon = SystemClock.now() + TimeDelta::minutes(30);
    let end = end_of_grant(soon).await;
    assert_eq!(end.timestamp(), soon.timestamp());
    let before = SystemClock.now().timestamp();
    let end = end_of_grant(soon + TimeDelta::days(1)).await.timestamp();
    assert!((before + 3600..=SystemClock.now().timestamp() + 3600).contains(&end), "{end}");
}

#[rstest]
#[actix_web::test]
async fn a_password_that_bcrypt_would_cut_is_refused(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = setup(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let path = ada.video("Film").await;
    let longest = "x".repeat(72);
    for wrong in ["", "seven77", &"x".repeat(73), &"é".repeat(37), "nul\0nul\0nul"] {
        let refused = ada.post(&format!("{path}/shares"), json!({"password": wrong})).await;
        let problem = refused.problem(422, "validation-failed");
        assert_eq!(problem["errors"][0]["pointer"], "/password", "{wrong}");
    }
    let made = ada.post(&format!("{path}/shares"), json!({"password": longest})).await.ok(201);
    let link = made["url"].as_str().unwrap();
    // With a byte more the first 72 are right, and would open the link if the rest were ignored.
    let problem = unlock(&kadr, link, &format!("{longest}x")).await.problem(422, "validation-failed");
    assert_eq!(problem["errors"][0]["pointer"], "/password");
    assert_eq!(row(&kadr, &made).await.failures, 0);
    unlock(&kadr, link, &longest).await.ok(200);
}

#[rstest]
#[actix_web::test]
async fn guessing_gets_slower_and_nobody_is_locked_out_for_good(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = setup(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let made = protected(&ada, &ada.video("Film").await).await;
    let link = made["url"].as_str().unwrap();
    for _ in 0..9 {
        unlock(&kadr, link, "a wrong guess").await.problem(403, "wrong-password");
    }
    unlock(&kadr, link, PASSWORD).await.ok(200);
    let opened = row(&kadr, &made).await;
    assert_eq!((opened.failures, opened.blocked_until), (0, None));

    // As after a long row of guesses: the next one costs a minute.
    failed(&kadr, &made, 100).await;
    unlock(&kadr, link, "a wrong guess").await.problem(403, "wrong-password");
    let blocked = unlock(&kadr, link, PASSWORD).await;
    blocked.problem(429, "too-many-requests");
    let pause: i64 = blocked.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&pause), "{pause}");
    let row = row(&kadr, &made).await;
    assert_eq!(row.failures, 101, "what is not looked at is not counted");
    let other = protected(&ada, &ada.video("Another").await).await;
    unlock(&kadr, other["url"].as_str().unwrap(), PASSWORD).await.ok(200);

    // When the minute is over.
    failed(&kadr, &made, 101).await;
    unlock(&kadr, link, PASSWORD).await.ok(200);
}

#[rstest]
#[actix_web::test]
async fn of_many_guesses_at_once_one_is_looked_at(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = setup(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let made = protected(&ada, &ada.video("Film").await).await;
    failed(&kadr, &made, 100).await;
    let link = made["url"].as_str().unwrap();
    let answers = futures_util::future::join_all((0..8).map(|_| unlock(&kadr, link, "a wrong guess"))).await;
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [403, 429, 429, 429, 429, 429, 429, 429]);
}

/// With hashes that cost little.
fn setup(backend: Backend) -> Setup {
    Setup::on(backend).video("SHARES__BCRYPT_COST", 4)
}

/// A new link to the video at `path`, with a password.
async fn protected(user: &User<'_>, path: &str) -> Value {
    user.post(&format!("{path}/shares"), json!({"password": PASSWORD})).await.ok(201)
}

async fn unlock(kadr: &Kadr, link: &str, password: &str) -> Answer {
    let request = kadr.anonymous("POST", &format!("{link}/unlock")).content_type("application/json");
    Answer::to(request, json!({"password": password}).to_string()).await
}

/// What somebody sees who has no account.
async fn see(kadr: &Kadr, path: &str) -> Answer {
    Answer::to(kadr.anonymous("GET", path), "").await
}

async fn row(kadr: &Kadr, made: &Value) -> share::Model {
    let id: Uuid = made["id"].as_str().unwrap().parse().unwrap();
    share::Entity::find_by_id(id).one(&kadr.database().await).await.unwrap().unwrap()
}

/// As if so many passwords had been wrong, the last one a while ago.
async fn failed(kadr: &Kadr, made: &Value, failures: i32) {
    let id: Uuid = made["id"].as_str().unwrap().parse().unwrap();
    share::Entity::update_many()
        .filter(share::COLUMN.id.eq(id))
        .col_expr(share::Column::Failures, Expr::value(failures))
        .col_expr(share::Column::BlockedUntil, Expr::value(SystemClock.now()))
        .exec(&kadr.database().await)
        .await
        .unwrap();
}
