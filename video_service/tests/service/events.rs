//! Progress, as it is told to those who listen or wait.

use rstest::rstest;
use serde_json::json;
use service_kit::testing::Backend;

use crate::support::{
    Answer, Client, Event, Events, Installation, Kadr, Setup, User, eventually, red_then_blue, sample,
    sample_looped,
};

async fn listen(user: &User<'_>, path: &str) -> Events {
    Events::of(user.request("GET", path)).await
}

async fn listen_after(user: &User<'_>, path: &str, id: &str) -> Events {
    Events::of(user.request("GET", path).insert_header(("last-event-id", id))).await
}

#[rstest]
#[actix_web::test]
async fn an_analysis_is_followed_to_its_end(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let kadr = Kadr::start(backend).await;
    let ada = kadr.user("ada").await;
    let path = ada.upload(sample_looped(4)).await;
    let address = format!("{path}/analysis/events");
    let events = listen(&ada, &address).await.rest().await;
    let (last, before) = events.split_last().unwrap();
    assert!(!before.is_empty() && before.iter().all(|event| event.name == "progress"), "{events:?}");
    let fraction = |event: &Event| event.data["progress"]["fraction"].as_f64().unwrap();
    assert!(events.is_sorted_by(|one, next| fraction(one) <= fraction(next)), "{events:?}");
    assert_eq!((last.name.as_str(), &last.data["status"]), ("succeeded", &json!("succeeded")));
    assert_eq!((fraction(last), &last.data["report"]), (1.0, &json!(null)));
    let timed = before.iter().rev().find(|event| event.data["progress"]["fraction"] != 0.0).unwrap();
    assert!(timed.data["progress"]["speed"].is_number(), "{timed:?}");
    assert!(timed.data["progress"]["eta_seconds"].is_number(), "{timed:?}");

    // Asked again, the end is told again, but not to whom knows it.
    assert_eq!(listen(&ada, &address).await.rest().await, std::slice::from_ref(last));
    assert_eq!(listen_after(&ada, &address, &before[0].id).await.rest().await, std::slice::from_ref(last));
    let known = ada.request("GET", &address).insert_header(("last-event-id", last.id.as_str()));
    assert_eq!(Answer::to(known, "").await.status, 204);
}

#[rstest]
#[actix_web::test]
async fn a_change_is_told_once_and_a_known_state_not_at_all(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let path = ada.upload(red_then_blue()).await;
    let address = format!("{path}/analysis/events");
    let mut stream = listen(&ada, &address).await;
    let queued = stream.next().await.unwrap();
    assert_eq!((queued.name.as_str(), &queued.data["status"]), ("progress", &json!("queued")));
    let mut knowing = listen_after(&ada, &address, &queued.id).await;
    ada.delete(&format!("{path}/analysis")).await.ok(200);
    for stream in [&mut stream, &mut knowing] {
        let names: Vec<String> = stream.rest().await.into_iter().map(|event| event.name).collect();
        assert_eq!(names, ["canceled"]);
    }
}

#[rstest]
#[actix_web::test]
async fn one_stream_tells_of_all_videos_of_an_account_and_of_no_other(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let (ada, eve) = (kadr.user("ada").await, kadr.user("eve").await);
    let (mut of_ada, mut of_eve) = (listen(&ada, "/events").await, listen(&eve, "/events").await);
    let (first, second) = (ada.upload(red_then_blue()).await, ada.upload(sample()).await);
    let mut told = Vec::new();
    for _ in 0..2 {
        told.push(of_ada.next().await.unwrap());
    }
    let videos = told.iter().map(|event| format!("/videos/{}", event.data["video_id"].as_str().unwrap()));
    assert_eq!(videos.collect::<Vec<_>>(), [first.clone(), second.clone()]);
    let own = eve.upload(red_then_blue()).await;
    let event = of_eve.next().await.unwrap();
    assert_eq!(event.data["video_id"], own.trim_start_matches("/videos/"));
    let others = format!("{first}/analysis/events");
    eve.get(&others).await.problem(404, "not-found");

    // What happened while nobody listened is told to who comes back.
    drop(of_ada);
    ada.delete(&format!("{first}/analysis")).await.ok(200);
    let mut again = listen_after(&ada, "/events", &told[1].id).await;
    let missed = again.next().await.unwrap();
    assert_eq!(missed.name, "canceled", "what it knows is not told again: {missed:?}");
    assert_eq!(missed.data["video_id"], first.trim_start_matches("/videos/"));
}

