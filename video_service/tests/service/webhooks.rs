//! Webhooks: who is told of what, how often, and how it is proven.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use rstest::rstest;
use serde_json::{Value, json};
use service_kit::testing::Backend;

use crate::support::{Answer, Kadr, Message, Receiver, Setup, User, eventually, red_then_blue};

const ALL: [&str; 4] = ["video.ready", "video.deleted", "analysis.succeeded", "analysis.failed"];

/// Receivers of tests are on this machine, and nobody waits for them.
fn setup(backend: Backend) -> Setup {
    Setup::on(backend)
        .video("WEBHOOKS__ALLOWED_NETWORKS", "127.0.0.0/8")
        .video("WEBHOOKS__RETRY_SECONDS", "0, 0")
}

/// The path of a new webhook, and its secret.
async fn webhook(user: &User<'_>, receiver: &Receiver, events: &[&str]) -> (String, String) {
    let answer = user.post("/webhooks", json!({"url": receiver.url(), "events": events})).await;
    let made = answer.ok(201);
    assert_eq!(answer.header("cache-control"), "no-store");
    (answer.header("location").to_owned(), made["secret"].as_str().unwrap().to_owned())
}

/// The newest delivery of the webhook at `path`, once it has `status`.
async fn delivery(user: &User<'_>, path: &str, status: &str) -> Value {
    eventually(&format!("a delivery that has {status}"), async || {
        let log = user.get(&format!("{path}/deliveries")).await.ok(200);
        log["items"].get(0).filter(|newest| newest["status"] == status).cloned()
    })
    .await
}

fn ids(messages: &[Message]) -> BTreeSet<&str> {
    messages.iter().map(Message::id).collect()
}

