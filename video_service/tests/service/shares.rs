//! Share links: what they show, to whom, and for how long.

use chrono::{DateTime, TimeDelta, Utc};
use entity::video_db::share;
use futures_util::future::join_all;
use rstest::rstest;
use sea_orm::sea_query::Expr;
use sea_orm::{EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};
use service_kit::clock::{Clock, SystemClock};
use service_kit::testing::Backend;
use uuid::Uuid;

use crate::support::{Answer, Kadr, Setup, next_of, only_sound, red_then_blue};

/// What a link shows besides the record.
const PARTS: [&str; 3] = ["/content", "/poster.jpg", "/analysis"];

#[rstest]
#[actix_web::test]
async fn a_link_shows_a_video_and_nothing_of_how_its_owner_keeps_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Kadr::start(backend).await;
    let ada = kadr.user("ada").await;
    let film = ("file", Some("ada-at-home.mp4"), "video/mp4", red_then_blue());
    let path = ada.send_form(&[film]).await.header("location").to_owned();
    let private = json!({
        "title": "Two colours", "description": "Red, then blue", "tags": ["family"], "external_id": "tape-7",
        "metadata": {"shelf": 3},
    });
    ada.patch(&path, private).await.ok(200);
    let analysis = ada.ended_analysis(&path).await;
    let record = ada.get(&path).await.ok(200);

    let made = ada.post(&format!("{path}/shares"), json!({})).await;
    let link = made.ok(201)["url"].as_str().unwrap().to_owned();
    assert_eq!((made.header("location"), made.header("cache-control")), (link.as_str(), "no-store"));
    let answer = see(&kadr, &link).await;
    let shown = answer.ok(200);
    let members: Vec<_> = shown.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        members,
        [
            "audio_codec",
            "bytes",
            "description",
            "duration_seconds",
            "expires_at",
            "frame_rate",
            "frames_per_second",
            "height",
            "media_type",
            "status",
            "title",
            "video_codec",
            "width",
        ]
    );
    for member in members.iter().filter(|member| **member != "expires_at") {
        assert_eq!(shown[member], record[member], "{member}");
    }
    assert_eq!((&shown["title"], &shown["width"]), (&json!("Two colours"), &json!(320)));
    assert_eq!(answer.header("cache-control"), "no-store");

    let report = see(&kadr, &format!("{link}/analysis")).await;
    assert_eq!(report.ok(200), analysis["report"]);
    assert_eq!(
        see(&kadr, &format!("{link}/poster.jpg")).await.body,
        ada.get(&format!("{path}/poster.jpg")).await.body
    );
    let content = see(&kadr, &format!("{link}/content")).await;
    assert_eq!((content.status, content.body), (200, red_then_blue()));
    assert!(content.headers.get("content-disposition").is_none(), "the file's name is its owner's");
    let account = ada.account().await;
    let id = record["id"].as_str().unwrap();
    for answer in [&answer, &report] {
        let text = format!("{:?} {}", answer.headers, String::from_utf8_lossy(&answer.body));
        for private in ["ada-at-home", "family", "tape-7", "shelf", &account, id] {
            assert!(!text.contains(private), "{private}: {text}");
        }
    }
}

#[rstest]
#[actix_web::test]
async fn a_player_seeks_in_shared_content_and_no_cache_or_search_engine_keeps_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let film = red_then_blue();
    let path = ada.upload_quietly(film.clone()).await;
    let content = format!("{}/content", link(&ada.post(&format!("{path}/shares"), json!({})).await));
    let ask = |method: &str, header: (&'static str, &str)| {
        Answer::to(kadr.anonymous(method, &content).insert_header(header), "")
    };

    let part = ask("GET", ("range", "bytes=100-199")).await;
    assert_eq!((part.status, part.body.as_slice()), (206, &film[100..200]));
    assert_eq!(part.header("content-range"), format!("bytes 100-199/{}", film.len()));
    for (name, value) in [
        ("cache-control", "private, no-cache"),
        ("referrer-policy", "no-referrer"),
        ("x-robots-tag", "noindex"),
        ("x-content-type-options", "nosniff"),
        ("cross-origin-resource-policy", "cross-origin"),
        ("content-type", "video/mp4"),
    ] {
        assert_eq!(part.header(name), value, "{name}");
    }
    ask("GET", ("range", &format!("bytes={}-", film.len()))).await.problem(416, "range-not-satisfiable");
    let head = ask("HEAD", ("range", "bytes=0-9")).await;
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (206, "10", 0));
    assert_eq!(ask("GET", ("if-none-match", part.header("etag"))).await.status, 304);
    let record = see(&kadr, content.trim_end_matches("/content")).await;
    assert_eq!(
        record.header("cross-origin-resource-policy"),
        "same-origin",
        "data is read with CORS or not at all"
    );
}

