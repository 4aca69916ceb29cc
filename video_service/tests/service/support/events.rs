//! A stream of server-sent events, as a client reads it.

use std::pin::Pin;

use actix_rt::time::timeout;
use awc::error::PayloadError;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use serde_json::Value;

use super::PATIENCE;

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) data: Value,
}

/// A stream being read.
pub(crate) struct Events {
    body: Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>>,
    text: String,
    /// Blocks that were no events: comments and hints.
    pub(crate) remarks: Vec<String>,
}

impl Events {
    /// Of a request that is answered with a stream.
    pub(crate) async fn of(request: awc::ClientRequest) -> Self {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers().get("content-type").unwrap(), "text/event-stream");
        Self { body: Box::pin(response), text: String::new(), remarks: Vec::new() }
    }

    /// The next event; `None` at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                match event(&block) {
                    Some(event) => return Some(event),
                    None => self.remarks.push(block),
                }
                continue;
            }
            let chunk = timeout(PATIENCE, self.body.next()).await.expect("the stream is silent");
            self.text += std::str::from_utf8(&chunk?.unwrap()).unwrap();
        }
    }

    /// All events until the end of the stream.
    pub(crate) async fn rest(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
        }
        events
    }
}

fn event(block: &str) -> Option<Event> {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let data = serde_json::from_str(field("data")?).unwrap();
    Some(Event { id: field("id")?.to_owned(), name: field("event")?.to_owned(), data })
}
