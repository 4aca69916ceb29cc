//! Who is let in, who is not, and what that costs User Service.

use std::sync::Arc;

use rstest::rstest;
use serde_json::json;
use service_kit::clock::{Clock, ManualClock, SystemClock};
use service_kit::testing::Backend;

use crate::support::{Answer, Kadr, Setup, eventually};

/// A JWT of the right form, signed by nobody we know: `{"alg":"EdDSA","kid":"nobody"}`, `{"exp":4102444800}`.
const FOREIGN: &str = "eyJhbGciOiJFZERTQSIsImtpZCI6Im5vYm9keSJ9.eyJleHAiOjQxMDI0NDQ4MDB9.AAAA";
/// `{"alg":"none"}`.
const UNSIGNED: &str = "eyJhbGciOiJub25lIn0.eyJleHAiOjQxMDI0NDQ4MDB9.";

#[actix_web::test]
async fn without_a_token_there_is_a_challenge() {
    let kadr = Setup::on(Backend::Sqlite).without_workers().start().await;
    for (method, path) in [("GET", "/videos"), ("POST", "/videos"), ("GET", "/videos/x/content")] {
        let answer = Answer::to(kadr.anonymous(method, path), "").await;
        if path.contains('x') {
            // An address that cannot be is an address of nothing, for everybody.
            continue;
        }
        answer.problem(401, "authentication-required");
        assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"kadr\"");
    }
}

#[rstest]
#[case::garbage("garbage")]
#[case::unsigned(UNSIGNED)]
#[case::foreign(FOREIGN)]
#[actix_web::test]
async fn a_token_that_user_service_cannot_have_issued_is_refused_without_asking(#[case] token: &str) {
    let kadr = Setup::on(Backend::Sqlite).without_workers().start().await;
    let answer = kadr.bearer(token).get("/videos").await;
    answer.problem(401, "invalid-token");
    assert!(answer.header("www-authenticate").contains("error=\"invalid_token\""));
    assert_eq!(introspections(&kadr).await, 0);
}

#[actix_web::test]
async fn a_tampered_token_is_refused_without_asking() {
    let kadr = Setup::on(Backend::Sqlite).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let (signed, _) = ada.token.rsplit_once('.').unwrap();
    let forged = format!("{signed}.{}", "A".repeat(86));
    kadr.bearer(&forged).get("/videos").await.problem(401, "invalid-token");
    assert_eq!(introspections(&kadr).await, 0);
}

#[actix_web::test]
async fn a_token_of_a_key_that_has_just_been_made_is_known_at_once() {
    let clock = ManualClock::at(SystemClock.now() - chrono::TimeDelta::days(90));
    let kadr = Setup::on(Backend::Sqlite)
        .without_workers()
        .user_clock(Arc::clone(&clock) as _)
        .video("USER_SERVICE__JWKS_MIN_INTERVAL_SECONDS", 3600)
        .start()
        .await;
    let ada = kadr.user("ada").await;
    // Refused as expired, with the published keys read for it.
    ada.get("/videos").await.problem(401, "invalid-token");
    clock.advance(chrono::TimeDelta::days(90));
    let bob = kadr.user("bob").await;
    let kid = |token: &str| token.split('.').next().unwrap().to_owned();
    assert_ne!(kid(&ada.token), kid(&bob.token), "the first key is too old to sign");
    bob.get("/videos").await.ok(200);

    kadr.bearer(FOREIGN).get("/videos").await.problem(401, "invalid-token");
    let fetched = key_fetches(&kadr).await;
    kadr.bearer(FOREIGN).get("/videos").await.problem(401, "invalid-token");
    assert_eq!(key_fetches(&kadr).await, fetched, "a key that nobody has is looked for once in a while");
}

#[actix_web::test]
async fn an_expired_token_is_refused_without_asking() {
    let yesterday = ManualClock::at(SystemClock.now() - chrono::TimeDelta::days(1));
    let kadr = Setup::on(Backend::Sqlite).without_workers().user_clock(yesterday).start().await;
    let ada = kadr.user("ada").await;
    ada.get("/videos").await.problem(401, "invalid-token");
    assert_eq!(introspections(&kadr).await, 0);
}

#[actix_web::test]
async fn a_token_that_user_service_calls_expired_is_refused_although_our_clock_is_behind() {
    let ahead = ManualClock::at(SystemClock.now());
    let kadr = Setup::on(Backend::Sqlite).without_workers().user_clock(Arc::clone(&ahead) as _).start().await;
    let ada = kadr.user("ada").await;
    ahead.advance(chrono::TimeDelta::hours(1));
    ada.get("/videos").await.problem(401, "invalid-token");
}

#[actix_web::test]
async fn a_token_of_an_ended_session_is_refused_when_the_cache_has_forgotten_it() {
    let kadr =
        Setup::on(Backend::Sqlite).without_workers().video("USER_SERVICE__CACHE_SECONDS", 0).start().await;
    let ada = kadr.user("ada").await;
    ada.get("/videos").await.ok(200);
    ada.logout().await;
    ada.get("/videos").await.problem(401, "invalid-token");
}

