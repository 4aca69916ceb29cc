//! As many listeners as there may be by default.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::support::{Answer, Client, Installation, Process, eventually, red_then_blue};

const LISTENERS: usize = 10_000;
/// Files that the service and this test have open besides.
const OTHER_FILES: usize = 200;
/// Only a fault takes so long.
const PATIENCE: Duration = Duration::from_mins(2);

/// How many there can be on this machine, which may allow a process fewer open files.
fn listeners() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let hard: usize = files.split_whitespace().nth(4).unwrap().parse().unwrap_or(usize::MAX);
    LISTENERS.min(hard - OTHER_FILES)
}

/// A stream of the events of an account, without a client library: these would be too many.
struct Stream {
    connection: TcpStream,
    text: Vec<u8>,
}

impl Stream {
    fn open(videos: &Process, ada: &Client<'_>) -> Self {
        let address = videos.url.trim_start_matches("http://");
        let mut connection = TcpStream::connect(address).unwrap();
        connection.set_read_timeout(Some(PATIENCE)).unwrap();
        let head =
            format!("GET /events HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n\r\n", ada.token);
        connection.write_all(head.as_bytes()).unwrap();
        Self { connection, text: Vec::new() }
    }

    fn wait_for(&mut self, mark: &str) {
        let mut some = [0; 4096];
        while !self.text.windows(mark.len()).any(|window| window == mark.as_bytes()) {
            let count = self.connection.read(&mut some).unwrap();
            assert!(count > 0, "the stream has ended: {}", String::from_utf8_lossy(&self.text));
            self.text.extend_from_slice(&some[..count]);
        }
    }
}

#[actix_web::test]
async fn ten_thousand_hear_of_a_change_and_one_more_finds_no_place() {
    service_kit::app::allow_many_connections();
    let installation = Installation::new();
    let users = installation.user_service("0");
    let most = listeners().to_string();
    let settings =
        ["VIDEO_SERVICE__EVENTS__MAX_LISTENERS", "VIDEO_SERVICE__EVENTS__MAX_LISTENERS_PER_ACCOUNT"];
    let videos = installation.video_service("serve", &users, &settings.map(|key| (key, most.as_str())));
    let ada = Client::register(&installation, &users, "ada").await;
    let mut streams: Vec<Stream> = (0..listeners()).map(|_| Stream::open(&videos, &ada)).collect();
    for stream in &mut streams {
        stream.wait_for(":\n\n");
    }
    let refused = ada.get(&videos, "/events").await;
    refused.problem(503, "unavailable");
    assert_eq!(refused.header("retry-after"), "10");

    ada.upload(&videos, red_then_blue()).await;
    for stream in &mut streams {
        stream.wait_for("event: progress\n");
    }
    streams.pop();
    eventually("a free place", async || {
        let response = ada.request(&videos, "GET", "/events").send().await.unwrap();
        (response.status() == 200).then_some(())
    })
    .await;
    Answer::to(ada.request(&videos, "GET", "/healthz"), "").await.ok(200);
    // First the service: so no port of a client is held by a connection that has ended.
    videos.kill();
}
