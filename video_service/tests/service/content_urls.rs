//! Signed content URLs: players without a token, for a while.

use chrono::{DateTime, TimeDelta, Utc};
use rstest::rstest;
use serde_json::{Value, json};
use service_kit::clock::{Clock, SystemClock};
use service_kit::testing::Backend;

use crate::support::{Answer, Kadr, Setup, User, eventually, only_sound, red_then_blue};

#[rstest]
#[actix_web::test]
async fn a_player_without_a_token_plays_by_a_signed_url(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let film = red_then_blue();
    let path = ada.upload_quietly(film.clone()).await;
    let before = SystemClock.now().timestamp();
    let made = Answer::to(ada.request("POST", &format!("{path}/content-url")), "").await;
    assert_eq!(made.header("cache-control"), "no-store");
    let end: DateTime<Utc> = made.ok(200)["expires_at"].as_str().unwrap().parse().unwrap();
    assert!((before + 3600..=SystemClock.now().timestamp() + 3600).contains(&end.timestamp()));
    let url = made.json()["url"].as_str().unwrap().to_owned();

    let whole = see(&kadr, &url).await;
    assert_eq!((whole.status, &whole.body), (200, &film));
    for (name, value) in [
        ("cache-control", "private, no-cache"),
        ("referrer-policy", "no-referrer"),
        ("x-robots-tag", "noindex"),
        ("x-content-type-options", "nosniff"),
        ("cross-origin-resource-policy", "cross-origin"),
    ] {
        assert_eq!(whole.header(name), value, "{name}");
    }
    let range =
        |method: &str| Answer::to(kadr.anonymous(method, &url).insert_header(("range", "bytes=-7")), "");
    let tail = range("GET").await;
    assert_eq!((tail.status, tail.body.as_slice()), (206, &film[film.len() - 7..]));
    let head = range("HEAD").await;
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (206, "7", 0));
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        Answer::to(kadr.anonymous(method, &url), "").await.problem(405, "method-not-allowed");
    }
    assert_eq!(
        Answer::to(ada.request("GET", &format!("{path}/content")), "")
            .await
            .header("cross-origin-resource-policy"),
        "same-origin"
    );
}

#[rstest]
#[actix_web::test]
async fn a_url_that_was_changed_leads_nowhere(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    // The same bytes: what is signed is which video's they are as well.
    let (path, other) =
        (ada.upload_quietly(red_then_blue()).await, ada.upload_quietly(red_then_blue()).await);
    let url = signed(&ada, &path).await;
    let (base, query) = url.split_once('?').unwrap();
    let expires: i64 = query.split(['=', '&']).nth(1).unwrap().parse().unwrap();
    let signature = query.split("signature=").nth(1).unwrap();
    let shorter: String = signature.chars().skip(1).collect();
    let slip = format!("{}{shorter}", if signature.starts_with('A') { 'B' } else { 'A' });
    let nobody = uuid::Uuid::now_v7();
    for changed in [
        format!("{base}?expires={}&signature={signature}", expires + 1),
        format!("{base}?expires={}&signature={signature}", expires - 1),
        format!("{base}?expires={}&signature={signature}", i64::MAX),
        format!("{base}?expires=0{expires}&signature={signature}"),
        format!("{base}?expires=%2B{expires}&signature={signature}"),
        format!("{base}?expires=never&signature={signature}"),
        format!("{base}?expires={expires}&signature={slip}"),
        format!("{base}?expires={expires}&signature={shorter}"),
        format!("{base}?expires={expires}&signature="),
        format!("/signed{other}/content?{query}"),
        format!("/signed/videos/{nobody}/content?{query}"),
        format!("/signed/videos/x/content?{query}"),
    ] {
        see(&kadr, &changed).await.problem(404, "not-found");
    }
    for (query, pointer) in [
        (format!("expires={expires}"), "."),
        (format!("signature={signature}"), "."),
        (format!("{query}&colour=red"), "colour"),
    ] {
        let problem = see(&kadr, &format!("{base}?{query}")).await.problem(422, "validation-failed");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    assert_eq!(see(&kadr, &url).await.status, 200);
    // It opens this one door.
    Answer::to(kadr.anonymous("GET", &format!("{path}/content?{query}")), "")
        .await
        .problem(422, "validation-failed");
}

#[rstest]
#[actix_web::test]
async fn a_url_leads_to_the_content_it_was_made_for_while_that_is_there(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let path = ada.video("Film").await;
    let content = format!("{path}/content?analyze=false");
    ada.post(&format!("{path}/content-url"), json!({})).await.problem(404, "not-found");
    ada.put(&content, red_then_blue()).await.ok(201);
    let first = signed(&ada, &path).await;
    ada.put(&content, only_sound()).await.ok(200);
    see(&kadr, &first).await.problem(404, "not-found");
    let second = signed(&ada, &path).await;
    assert_eq!(see(&kadr, &second).await.body, only_sound());
    ada.delete(&path).await.ok(204);
    see(&kadr, &second).await.problem(404, "not-found");
    ada.post(&format!("{path}/content-url"), json!({})).await.problem(404, "not-found");
    ada.post(&format!("{path}/restore"), json!({})).await.ok(200);
    assert_eq!(see(&kadr, &second).await.body, only_sound());
    ada.delete(&format!("{path}?permanent=true")).await.ok(204);
    see(&kadr, &second).await.problem(404, "not-found");
}

#[rstest]
#[actix_web::test]
async fn a_url_ends_when_it_says_and_within_a_day(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let path = ada.upload_quietly(red_then_blue()).await;
    let make = async |expires_at: Value| {
        ada.post(&format!("{path}/content-url"), json!({"expires_at": expires_at})).await
    };
    let hours = |hours| json!(SystemClock.now() + TimeDelta::hours(hours));
    make(hours(23)).await.ok(200);
    for wrong in [hours(25), hours(-1), json!("later")] {
        let problem = make(wrong).await.problem(422, "validation-failed");
        assert_eq!(problem["errors"][0]["pointer"], "/expires_at");
    }
    let soon = make(json!(SystemClock.now() + TimeDelta::seconds(2))).await.ok(200);
    let url = soon["url"].as_str().unwrap();
    eventually("the end of the address", async || (see(&kadr, url).await.status == 404).then_some(())).await;
    let end: DateTime<Utc> = soon["expires_at"].as_str().unwrap().parse().unwrap();
    assert!(SystemClock.now() >= end, "not before its time");
}

#[rstest]
#[actix_web::test]
async fn only_its_owner_makes_a_url_of_a_video(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let (ada, eve) = (kadr.user("ada").await, kadr.user("eve").await);
    let path = format!("{}/content-url", ada.upload_quietly(red_then_blue()).await);
    eve.post(&path, json!({})).await.problem(404, "not-found");
    Answer::to(kadr.anonymous("POST", &path), "").await.problem(401, "authentication-required");
}

/// An address of the content of the video at `path`.
async fn signed(user: &User<'_>, path: &str) -> String {
    let made = user.post(&format!("{path}/content-url"), json!({})).await.ok(200);
    made["url"].as_str().unwrap().to_owned()
}

/// What somebody sees who has no account.
async fn see(kadr: &Kadr, path: &str) -> Answer {
    Answer::to(kadr.anonymous("GET", path), "").await
}