#[rstest]
#[actix_web::test]
async fn a_link_that_never_was_has_expired_or_was_deleted_leads_nowhere(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let path = ada.upload_quietly(red_then_blue()).await;
    let shares = format!("{path}/shares");
    let [kept, expired, deleted] = [(); 3].map(|()| ada.post(&shares, json!({})));
    let (kept, expired, deleted) = (kept.await.ok(201), expired.await.ok(201), deleted.await.ok(201));
    for made in [&kept, &expired, &deleted] {
        see(&kadr, made["url"].as_str().unwrap()).await.ok(200);
    }
    changed(&kadr, &expired, share::Column::ExpiresAt, SystemClock.now()).await;
    ada.delete(&format!("{shares}/{}", deleted["id"].as_str().unwrap())).await.ok(204);

    let token = kept["token"].as_str().unwrap();
    let row = row(&kadr, &kept).await;
    let forged = [
        token.chars().rev().collect(),
        token.chars().skip(1).collect(),
        format!("{token}A"),
        token.to_lowercase(),
        // What somebody has who has seen the database.
        row.token_hash,
        row.id.to_string(),
        "A".repeat(43),
        "A".repeat(10_000),
        "%00".to_owned(),
        "..%2f..%2fvideos".to_owned(),
    ];
    let mut links: Vec<_> = forged.into_iter().map(|token| format!("/shares/{token}")).collect();
    links.extend([&expired, &deleted].map(|made| made["url"].as_str().unwrap().to_owned()));
    for link in links {
        for part in PARTS.into_iter().chain([""]) {
            let mut problem = see(&kadr, &format!("{link}{part}")).await.problem(404, "not-found");
            problem["request_id"].take();
            let nothing = json!({
                "type": "urn:kadr:problem:not-found", "title": "No such share link", "status": 404,
                "request_id": null,
            });
            assert_eq!(problem, nothing, "{link}{part}");
        }
        let request = kadr.anonymous("POST", &format!("{link}/unlock")).content_type("application/json");
        Answer::to(request, json!({"password": "correct horse"}).to_string()).await.problem(404, "not-found");
    }
    see(&kadr, kept["url"].as_str().unwrap()).await.ok(200);
    let listed = ada.get(&shares).await.ok(200);
    assert_eq!(ids(&listed), [kept["id"].as_str().unwrap()]);
    ada.delete(&format!("{shares}/{}", deleted["id"].as_str().unwrap())).await.problem(404, "not-found");
}

#[rstest]
#[actix_web::test]
async fn a_link_rests_while_its_video_is_in_the_trash_and_goes_with_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let path = ada.upload_quietly(red_then_blue()).await;
    let link = link(&ada.post(&format!("{path}/shares"), json!({})).await);
    let content = format!("{link}/content");
    ada.delete(&path).await.ok(204);
    see(&kadr, &link).await.problem(404, "not-found");
    see(&kadr, &content).await.problem(404, "not-found");
    ada.post(&format!("{path}/shares"), json!({})).await.problem(404, "not-found");
    ada.get(&format!("{path}/shares")).await.problem(404, "not-found");
    ada.post(&format!("{path}/restore"), json!({})).await.ok(200);
    assert_eq!(see(&kadr, &content).await.body, red_then_blue());
    ada.put(&format!("{path}/content?analyze=false"), only_sound()).await.ok(200);
    assert_eq!(see(&kadr, &content).await.body, only_sound(), "a link leads to the video as it is");

    ada.delete(&format!("{path}?permanent=true")).await.ok(204);
    see(&kadr, &link).await.problem(404, "not-found");
    assert_eq!(count(&kadr).await, 0);
}

