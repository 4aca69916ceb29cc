//! Where webhooks do not lead.

use serde_json::{Value, json};
use service_kit::testing::Backend;

use crate::support::{Receiver, Setup, User, eventually, red_then_blue};

/// How the one delivery to the webhook at `path` failed.
async fn failure(user: &User<'_>, path: &str) -> Value {
    eventually("the end of the delivery", async || {
        let log = user.get(&format!("{path}/deliveries")).await.ok(200);
        log["items"].get(0).filter(|delivery| delivery["status"] == "failed").cloned()
    })
    .await
}

async fn webhook(user: &User<'_>, url: &str) -> String {
    let made = user.post("/webhooks", json!({"url": url, "events": ["video.ready"]})).await;
    made.ok(201);
    made.header("location").to_owned()
}

fn setup() -> Setup {
    Setup::on(Backend::Sqlite).without_workers().video("WEBHOOKS__RETRY_SECONDS", "")
}

#[actix_web::test]
async fn hostile_addresses_are_refused_where_they_say_what_they_are() {
    let kadr = setup().start().await;
    let ada = kadr.user("ada").await;
    for url in [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://017700000001/",
        "http://0x7f000001/",
        "http://10.0.0.1:8080/",
        "http://169.254.169.254/latest/meta-data/",
        "http://100.100.100.200/",
        "http://0.0.0.0/",
        "http://224.0.0.1/",
        "http://[::]/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:a9fe:a9fe]/",
        "http://[64:ff9b::10.0.0.1]/",
        "http://[64:ff9b:1::1]/",
        "http://[2002:7f00:1::]/",
        "http://[fc00::1]/",
        "http://[fe80::1]/",
        "http://[ff02::1]/",
        "https://ada:secret@example.com/",
        "https://ada@example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/_x",
        "unix:/run/docker.sock",
        "http://example.com:22/",
        "http://example.com:25/",
        "//example.com/",
        "",
    ] {
        let answer = ada.post("/webhooks", json!({"url": url, "events": ["video.ready"]})).await;
        let problem = answer.problem(422, "validation-failed");
        assert_eq!(problem["errors"][0]["pointer"], "/url", "{url}: {problem}");
    }
    assert_eq!(ada.get("/webhooks").await.ok(200)["items"], json!([]));
}

#[actix_web::test]
async fn a_name_that_resolves_to_this_machine_is_not_connected_to() {
    let kadr = setup().start().await;
    let ada = kadr.user("ada").await;
    let receiver = Receiver::start();
    let path = webhook(&ada, &receiver.url_by_name()).await;
    ada.upload_quietly(red_then_blue()).await;
    let failed = failure(&ada, &path).await;
    assert_eq!((&failed["error"], &failed["response_status"]), (&json!("address_not_allowed"), &Value::Null));
    assert_eq!(receiver.received().len(), 0);
}

#[actix_web::test]
async fn redirects_are_not_followed() {
    let kadr = setup().video("WEBHOOKS__ALLOWED_NETWORKS", "127.0.0.0/8").start().await;
    let ada = kadr.user("ada").await;
    let hidden = Receiver::start();
    let open = Receiver::redirecting(Some(hidden.url()));
    open.answer(307);
    let path = webhook(&ada, &open.url()).await;
    ada.upload_quietly(red_then_blue()).await;
    let failed = failure(&ada, &path).await;
    assert_eq!((&failed["response_status"], &failed["attempts"]), (&json!(307), &json!(1)));
    assert_eq!((open.received().len(), hidden.received().len()), (1, 0));
}

#[actix_web::test]
async fn who_speaks_no_tls_or_no_http_or_is_not_there_fails_with_a_reason() {
    let kadr = setup().video("WEBHOOKS__ALLOWED_NETWORKS", "127.0.0.0/8").start().await;
    let ada = kadr.user("ada").await;
    let plain = Receiver::start().url().replace("http://", "https://");
    let nobody = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/", listener.local_addr().unwrap())
    };
    let cases = [
        (plain, "tls_failed"),
        (nobody, "connection_failed"),
        ("https://kadr.invalid/".to_owned(), "name_not_resolved"),
    ];
    let mut paths = Vec::new();
    for (url, _) in &cases {
        paths.push(webhook(&ada, url).await);
    }
    ada.upload_quietly(red_then_blue()).await;
    for (path, (url, reason)) in paths.iter().zip(&cases) {
        assert_eq!(failure(&ada, path).await["error"], *reason, "{url}");
    }
}
