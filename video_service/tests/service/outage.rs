//! The database or User Service goes away, and comes back.

use std::cell::{Cell, RefCell};

use futures_util::future::{join, join_all};
use sea_orm::{ConnectionTrait, TransactionTrait};
use serde_json::json;
use service_kit::testing::{Backend, Cable, TestDatabase};

use crate::support::{Answer, Client, Installation, Process, Setup, User, eventually};

/// What came of a while of uploading.
#[derive(Default)]
struct Tally {
    /// The paths of videos whose upload was acknowledged, and their content.
    accepted: RefCell<Vec<(String, Vec<u8>)>>,
    /// The statuses of requests that were not.
    refused: RefCell<Vec<u16>>,
    over: Cell<bool>,
}

impl Tally {
    /// Uploads one video after the other until it is over.
    async fn fill(&self, user: &User<'_>, worker: u32) {
        for number in 0_u32.. {
            if self.over.get() {
                return;
            }
            let record = user.post("/videos", json!({ "title": "Film" })).await;
            if record.status != 201 {
                self.refuse(&record);
                continue;
            }
            let path = record.header("location").to_owned();
            let content = [worker.to_be_bytes(), number.to_be_bytes()].concat();
            let upload = user.put(&format!("{path}/content?analyze=false"), content.clone()).await;
            if upload.status == 201 {
                self.accepted.borrow_mut().push((path, content));
            } else {
                self.refuse(&upload);
            }
        }
    }

    fn refuse(&self, answer: &Answer) {
        answer.problem(503, "unavailable");
        self.refused.borrow_mut().push(answer.status);
    }

    async fn more_accepted(&self) {
        let enough = self.accepted.borrow().len() + 8;
        eventually("more uploads", async || (self.accepted.borrow().len() >= enough).then_some(())).await;
    }
}

#[actix_web::test]
async fn nothing_that_was_accepted_is_lost_and_nothing_is_called_our_fault() {
    let database = TestDatabase::create(Backend::Postgres).await.unwrap();
    let (mut cable, url) = Cable::to_database(database.url()).await.unwrap();
    let setup = Setup::on(Backend::Sqlite).without_workers().video("DATABASE__URL", url);
    let kadr = setup.video("DATABASE__ACQUIRE_TIMEOUT_SECONDS", 1).start().await;
    let ada = kadr.user("ada").await;
    let tally = Tally::default();
    let load = join_all((0..4).map(|worker| tally.fill(&ada, worker)));
    let course = async {
        tally.more_accepted().await;
        cable.cut().await;
        eventually("refusals", async || (tally.refused.borrow().len() >= 4).then_some(())).await;
        let ready = Answer::to(kadr.anonymous("GET", "/readyz"), "").await;
        assert_eq!((ready.status, &ready.json()["checks"]["database"]), (503, &json!("unavailable")));
        cable.mend().await.unwrap();
        tally.more_accepted().await;
        tally.over.set(true);
    };
    join(load, course).await;

    assert_eq!(Answer::to(kadr.anonymous("GET", "/readyz"), "").await.status, 200);
    for (path, content) in tally.accepted.take() {
        assert_eq!(ada.get(&format!("{path}/content")).await.body, content, "{path}");
    }
}

#[actix_web::test]
async fn a_database_that_another_program_keeps_for_itself_is_busy_which_is_not_our_fault() {
    let kadr = Setup::on(Backend::Sqlite).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let path = ada.video("Film").await;
    let database = kadr.database().await;
    let other = database.begin().await.unwrap();
    other.execute_unprepared("UPDATE video SET title = 'Kept'").await.unwrap();
    let refused = ada.post("/videos", json!({ "title": "Another" })).await;
    refused.problem(503, "unavailable");
    assert_eq!(refused.header("retry-after"), "1");
    let with_key = ada.request("POST", "/videos").insert_header(("idempotency-key", "k"));
    let with_key = with_key.content_type("application/json");
    Answer::to(with_key, r#"{"title": "Another"}"#).await.problem(503, "unavailable");
    assert_eq!(ada.get(&path).await.ok(200)["title"], "Film", "who reads does not wait");
    other.rollback().await.unwrap();
    ada.post("/videos", json!({ "title": "Another" })).await.ok(201);
}

/// User Service, the cable by which Video Service asks it about accounts, and a user whose token it knows for an hour.
async fn by_cable(installation: &Installation) -> (Process, Cable, Process, Client<'_>) {
    let users = installation.user_service("0");
    let cable = Cable::to(users.url.trim_start_matches("http://")).await.unwrap();
    let url = format!("http://{}", cable.address());
    let settings = [
        ("VIDEO_SERVICE__USER_SERVICE__URL", url.as_str()),
        ("VIDEO_SERVICE__USER_SERVICE__CACHE_SECONDS", "3600"),
    ];
    let videos = installation.video_service("serve", &users, &settings);
    let ada = Client::register(installation, &users, "ada").await;
    (users, cable, videos, ada)
}

#[actix_web::test]
async fn an_upload_whose_account_nobody_could_ask_about_at_its_end_is_finished_by_the_next_look() {
    let installation = Installation::new();
    let (_users, mut cable, videos, ada) = by_cable(&installation).await;
    let tus = |method: &str, path: &str| {
        ada.request(&videos, method, path).insert_header(("tus-resumable", "1.0.0"))
    };
    let begun = Answer::to(tus("POST", "/uploads").insert_header(("upload-length", 10)), "").await;
    begun.ok(201);
    let upload = begun.header("location");

    cable.cut().await;
    let piece = tus("PATCH", upload).insert_header(("upload-offset", 0));
    let refused = Answer::to(piece.content_type("application/offset+octet-stream"), "0123456789").await;
    refused.problem(503, "unavailable");
    let state = ada.get(&videos, upload).await.ok(200);
    assert_eq!((&state["status"], &state["offset"]), (&json!("verifying"), &json!(10)), "no byte is lost");

    cable.mend().await.unwrap();
    let head = Answer::to(tus("HEAD", upload), "").await;
    assert_eq!((head.status, head.header("upload-offset")), (200, "10"));
    assert_eq!(ada.get(&videos, upload).await.ok(200)["status"], "ready");
    let path = format!("/videos/{}/content", begun.header("kadr-video-id"));
    assert_eq!(ada.get(&videos, &path).await.body, b"0123456789");
}

#[actix_web::test]
async fn an_upload_in_one_request_whose_account_nobody_could_ask_about_leaves_nothing() {
    let installation = Installation::new();
    let (_users, mut cable, videos, ada) = by_cable(&installation).await;
    assert_eq!(ada.get(&videos, "/videos").await.ok(200)["items"], json!([]));

    cable.cut().await;
    let upload = || {
        let upload = ada.request(&videos, "POST", "/uploads").insert_header(("tus-resumable", "1.0.0"));
        upload.insert_header(("upload-length", 10)).content_type("application/offset+octet-stream")
    };
    Answer::to(upload(), "0123456789").await.problem(503, "unavailable");
    assert_eq!(ada.get(&videos, "/videos").await.ok(200)["items"], json!([]));
    assert_eq!(ada.get(&videos, "/usage").await.ok(200)["announced_bytes"], 0);
    assert!(videos.files_below(&installation.data().join("blobs/uploads")).is_empty());

    cable.mend().await.unwrap();
    Answer::to(upload(), "0123456789").await.ok(201);
    assert_eq!(ada.get(&videos, "/videos").await.ok(200)["items"].as_array().unwrap().len(), 1);
}