#[rstest]
#[actix_web::test]
async fn links_go_with_their_account(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let (ada, eve) = (kadr.user("ada").await, kadr.user("eve").await);
    let adas = ada.upload_quietly(red_then_blue()).await;
    let gone = link(&ada.post(&format!("{adas}/shares"), json!({})).await);
    let eves = eve.video("Film").await;
    let kept = link(&eve.post(&format!("{eves}/shares"), json!({})).await);
    let secret = kadr.secret("account_deletion_client_secret");
    let account = format!("/internal/accounts/{}", ada.account().await);
    let deletion = kadr.anonymous("DELETE", &account).basic_auth("user_service", secret);
    Answer::to(deletion, "").await.ok(204);
    see(&kadr, &gone).await.problem(404, "not-found");
    see(&kadr, &kept).await.ok(200);
    assert_eq!(count(&kadr).await, 1);
}

#[rstest]
#[actix_web::test]
async fn a_link_is_for_looking_only(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let path = ada.upload_quietly(red_then_blue()).await;
    let before = ada.get(&path).await.ok(200);
    let link = link(&ada.post(&format!("{path}/shares"), json!({})).await);
    for part in PARTS.into_iter().chain([""]) {
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let request = kadr.anonymous(method, &format!("{link}{part}")).content_type("application/json");
            let refused = Answer::to(request, r#"{"title": "Mine"}"#).await;
            refused.problem(405, "method-not-allowed");
            assert_eq!(refused.header("allow"), "HEAD, GET");
        }
    }
    // The token of a link is no token of an account.
    let token = link.trim_start_matches("/shares/");
    kadr.bearer(token).get(&path).await.problem(401, "invalid-token");
    let curious = see(&kadr, &format!("{link}?fields=owner_id")).await.problem(422, "validation-failed");
    assert_eq!(curious["errors"][0]["pointer"], "fields");
    assert_eq!(ada.get(&path).await.ok(200), before);
}

#[rstest]
#[actix_web::test]
async fn only_its_owner_makes_lists_and_deletes_the_links_of_a_video(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let (ada, eve) = (kadr.user("ada").await, kadr.user("eve").await);
    let (path, other) = (ada.video("Film").await, ada.video("Another").await);
    let eves = eve.video("Film").await;
    let shares = format!("{path}/shares");
    let made = ada.post(&shares, json!({})).await.ok(201);
    let id = made["id"].as_str().unwrap();
    eve.post(&shares, json!({})).await.problem(404, "not-found");
    eve.get(&shares).await.problem(404, "not-found");
    eve.delete(&format!("{shares}/{id}")).await.problem(404, "not-found");
    eve.delete(&format!("{eves}/shares/{id}")).await.problem(404, "not-found");
    ada.delete(&format!("{other}/shares/{id}")).await.problem(404, "not-found");
    for (method, path) in [("GET", &shares), ("POST", &shares), ("DELETE", &format!("{shares}/{id}"))] {
        Answer::to(kadr.anonymous(method, path), "").await.problem(401, "authentication-required");
    }

    let wanted = json!({"name": "player", "scopes": ["videos:read"]}).to_string();
    let request = kadr.users("POST", "/users/tokens").bearer_auth(&ada.token);
    let reader = Answer::to(request.content_type("application/json"), wanted).await.ok(201);
    let reader = kadr.bearer(reader["token"].as_str().unwrap());
    assert_eq!(ids(&reader.get(&shares).await.ok(200)), [id]);
    reader.post(&shares, json!({})).await.problem(403, "insufficient-scope");
    reader.delete(&format!("{shares}/{id}")).await.problem(403, "insufficient-scope");
    see(&kadr, made["url"].as_str().unwrap()).await.ok(200);
}