#[actix_web::test]
async fn however_many_requests_carry_a_token_it_is_asked_about_once() {
    let kadr =
        Setup::on(Backend::Sqlite).without_workers().video("USER_SERVICE__CACHE_SECONDS", 3600).start().await;
    let ada = kadr.user("ada").await;
    let answers = futures_util::future::join_all((0..40).map(|_| ada.get("/videos"))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(introspections(&kadr).await, 1);
}

#[actix_web::test]
async fn a_token_is_asked_about_again_after_the_cache_has_forgotten_it() {
    let kadr =
        Setup::on(Backend::Sqlite).without_workers().video("USER_SERVICE__CACHE_SECONDS", 1).start().await;
    let ada = kadr.user("ada").await;
    ada.get("/videos").await.ok(200);
    ada.logout().await;
    eventually("the ended session to be noticed", async || {
        (ada.get("/videos").await.status == 401).then_some(())
    })
    .await;
}

#[actix_web::test]
async fn user_service_away_is_told_apart_from_a_bad_token() {
    let nobody_listens = "http://127.0.0.1:9";
    let kadr =
        Setup::on(Backend::Sqlite).without_workers().video("USER_SERVICE__URL", nobody_listens).start().await;
    let ada = kadr.user("ada").await;
    let answer = ada.get("/videos").await;
    answer.problem(503, "unavailable");
    assert_eq!(answer.header("retry-after"), "5");
    // What is no token at all needs nobody to say so.
    kadr.bearer("garbage").get("/videos").await.problem(401, "invalid-token");
    let ready = Answer::to(kadr.anonymous("GET", "/readyz"), "").await;
    let checks = ready.ok(503)["checks"].clone();
    assert_eq!((&checks["user_service"], &checks["database"]), (&json!("unavailable"), &json!("ok")));
}

#[actix_web::test]
async fn a_wrong_client_secret_is_the_operators_trouble_and_lets_nobody_in() {
    let kadr = Setup::on(Backend::Sqlite)
        .without_workers()
        .video("USER_SERVICE__CLIENT_SECRET", "not the one that User Service knows")
        .start()
        .await;
    let ada = kadr.user("ada").await;
    ada.get("/videos").await.problem(503, "unavailable");
}

#[actix_web::test]
async fn health_needs_no_token_and_says_what_is_well() {
    let kadr = Kadr::start(Backend::Sqlite).await;
    Answer::to(kadr.anonymous("GET", "/healthz"), "").await.ok(200);
    let ready = Answer::to(kadr.anonymous("GET", "/readyz"), "").await.ok(200);
    let well =
        json!({"database": "ok", "progress": "ok", "storage": "ok", "workers": "ok", "user_service": "ok"});
    assert_eq!(ready["checks"], well);
    assert_eq!(Answer::to(kadr.anonymous("GET", "/openapi.json"), "").await.ok(200)["openapi"], "3.1.0");
    let docs = Answer::to(kadr.anonymous("GET", "/docs/"), "").await;
    let page = String::from_utf8(docs.body).unwrap();
    assert_eq!(docs.status, 200);
    assert!(!page.contains("http://") && !page.contains("https://"), "nothing from elsewhere: {page}");
}

#[actix_web::test]
async fn a_personal_access_token_may_do_what_its_scopes_say() {
    let kadr =
        Setup::on(Backend::Sqlite).without_workers().video("USER_SERVICE__CACHE_SECONDS", 0).start().await;
    let ada = kadr.user("ada").await;
    let video = ada.video("A film").await;
    let request = kadr.users("POST", "/users/tokens").bearer_auth(&ada.token);
    let wanted = json!({"name": "player", "scopes": ["videos:read"]}).to_string();
    let made = Answer::to(request.content_type("application/json"), wanted).await.ok(201);
    let token = made["token"].as_str().unwrap();
    let player = kadr.bearer(token);
    assert_eq!(player.get(&video).await.ok(200)["title"], "A film");
    let refused = player.post("/videos", json!({"title": "Another"})).await;
    refused.problem(403, "insufficient-scope");
    assert!(refused.header("www-authenticate").contains("scope=\"videos:write\""));

    let asked = introspections(&kadr).await;
    for slip in
        [token.replacen("kadr_pat_", "kadr_pat_0", 1), token.to_lowercase() + "0", "kadr_pat_".to_owned()]
    {
        kadr.bearer(&slip).get("/videos").await.problem(401, "invalid-token");
    }
    assert_eq!(introspections(&kadr).await, asked, "what is mistyped costs no question");

    let path = format!("/users/tokens/{}", made["id"].as_str().unwrap());
    Answer::to(kadr.users("DELETE", &path).bearer_auth(&ada.token), "").await.ok(204);
    player.get("/videos").await.problem(401, "invalid-token");
}

/// How many times User Service was asked about a token.
async fn introspections(kadr: &Kadr) -> u64 {
    requests(kadr, "/oauth/introspect").await
}

/// How many times the published keys were read.
async fn key_fetches(kadr: &Kadr) -> u64 {
    requests(kadr, "/.well-known/jwks.json").await
}

async fn requests(kadr: &Kadr, path: &str) -> u64 {
    let metrics = Answer::to(kadr.users("GET", "/metrics"), "").await;
    let text = String::from_utf8(metrics.body).unwrap();
    let counters = text.lines().filter(|line| line.contains("requests_total{") && line.contains(path));
    counters.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}
