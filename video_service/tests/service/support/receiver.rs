//! Somebody who is told of events: a real server, and the specification's own library to check what comes.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use actix_web::http::StatusCode;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::Value;
use standardwebhooks::Webhook;

use super::eventually;

/// Instead of a status: no answer at all.
const SILENCE: u16 = 0;

#[derive(Clone)]
pub(crate) struct Receiver {
    port: u16,
    answer: Arc<AtomicU16>,
    location: Option<String>,
    received: Arc<Mutex<Vec<Message>>>,
}

/// What came.
#[derive(Clone)]
pub(crate) struct Message {
    headers: http::HeaderMap,
    body: Vec<u8>,
}

impl Receiver {
    /// On a free port; it answers 204.
    pub(crate) fn start() -> Self {
        Self::redirecting(None)
    }

    /// Its answers carry a `Location`.
    pub(crate) fn redirecting(location: Option<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let answer = Arc::new(AtomicU16::new(204));
        let receiver = Self { port, answer, location, received: Arc::default() };
        let shared = receiver.clone();
        let server = HttpServer::new(move || {
            App::new().app_data(web::Data::new(shared.clone())).default_service(web::to(receive))
        });
        let server = server.workers(1).disable_signals().shutdown_timeout(0).listen(listener).unwrap().run();
        actix_rt::spawn(server);
        receiver
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook?token=query-secret", self.port)
    }

    /// The same, by a name.
    pub(crate) fn url_by_name(&self) -> String {
        format!("http://localhost:{}/hook", self.port)
    }

    pub(crate) fn answer(&self, status: u16) {
        self.answer.store(status, Ordering::SeqCst);
    }

    pub(crate) fn stay_silent(&self) {
        self.answer(SILENCE);
    }

    pub(crate) fn received(&self) -> Vec<Message> {
        self.received.lock().unwrap().clone()
    }

    /// All that came, once there are so many.
    pub(crate) async fn messages(&self, count: usize) -> Vec<Message> {
        eventually("the message", async || {
            let received = self.received();
            (received.len() >= count).then_some(received)
        })
        .await
    }
}

async fn receive(receiver: web::Data<Receiver>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let mut headers = http::HeaderMap::new();
    for (name, value) in request.headers() {
        let name: http::HeaderName = name.as_str().parse().unwrap();
        headers.insert(name, http::HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    receiver.received.lock().unwrap().push(Message { headers, body: body.to_vec() });
    let status = receiver.answer.load(Ordering::SeqCst);
    if status == SILENCE {
        return std::future::pending().await;
    }
    let mut response = HttpResponse::build(StatusCode::from_u16(status).unwrap());
    if let Some(location) = &receiver.location {
        response.insert_header(("location", location.clone()));
    }
    response.body("thanks")
}

impl Message {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap().to_str().unwrap()
    }

    pub(crate) fn id(&self) -> &str {
        self.header("webhook-id")
    }

    pub(crate) fn body(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Its event and the video it is about.
    pub(crate) fn event(&self) -> (String, String) {
        let body = self.body();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&body["type"]), format!("/videos/{}", text(&body["data"]["video_id"])))
    }

    pub(crate) fn is_signed_with(&self, secret: &str) -> bool {
        Webhook::new(secret).unwrap().verify(&self.body, &self.headers).is_ok()
    }
}
