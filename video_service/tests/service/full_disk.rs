//! The disk is full.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

use crate::support::{Answer, Client, Installation, Process};

const MIB: usize = 1024 * 1024;
const PIECE: &str = "application/offset+octet-stream";

/// The sizes of all files in the store.
fn stored(installation: &Installation, videos: &Process) -> Vec<u64> {
    let files = videos.files_below(&installation.data().join("blobs"));
    let mut sizes: Vec<_> = files.iter().map(|file| file.metadata().unwrap().len()).collect();
    sizes.retain(|size| *size > 0);
    sizes
}

#[actix_web::test]
async fn what_does_not_fit_is_refused_and_takes_no_room() {
    let installation = Installation::new();
    let users = installation.user_service("0");
    let Some(videos) = installation.video_service_on_disk_of(4 * MIB, &users) else {
        eprintln!("not tested: this machine does not let its users mount a disk");
        return;
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
