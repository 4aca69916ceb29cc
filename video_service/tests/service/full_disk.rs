//! The disk is full.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::support::{Answer, Client, Installation, Process, red_then_blue};

const MIB: usize = 1024 * 1024;
const PIECE: &str = "application/offset+octet-stream";

/// The sizes of all files in the store.
fn stored(installation: &Installation, videos: &Process) -> Vec<u64> {
    let files = videos.files_below(&installation.data().join("blobs"));
    let mut sizes: Vec<_> = files.iter().map(|file| file.metadata().unwrap().len()).collect();
    sizes.retain(|size| *size > 0);
    sizes
}

fn skipped() {
    eprintln!("not tested: this machine does not let its users mount a disk");
}

#[actix_web::test]
async fn what_does_not_fit_is_refused_and_takes_no_room() {
    let installation = Installation::new();
    let users = installation.user_service("0");
    let Some(videos) = installation.video_service_on_disk_of(4 * MIB, "blobs", &users, &[]) else {
        return skipped();
    };
    let ada = Client::register(&installation, &users, "ada").await;
    let tus = |method: &str, path: &str| {
        ada.request(&videos, method, path).insert_header(("tus-resumable", "1.0.0"))
    };
    let begin = |length: usize| tus("POST", "/uploads").insert_header(("upload-length", length));
    let piece = |path: &str, offset: usize| {
        tus("PATCH", path).insert_header(("upload-offset", offset)).content_type(PIECE)
    };
    let too_much = vec![7; 6 * MIB];

    // In one request, and as the first piece of an upload whose address its client never learns.
    let record = ada.request(&videos, "POST", "/videos").content_type("application/json");
    let path = Answer::to(record, r#"{"title": "A film"}"#).await.header("location").to_owned();
    let put = |content: Vec<u8>| {
        let address = format!("{path}/content?analyze=false");
        Answer::to(ada.request(&videos, "PUT", &address).content_type("video/mp4"), content)
    };
    put(too_much.clone()).await.problem(507, "insufficient-storage");
    assert!(stored(&installation, &videos).is_empty());
    let first = begin(too_much.len()).content_type(PIECE);
    Answer::to(first, too_much.clone()).await.problem(507, "insufficient-storage");
    assert!(stored(&installation, &videos).is_empty());
    let items = ada.get(&videos, "/videos").await.ok(200)["items"].clone();
    assert_eq!(items.as_array().unwrap().len(), 1, "the record that was made for it is gone: {items}");

    // In pieces: what was acknowledged stays, and nothing besides.
    let begun = Answer::to(begin(too_much.len()), "").await;
    let upload = begun.header("location");
    Answer::to(piece(upload, 0), too_much[..MIB].to_vec()).await.ok(204);
    let rest = too_much[MIB..].to_vec();
    Answer::to(piece(upload, MIB), rest.clone()).await.problem(507, "insufficient-storage");
    let digest = BASE64_STANDARD.encode(Sha256::digest(&rest));
    let checked = piece(upload, MIB).insert_header(("upload-checksum", format!("sha256 {digest}")));
    Answer::to(checked, rest).await.problem(507, "insufficient-storage");
    assert_eq!(stored(&installation, &videos), vec![MIB as u64]);
    let state = Answer::to(tus("HEAD", upload), "").await;
    assert_eq!((state.status, state.header("upload-offset")), (200, MIB.to_string().as_str()));

    put(too_much[..2 * MIB].to_vec()).await.ok(201);
}

#[actix_web::test]
async fn an_analysis_whose_poster_has_no_room_fails_and_may_be_tried_again() {
    let installation = Installation::new();
    let users = installation.user_service("0");
    let once = [("VIDEO_SERVICE__ANALYSIS__MAX_ATTEMPTS", "1")];
    let Some(videos) = installation.video_service_on_disk_of(4 * MIB, "blobs", &users, &once) else {
        return skipped();
    };
    let ada = Client::register(&installation, &users, "ada").await;
    let record = ada.request(&videos, "POST", "/videos").content_type("application/json");
    let path = Answer::to(record, r#"{"title": "A film"}"#).await.header("location").to_owned();
    let put = ada.request(&videos, "PUT", &format!("{path}/content?analyze=false")).content_type("video/mp4");
    Answer::to(put, red_then_blue()).await.ok(201);

    videos.fill(&installation.data().join("blobs"));
    let before = stored(&installation, &videos);

    let start = ada.request(&videos, "POST", &format!("{path}/analysis")).content_type("application/json");
    Answer::to(start, "{}").await.ok(202);
    let ended = ada.get(&videos, &format!("{path}/analysis?wait=55")).await.ok(200);
    let error = json!({"type": "io", "message": "What was found could not be stored.", "retryable": true});
    assert_eq!((&ended["status"], &ended["error"]), (&json!("failed"), &error));
    assert_eq!(stored(&installation, &videos), before);

    videos.make_room(&installation.data().join("blobs"));
    let again = ada.request(&videos, "POST", &format!("{path}/analysis")).content_type("application/json");
    Answer::to(again, "{}").await.ok(202);
    let ended = ada.get(&videos, &format!("{path}/analysis?wait=55")).await.ok(200);
    assert_eq!(ended["status"], "succeeded", "{ended}");
}

#[actix_web::test]
async fn a_database_without_room_refuses_and_leaves_no_bytes_without_a_record() {
    let installation = Installation::new();
    let users = installation.user_service("0");
    let file = installation.data().join("database/video.db");
    let url = format!("sqlite://{}?mode=rwc", file.display());
    let settings = [("VIDEO_SERVICE__DATABASE__URL", url.as_str())];
    let Some(videos) = installation.video_service_on_disk_of(8 * MIB, "database", &users, &settings) else {
        return skipped();
    };
    let ada = Client::register(&installation, &users, "ada").await;
    let make = |title: &str| {
        let body = json!({ "title": title }).to_string();
        Answer::to(ada.request(&videos, "POST", "/videos").content_type("application/json"), body)
    };
    let path = make("A film").await.header("location").to_owned();
    let mut made = 1;
    videos.fill(file.parent().unwrap());
    // There is some room within the database's own files, until it refuses for good.
    let mut refused = 0;
    while refused < 5 {
        assert!(made < 10_000, "it takes more than has room");
        let answer = make("Another").await;
        if answer.status == 201 {
            (refused, made) = (0, made + 1);
        } else {
            answer.problem(507, "insufficient-storage");
            refused += 1;
        }
    }
    let put = ada.request(&videos, "PUT", &format!("{path}/content")).content_type("video/mp4");
    Answer::to(put, red_then_blue()).await.problem(507, "insufficient-storage");
    assert!(stored(&installation, &videos).is_empty());
    assert_eq!(ada.get(&videos, &path).await.ok(200)["status"], "waiting");
    videos.make_room(file.parent().unwrap());
    make("One more").await.ok(201);
    let listed = ada.get(&videos, "/videos?limit=100").await.ok(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), made + 1, "what was answered for is there");
}