#[rstest]
#[actix_web::test]
async fn every_event_arrives_once_and_signed_where_it_is_wanted(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = setup(backend).start().await;
    let (ada, bob) = (kadr.user("ada").await, kadr.user("bob").await);
    let (all, deletions, others) = (Receiver::start(), Receiver::start(), Receiver::start());
    let (path, secret) = webhook(&ada, &all, &ALL).await;
    let (_, deletions_secret) = webhook(&ada, &deletions, &["video.deleted"]).await;
    webhook(&bob, &others, &ALL).await;

    let film = ada.upload(red_then_blue()).await;
    let analysis = ada.ended_analysis(&film).await;
    let rubbish = ada.upload(b"no film at all".to_vec()).await;
    ada.ended_analysis(&rubbish).await;
    ada.delete(&film).await.ok(204);

    let messages = all.messages(5).await;
    let events: BTreeSet<_> = messages.iter().map(Message::event).collect();
    let expected = [
        ("video.ready", &film),
        ("analysis.succeeded", &film),
        ("video.deleted", &film),
        ("video.ready", &rubbish),
        ("analysis.failed", &rubbish),
    ];
    assert_eq!(events, expected.map(|(event, path)| (event.to_owned(), path.clone())).into());
    for message in &messages {
        assert!(message.is_signed_with(&secret) && !message.is_signed_with(&deletions_secret));
        assert_eq!(message.header("content-type"), "application/json");
        assert!(message.body()["timestamp"].is_string());
    }
    let succeeded = messages.iter().find(|message| message.body()["type"] == "analysis.succeeded").unwrap();
    assert_eq!(succeeded.body()["data"]["analysis_id"], analysis["id"]);

    let log = eventually("the end of all deliveries", async || {
        let log = ada.get(&format!("{path}/deliveries?status=succeeded")).await.ok(200);
        (log["items"].as_array().unwrap().len() == 5).then_some(log)
    })
    .await;
    let logged: BTreeSet<_> =
        log["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect();
    assert_eq!(logged, ids(&messages), "a message is known by the same id on both sides");
    assert!(log["items"].as_array().unwrap().iter().all(|item| item["attempts"] == 1));
    assert_eq!(all.received().len(), 5);
    let only = deletions.messages(1).await;
    assert_eq!((only.len(), only[0].event()), (1, ("video.deleted".to_owned(), film)));
    assert!(only[0].is_signed_with(&deletions_secret));
    assert_eq!(others.received().len(), 0, "nobody hears of somebody else's videos");
}

#[rstest]
#[actix_web::test]
async fn after_a_rotation_both_secrets_sign_for_as_long_as_is_configured(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[values(24, 0)] overlap_hours: u32,
) {
    let setup = setup(backend).without_workers();
    let kadr = setup.video("WEBHOOKS__SECRET_OVERLAP_HOURS", overlap_hours).start().await;
    let ada = kadr.user("ada").await;
    let receiver = Receiver::start();
    let (path, first) = webhook(&ada, &receiver, &ALL).await;
    let rotated = ada.post(&format!("{path}/rotate-secret"), json!({})).await.ok(200);
    let second = rotated["secret"].as_str().unwrap();
    assert!(first != second && rotated["previous_secret_expires_at"].is_string());
    assert!(ada.get(&path).await.ok(200).get("secret").is_none(), "it is told once");
    if overlap_hours > 0 {
        let again = ada.post(&format!("{path}/rotate-secret"), json!({})).await;
        again.problem(409, "rotation-under-way");
    }

    ada.upload_quietly(red_then_blue()).await;
    let messages = receiver.messages(1).await;
    assert!(messages[0].is_signed_with(second));
    assert_eq!(messages[0].is_signed_with(&first), overlap_hours > 0);
}

#[rstest]
#[actix_web::test]
async fn a_message_that_does_not_arrive_is_sent_again_and_the_log_says_so(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = setup(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let receiver = Receiver::start();
    receiver.answer(500);
    let (path, secret) = webhook(&ada, &receiver, &ALL).await;
    ada.upload_quietly(red_then_blue()).await;

    let failed = delivery(&ada, &path, "failed").await;
    assert_eq!((&failed["attempts"], &failed["response_status"]), (&json!(3), &json!(500)), "{failed}");
    assert_eq!((&failed["next_attempt_at"], &failed["error"]), (&Value::Null, &Value::Null));
    let messages = receiver.received();
    assert_eq!((messages.len(), ids(&messages).len()), (3, 1), "it is the same message each time");
    let record = ada.get(&path).await.ok(200);
    assert!(record["failing_since"].is_string() && record["enabled"] == true, "{record}");

    receiver.answer(204);
    let replay = format!("{path}/deliveries/{}/replay", failed["id"].as_str().unwrap());
    assert_eq!(ada.post(&replay, json!({})).await.ok(202)["status"], "pending");
    let succeeded = delivery(&ada, &path, "succeeded").await;
    assert_eq!((&succeeded["attempts"], &succeeded["response_status"]), (&json!(1), &json!(204)));
    let messages = receiver.received();
    assert_eq!((messages.len(), ids(&messages).len()), (4, 1));
    assert!(messages[3].is_signed_with(&secret));
    assert_eq!(ada.get(&path).await.ok(200)["failing_since"], Value::Null);
}

#[actix_web::test]
async fn between_two_attempts_a_delivery_waits_and_cannot_be_replayed() {
    let setup = setup(Backend::Sqlite).without_workers().video("WEBHOOKS__RETRY_SECONDS", "3600");
    let kadr = setup.video("WEBHOOKS__TIMEOUT_SECONDS", 1).start().await;
    let ada = kadr.user("ada").await;
    let receiver = Receiver::start();
    receiver.stay_silent();
    let (path, _) = webhook(&ada, &receiver, &ALL).await;
    ada.upload_quietly(red_then_blue()).await;
    let waiting = eventually("the first attempt's end", async || {
        let delivery = delivery(&ada, &path, "pending").await;
        (!delivery["error"].is_null()).then_some(delivery)
    })
    .await;
    assert_eq!((&waiting["error"], &waiting["attempts"]), (&json!("timeout"), &json!(1)));
    assert!(waiting["next_attempt_at"].as_str().unwrap() > waiting["last_attempt_at"].as_str().unwrap());
    let replay = format!("{path}/deliveries/{}/replay", waiting["id"].as_str().unwrap());
    ada.post(&replay, json!({})).await.problem(409, "delivery-under-way");
}

#[rstest]
#[actix_web::test]
async fn who_answers_410_hears_nothing_more_until_it_is_enabled_again(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = setup(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let receiver = Receiver::start();
    receiver.answer(410);
    let (path, _) = webhook(&ada, &receiver, &ALL).await;
    ada.upload_quietly(red_then_blue()).await;
    let gone = delivery(&ada, &path, "failed").await;
    assert_eq!((&gone["attempts"], &gone["response_status"]), (&json!(1), &json!(410)));
    let record = ada.get(&path).await.ok(200);
    assert_eq!((&record["enabled"], &record["disabled_reason"]), (&json!(false), &json!("gone")));
    assert!(record["disabled_at"].is_string());

    receiver.answer(204);
    let unheard = ada.upload_quietly(red_then_blue()).await;
    let replay = format!("{path}/deliveries/{}/replay", gone["id"].as_str().unwrap());
    ada.post(&replay, json!({})).await.problem(409, "webhook-disabled");
    let record = ada.patch(&path, json!({"enabled": true})).await.ok(200);
    assert_eq!((&record["enabled"], &record["disabled_at"]), (&json!(true), &Value::Null));
    assert_eq!(record["disabled_reason"], Value::Null);
    let heard = ada.upload_quietly(red_then_blue()).await;
    let messages = receiver.messages(2).await;
    assert_eq!(messages[1].event().1, heard);
    assert!(messages.iter().all(|message| message.event().1 != unheard));
}

#[rstest]
#[actix_web::test]
async fn after_days_of_failures_alone_a_webhook_is_disabled(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[values(0, 5)] days: u32,
) {
    let kadr = setup(backend).without_workers().video("WEBHOOKS__DISABLE_AFTER_DAYS", days).start().await;
    let ada = kadr.user("ada").await;
    let receiver = Receiver::start();
    receiver.answer(503);
    let (path, _) = webhook(&ada, &receiver, &ALL).await;
    ada.upload_quietly(red_then_blue()).await;
    delivery(&ada, &path, "failed").await;
    let reason = if days == 0 { json!("failing") } else { Value::Null };
    assert_eq!(ada.get(&path).await.ok(200)["disabled_reason"], reason);
}

#[actix_web::test]
async fn a_receiver_that_does_not_answer_holds_up_nobody_else() {
    let setup = setup(Backend::Sqlite).without_workers().video("WEBHOOKS__CONCURRENCY", 5);
    let kadr = setup.video("WEBHOOKS__TIMEOUT_SECONDS", 600).start().await;
    let (ada, bob) = (kadr.user("ada").await, kadr.user("bob").await);
    let (silent, other) = (Receiver::start(), Receiver::start());
    silent.stay_silent();
    webhook(&ada, &silent, &ALL).await;
    webhook(&bob, &other, &ALL).await;
    for _ in 0..8 {
        ada.upload_quietly(b"bytes".to_vec()).await;
    }
    silent.messages(4).await;
    bob.upload_quietly(b"bytes".to_vec()).await;
    other.messages(1).await;
    assert_eq!(silent.received().len(), 4);
}

#[rstest]
#[actix_web::test]
async fn webhooks_are_changed_stopped_listed_and_deleted_by_their_owner_alone(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = setup(backend).without_workers().video("WEBHOOKS__MAX_PER_ACCOUNT", 3).start().await;
    let (ada, eve) = (kadr.user("ada").await, kadr.user("eve").await);
    let receiver = Receiver::start();
    let wanted = || ada.post("/webhooks", json!({"url": receiver.url(), "events": ALL}));
    let answers = join_all((0..8).map(|_| wanted())).await;
    let made: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
    let mut paths: Vec<_> = made.iter().map(|answer| answer.header("location").to_owned()).collect();
    assert_eq!(paths.len(), 3, "of those made at once as well");
    // Their ids tell in which order they were made.
    paths.sort();
    let one_more = ada.post("/webhooks", json!({"url": receiver.url(), "events": ALL})).await;
    one_more.problem(409, "too-many-webhooks");

    let first = ada.get("/webhooks?limit=2").await;
    assert!(first.header("link").contains("rel=\"next\""));
    let first = first.ok(200);
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = ada.get(&format!("/webhooks?limit=2&cursor={cursor}")).await.ok(200);
    let listed: Vec<_> =
        [&first, &second].iter().flat_map(|page| page["items"].as_array().unwrap()).collect();
    let listed: Vec<_> =
        listed.iter().map(|item| format!("/webhooks/{}", item["id"].as_str().unwrap())).collect();
    assert_eq!(listed, paths.iter().rev().cloned().collect::<Vec<_>>());
    assert_eq!(second["next_cursor"], Value::Null);

    let path = &paths[0];
    let changes =
        json!({"events": ["video.deleted", "video.deleted"], "description": "CI", "enabled": false});
    let changed = ada.patch(path, changes).await.ok(200);
    assert_eq!((&changed["events"], &changed["description"]), (&json!(["video.deleted"]), &json!("CI")));
    assert_eq!((&changed["enabled"], &changed["disabled_reason"]), (&json!(false), &json!("owner")));
    assert_eq!(ada.patch(path, json!({"description": null})).await.ok(200)["description"], Value::Null);

    let unknown = "00000000-0000-7000-8000-000000000000";
    ada.post(&format!("{path}/deliveries/{unknown}/replay"), json!({})).await.problem(404, "not-found");
    eve.get(path).await.problem(404, "not-found");
    eve.patch(path, json!({"enabled": true})).await.problem(404, "not-found");
    eve.delete(path).await.problem(404, "not-found");
    eve.get(&format!("{path}/deliveries")).await.problem(404, "not-found");
    eve.post(&format!("{path}/rotate-secret"), json!({})).await.problem(404, "not-found");
    eve.post(&format!("{path}/deliveries/{unknown}/replay"), json!({})).await.problem(404, "not-found");
    assert_eq!(eve.get("/webhooks").await.ok(200)["items"], json!([]));
    Answer::to(kadr.anonymous("GET", "/webhooks"), "").await.problem(401, "authentication-required");

    ada.delete(path).await.ok(204);
    ada.get(path).await.problem(404, "not-found");
}

#[rstest]
#[actix_web::test]
async fn an_account_that_goes_takes_its_webhooks_along_and_nobody_is_told(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = setup(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let receiver = Receiver::start();
    let (path, _) = webhook(&ada, &receiver, &["video.deleted"]).await;
    ada.upload_quietly(red_then_blue()).await;
    let address = format!("/internal/accounts/{}", ada.account().await);
    let secret = kadr.secret("account_deletion_client_secret");
    Answer::to(kadr.anonymous("DELETE", &address).basic_auth("user_service", &secret), "").await.ok(204);
    ada.get(&path).await.problem(404, "not-found");
    assert_eq!(receiver.received().len(), 0);
}

#[actix_web::test]
async fn a_webhook_that_is_none_is_refused_with_every_fault() {
    let kadr = Kadr::start(Backend::Sqlite).await;
    let ada = kadr.user("ada").await;
    let url = "https://example.com/";
    let cases = [
        (
            json!({"url": "ftp://x/", "events": [], "description": "\u{7}"}),
            vec!["/url", "/events", "/description"],
        ),
        (json!({"url": url, "events": ["video.ready", "video.renamed"]}), vec!["/events/1"]),
        (json!({"url": url, "events": "video.ready"}), vec!["/events"]),
        (json!({"url": 7, "events": ["video.ready"]}), vec!["/url"]),
        (json!({"events": ["video.ready"]}), vec![""]),
        (json!({"url": url, "events": ["video.ready"], "secret": "mine"}), vec!["/secret"]),
    ];
    for (body, pointers) in cases {
        let problem = ada.post("/webhooks", body.clone()).await.problem(422, "validation-failed");
        let found: Vec<_> =
            problem["errors"].as_array().unwrap().iter().map(|error| &error["pointer"]).collect();
        assert_eq!(found, pointers, "{body}");
    }
    let made = ada.post("/webhooks", json!({"url": url, "events": ["video.ready"]})).await;
    let path = made.header("location").to_owned();
    for (body, pointer) in [
        (json!({"url": "http://10.0.0.1/"}), "/url"),
        (json!({"url": null}), "/url"),
        (json!({"events": []}), "/events"),
        (json!({"enabled": null}), "/enabled"),
        (json!({"disabled_at": null}), "/disabled_at"),
    ] {
        let problem = ada.patch(&path, body.clone()).await.problem(422, "validation-failed");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}");
    }
    for wrong in ["limit=0", "cursor=x", "colour=red"] {
        ada.get(&format!("/webhooks?{wrong}")).await.problem(422, "validation-failed");
        ada.get(&format!("{path}/deliveries?{wrong}")).await.problem(422, "validation-failed");
    }
    assert_eq!(ada.get(&path).await.ok(200)["url"], url);
}
