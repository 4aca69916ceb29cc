//! The trash: what is deleted, restored, and gone at last.

use chrono::{TimeDelta, Utc};
use entity::video_db::video;
use rstest::rstest;
use sea_orm::sea_query::Expr;
use sea_orm::{EntityTrait, QueryFilter};
use serde_json::{Value, json};
use service_kit::clock::{Clock, SystemClock};
use service_kit::testing::Backend;
use uuid::Uuid;

use crate::support::{Answer, Kadr, Setup, eventually, red_then_blue, sample, sample_looped, titles};

#[rstest]
#[actix_web::test]
async fn a_deleted_video_is_in_the_trash_alone_and_comes_back_as_it_was(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Kadr::start(backend).await;
    let (ada, eve) = (kadr.user("ada").await, kadr.user("eve").await);
    let path = ada.upload(red_then_blue()).await;
    ada.patch(&path, json!({"title": "Gone", "tags": ["a"]})).await.ok(200);
    assert_eq!(ada.ended_analysis(&path).await["status"], "succeeded");
    ada.video("Stays").await;
    let before = ada.get(&path).await.ok(200);

    ada.delete(&path).await.ok(204);
    for address in ["", "/content", "/analysis", "/poster.jpg"] {
        ada.get(&format!("{path}{address}")).await.problem(404, "not-found");
    }
    ada.delete(&path).await.problem(404, "not-found");
    ada.patch(&path, json!({"title": "x"})).await.problem(404, "not-found");
    ada.put(&format!("{path}/content"), red_then_blue()).await.problem(404, "not-found");
    ada.post(&format!("{path}/analysis"), json!({})).await.problem(404, "not-found");
    ada.delete(&format!("{path}/analysis")).await.problem(404, "not-found");
    for query in ["", "?tag=a", "?q=gone", "?sort=title&has=audio"] {
        assert!(!titles(&ada.get(&format!("/videos{query}")).await.ok(200)).contains(&"Gone".to_owned()));
    }
    let trash = ada.get("/videos?trash=true&q=gone&tag=a").await.ok(200);
    assert_eq!(titles(&trash), ["Gone"]);
    assert!(trash["items"][0]["trashed_at"].is_string());
    assert_eq!(eve.get("/videos?trash=true").await.ok(200)["items"], json!([]));
    eve.post(&format!("{path}/restore"), json!({})).await.problem(404, "not-found");
    eve.delete(&format!("{path}?permanent=true")).await.problem(404, "not-found");

    let restored = Answer::to(ada.request("POST", &format!("{path}/restore")), "").await.ok(200);
    assert_eq!(restored, before);
    ada.post(&format!("{path}/restore"), json!({})).await.problem(404, "not-found");
    assert_eq!(ada.get(&format!("{path}/content")).await.body, red_then_blue());
    assert_eq!(ada.get(&format!("{path}/poster.jpg")).await.status, 200);
    assert_eq!(ada.ended_analysis(&path).await["status"], "succeeded");
    assert_eq!(titles(&ada.get("/videos").await.ok(200)), ["Stays", "Gone"]);
    assert_eq!(ada.get("/videos?trash=true").await.ok(200)["items"], json!([]));
}

#[rstest]
#[actix_web::test]
async fn deleting_cancels_the_analysis_and_frees_its_slot(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Kadr::start(backend).await;
    let ada = kadr.user("ada").await;
    let long = ada.upload(sample_looped(40)).await;
    eventually("the analysis to run", async || {
        (ada.get(&format!("{long}/analysis")).await.ok(200)["status"] == "running").then_some(())
    })
    .await;
    ada.delete(&long).await.ok(204);
    let short = ada.upload(red_then_blue()).await;
    assert_eq!(ada.ended_analysis(&short).await["status"], "succeeded");
    ada.post(&format!("{long}/restore"), json!({})).await.ok(200);
    assert_eq!(ada.get(&format!("{long}/analysis")).await.ok(200)["status"], "canceled");
}