#[rstest]
#[actix_web::test]
async fn a_stream_ends_with_its_token_and_with_its_video(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let setup = Setup::on(backend).without_workers().video("EVENTS__HEARTBEAT_SECONDS", 1);
    let kadr = setup.video("USER_SERVICE__CACHE_SECONDS", 1).start().await;
    let (ada, eve) = (kadr.user("ada").await, kadr.user("eve").await);
    let mut of_account = listen(&ada, "/events").await;
    ada.logout().await;
    assert_eq!(of_account.next().await, None);
    assert_eq!(of_account.remarks.last().unwrap(), "retry: 1000");

    let path = eve.upload(red_then_blue()).await;
    let mut of_video = listen(&eve, &format!("{path}/analysis/events")).await;
    of_video.next().await.unwrap();
    eve.delete(&path).await.ok(204);
    assert_eq!(of_video.rest().await.iter().filter(|event| event.name == "progress").count(), 0);
}

#[actix_web::test]
async fn an_account_has_as_many_streams_as_it_may() {
    let setup = Setup::on(Backend::Sqlite).without_workers().video("EVENTS__MAX_LISTENERS_PER_ACCOUNT", 1);
    let kadr = setup.start().await;
    let (ada, eve) = (kadr.user("ada").await, kadr.user("eve").await);
    let only = listen(&ada, "/events").await;
    let refused = ada.get("/events").await;
    refused.problem(503, "unavailable");
    assert_eq!(refused.header("retry-after"), "10");
    listen(&eve, "/events").await;
    drop(only);
    eventually("a free place", async || {
        let response = ada.request("GET", "/events").send().await.unwrap();
        (response.status() == 200).then_some(())
    })
    .await;
}

#[rstest]
#[actix_web::test]
async fn who_waits_hears_of_the_end_or_of_a_change(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let path = ada.upload(red_then_blue()).await;
    let now = ada.get(&format!("{path}/analysis?wait=1")).await;
    assert_eq!(now.ok(200)["status"], "queued");
    let known = || {
        let request = ada.request("GET", &format!("{path}/analysis?wait=1"));
        request.insert_header(("if-none-match", now.header("etag")))
    };
    assert_eq!(Answer::to(known(), "").await.status, 304);

    let address = format!("{path}/analysis?wait=55");
    let changed = async {
        let request = ada.request("GET", &address).insert_header(("if-none-match", now.header("etag")));
        Answer::to(request, "").await.ok(200)
    };
    let ended = async { ada.get(&address).await.ok(200) };
    let cancel = async { ada.delete(&format!("{path}/analysis")).await.ok(200) };
    let (changed, ended, _) = futures_util::join!(changed, ended, cancel);
    assert_eq!((&changed["status"], &ended["status"]), (&json!("canceled"), &json!("canceled")));
    for wrong in ["wait=56", "wait=-1", "wait=soon", "delay=1"] {
        ada.get(&format!("{path}/analysis?{wrong}")).await.problem(422, "validation-failed");
    }
}

#[actix_web::test]
async fn progress_is_told_by_whichever_process_is_asked_and_streams_let_it_stop() {
    let installation = Installation::new();
    let users = installation.user_service("0");
    let patient = [("VIDEO_SERVICE__HTTP__SHUTDOWN_TIMEOUT_SECONDS", "3600")];
    let server = installation.video_service("serve", &users, &patient);
    let ada = Client::register(&installation, &users, "ada").await;
    let path = ada.upload(&server, sample()).await;
    let mut of_video = Events::of(ada.request(&server, "GET", &format!("{path}/analysis/events"))).await;
    assert_eq!(of_video.next().await.unwrap().data["status"], "queued");
    let _worker = installation.video_service("work", &users, &[]);
    let last = of_video.rest().await.pop().unwrap();
    assert_eq!(last.name, "succeeded");

    let mut of_account = Events::of(ada.request(&server, "GET", "/events")).await;
    assert!(server.stop("TERM").await.success());
    assert_eq!(of_account.rest().await, []);
}