#[rstest]
#[actix_web::test]
async fn a_video_has_so_many_links_as_it_may_and_its_owner_sees_them_without_their_tokens(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().video("SHARES__MAX_PER_VIDEO", 3).start().await;
    let ada = kadr.user("ada").await;
    let shares = format!("{}/shares", ada.video("Film").await);
    let mut made = Vec::new();
    for _ in 0..3 {
        made.push(Answer::to(ada.request("POST", &shares), "").await.ok(201));
    }
    ada.post(&shares, json!({})).await.problem(409, "too-many-shares");

    let first = ada.get(&format!("{shares}?limit=2")).await;
    let second = ada.get(&next_of(&first).unwrap()).await;
    let listed = [first.ok(200), second.ok(200)];
    let shown: Vec<_> = listed.iter().flat_map(ids).collect();
    let newest_first: Vec<_> = made.iter().rev().map(|share| share["id"].as_str().unwrap()).collect();
    assert_eq!(shown, newest_first);
    let members: Vec<_> = listed[0]["items"][0].as_object().unwrap().keys().cloned().collect();
    assert_eq!(members, ["created_at", "expires_at", "has_password", "id", "video_id"]);

    changed(&kadr, &made[0], share::Column::ExpiresAt, SystemClock.now()).await;
    ada.post(&shares, json!({})).await.ok(201);
    ada.post(&shares, json!({})).await.problem(409, "too-many-shares");
}

#[rstest]
#[actix_web::test]
async fn of_links_that_are_made_at_once_no_more_are_made_than_a_video_may_have(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().video("SHARES__MAX_PER_VIDEO", 3).start().await;
    let ada = kadr.user("ada").await;
    let shares = format!("{}/shares", ada.video("Film").await);
    let answers = join_all((0..12).map(|_| Answer::to(ada.request("POST", &shares), ""))).await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    let refused = answers.iter().filter(|answer| answer.status == 409).count();
    assert_eq!((made, refused), (3, 9));
}

#[rstest]
#[actix_web::test]
async fn a_link_lasts_a_week_or_as_long_as_its_maker_says_within_bounds(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().video("SHARES__MAX_DAYS", 30).start().await;
    let ada = kadr.user("ada").await;
    let shares = format!("{}/shares", ada.video("Film").await);
    let time =
        |share: &Value, member: &str| -> DateTime<Utc> { share[member].as_str().unwrap().parse().unwrap() };
    let share = ada.post(&shares, json!({})).await.ok(201);
    assert_eq!(time(&share, "expires_at") - time(&share, "created_at"), TimeDelta::days(7));
    let in_days = |days| SystemClock.now() + TimeDelta::days(days);
    let wanted = in_days(29);
    let share = ada.post(&shares, json!({"expires_at": wanted})).await.ok(201);
    assert_eq!(time(&share, "expires_at"), wanted);
    assert_eq!(time(&see(&kadr, share["url"].as_str().unwrap()).await.ok(200), "expires_at"), wanted);
    for wrong in
        [json!(in_days(-1)), json!(in_days(31)), json!("9999-12-31T23:59:59Z"), json!("tomorrow"), json!(7)]
    {
        let problem = ada.post(&shares, json!({"expires_at": wrong})).await.problem(422, "validation-failed");
        assert_eq!(problem["errors"][0]["pointer"], "/expires_at", "{wrong}");
    }
    ada.post(&shares, json!({"allow": "everything"})).await.problem(422, "validation-failed");
}

/// Where a link leads that was just made.
fn link(made: &Answer) -> String {
    made.ok(201)["url"].as_str().unwrap().to_owned()
}

fn ids(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|share| share["id"].as_str().unwrap()).collect()
}

/// What somebody sees who has no account.
async fn see(kadr: &Kadr, path: &str) -> Answer {
    Answer::to(kadr.anonymous("GET", path), "").await
}

async fn row(kadr: &Kadr, made: &Value) -> share::Model {
    let id: Uuid = made["id"].as_str().unwrap().parse().unwrap();
    share::Entity::find_by_id(id).one(&kadr.database().await).await.unwrap().unwrap()
}

/// Makes the time in `column` another one.
async fn changed(kadr: &Kadr, made: &Value, column: share::Column, time: DateTime<Utc>) {
    let id: Uuid = made["id"].as_str().unwrap().parse().unwrap();
    share::Entity::update_many()
        .filter(share::COLUMN.id.eq(id))
        .col_expr(column, Expr::value(time))
        .exec(&kadr.database().await)
        .await
        .unwrap();
}

async fn count(kadr: &Kadr) -> u64 {
    share::Entity::find().count(&kadr.database().await).await.unwrap()
}