#[rstest]
#[actix_web::test]
async fn what_has_been_in_the_trash_for_too_long_is_purged_with_its_bytes(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let setup = Setup::on(backend).without_workers().video("LIBRARY__TRASH_DAYS", 7);
    let kadr = setup.video("LIBRARY__PURGE_INTERVAL_SECONDS", 1).start().await;
    let ada = kadr.user("ada").await;
    let (old, recent) = (ada.upload(sample()).await, ada.upload(red_then_blue()).await);
    for path in [&old, &recent] {
        ada.delete(path).await.ok(204);
    }
    assert_eq!(kadr.blobs().len(), 2);
    deleted_before(&kadr, &recent, TimeDelta::days(7) - TimeDelta::hours(1)).await;
    deleted_before(&kadr, &old, TimeDelta::days(7)).await;
    // Even before it is purged.
    ada.post(&format!("{old}/restore"), json!({})).await.problem(404, "not-found");
    eventually("the purge", async || (kadr.blobs().len() == 1).then_some(())).await;
    let trash = ada.get("/videos?trash=true").await.ok(200);
    assert_eq!(trash["items"].as_array().unwrap().len(), 1);
    ada.post(&format!("{recent}/restore"), json!({})).await.ok(200);
    assert_eq!(ada.get(&format!("{recent}/content")).await.body, red_then_blue());
}

#[rstest]
#[actix_web::test]
async fn without_a_window_a_video_is_deleted_at_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().video("LIBRARY__TRASH_DAYS", 0).start().await;
    let ada = kadr.user("ada").await;
    let path = ada.upload(red_then_blue()).await;
    ada.delete(&path).await.ok(204);
    assert_eq!(kadr.blobs(), Vec::<std::path::PathBuf>::new());
    assert_eq!(ada.get("/videos?trash=true").await.ok(200)["items"], json!([]));
    ada.post(&format!("{path}/restore"), json!({})).await.problem(404, "not-found");
}

#[rstest]
#[actix_web::test]
async fn the_trash_is_emptied_by_hand_and_goes_with_its_account(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let (one, two) = (ada.upload(red_then_blue()).await, ada.upload(red_then_blue()).await);
    for path in [&one, &two] {
        ada.delete(path).await.ok(204);
    }
    ada.delete(&format!("{one}?permanent=true")).await.ok(204);
    assert_eq!(kadr.blobs().len(), 1);
    let secret = kadr.secret("account_deletion_client_secret");
    let account = format!("/internal/accounts/{}", ada.account().await);
    let deletion = kadr.anonymous("DELETE", &account).basic_auth("user_service", secret);
    Answer::to(deletion, "").await.ok(204);
    assert_eq!(ada.get("/videos?trash=true").await.ok(200)["items"], json!([]));
    assert_eq!(kadr.blobs(), Vec::<std::path::PathBuf>::new());
}

#[rstest]
#[actix_web::test]
async fn a_video_in_the_trash_holds_no_external_id_back(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let new = || json!({"title": "Film", "external_id": "x"});
    let first = ada.post("/videos", new()).await.header("location").to_owned();
    ada.delete(&first).await.ok(204);
    let second = ada.post("/videos", new()).await.header("location").to_owned();
    ada.post(&format!("{first}/restore"), json!({})).await.problem(409, "external-id-exists");
    ada.patch(&second, json!({"external_id": Value::Null})).await.ok(200);
    assert_eq!(ada.post(&format!("{first}/restore"), json!({})).await.ok(200)["external_id"], "x");
}

#[rstest]
#[actix_web::test]
async fn a_video_is_deleted_only_as_its_reader_saw_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let path = ada.video("Film").await;
    let seen = ada.get(&path).await.header("etag").to_owned();
    ada.patch(&path, json!({"title": "Another"})).await.ok(200);
    for query in ["", "?permanent=true"] {
        let request = ada.request("DELETE", &format!("{path}{query}"));
        let request = request.insert_header(("if-match", seen.as_str()));
        Answer::to(request, "").await.problem(412, "changed-meanwhile");
    }
    ada.delete(&path).await.ok(204);
}

/// Makes the deletion of the video at `path` one of a while ago.
async fn deleted_before(kadr: &Kadr, path: &str, age: TimeDelta) {
    let id: Uuid = path.trim_start_matches("/videos/").parse().unwrap();
    let moment: chrono::DateTime<Utc> = SystemClock.now() - age;
    video::Entity::update_many()
        .filter(video::COLUMN.id.eq(id))
        .col_expr(video::Column::TrashedAt, Expr::value(moment))
        .exec(&kadr.database().await)
        .await
        .unwrap();
}
