//! `GET /videos/{id}/analysis/events` and `GET /events`: progress as server-sent events (HTML Standard §9.2).

use actix_web::http::header::{self, ContentEncoding};
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use service_kit::problem::Problem;
use uuid::Uuid;

use super::event_stream::{EventStream, is_the_end_known};
use crate::auth::{Lasting, VideosRead};
use crate::progress::{self, Change, ProgressHub, Topic};
use crate::queue;
use crate::state::State;
use crate::videos::owned;

/// The position of an event: when its state was written, and which state it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EventId {
    written: DateTime<Utc>,
    pub(super) analysis: Uuid,
    pub(super) revision: i64,
}

impl EventId {
    /// Of a state.
    pub(super) fn of(change: &Change) -> Self {
        let analysis = &change.analysis;
        Self { written: analysis.updated_at, analysis: analysis.id, revision: analysis.revision }
    }

    /// The last one a client has seen. One that is not ours is none, as for a client that comes for the first time.
    fn last_seen(request: &HttpRequest) -> Option<Self> {
        let text = request.headers().get("last-event-id")?.to_str().ok()?;
        let mut parts = text.split('.');
        let id = Self {
            written: DateTime::from_timestamp_micros(parts.next()?.parse().ok()?)?,
            analysis: parts.next()?.parse().ok()?,
            revision: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(id)
    }
}

impl std::fmt::Display for EventId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { written, analysis, revision } = self;
        write!(formatter, "{}.{}.{revision}", written.timestamp_micros(), analysis.simple())
    }
}

/// Follow an analysis
///
/// Server-sent events: the state of the video's newest analysis at once, then every change as `progress`, at last
/// `succeeded`, `failed` or `canceled`, and the stream ends. `data` is the analysis without its report. With the
/// `Last-Event-ID` of that last event the answer is 204, which tells an `EventSource` not to come again.
#[utoipa::path(
    get, path = "/videos/{id}/analysis/events", tag = "analyses",
    params(("id" = Uuid, Path), ("Last-Event-ID" = Option<String>, Header)),
    responses(
        (status = 200, body = inline(String), content_type = "text/event-stream"),
        (status = 204, description = "The last event was the last one"),
    ),
)]
pub(super) async fn of_video(
    state: web::Data<State>,
    hub: web::Data<ProgressHub>,
    auth: Lasting<VideosRead>,
    id: web::Path<Uuid>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let video = owned(&state.db, *id, &auth.caller).await?;
    let topic = Topic::Video(video.id);
    // First the listener, then the state: what changes between them comes twice rather than not at all.
    let listener = hub.listen(topic, video.owner_id).await?;
    let analysis = queue::newest(&state.db, video.id, video.version)
        .await?
        .ok_or_else(|| Problem::not_found("analysis"))?;
    let newest = Change { owner_id: video.owner_id, analysis };
    let last_seen = EventId::last_seen(&request);
    if is_the_end_known(&newest, last_seen) {
        return Ok(HttpResponse::NoContent().finish());
    }
    let stream = EventStream::new(&state, auth, topic, listener);
    let stream = match last_seen {
        Some(id) if id == EventId::of(&newest) => stream.for_who_knows(id),
        _ => stream.beginning_with([newest])?,
    };
    Ok(answer(stream))
}

/// Follow all analyses
///
/// Server-sent events of the analyses of all of the caller's videos: every change from now on, or, with a
/// `Last-Event-ID`, since then; changes of other analyses in the ten seconds before may come again, for they may have been
/// written after it was told. The stream has no end.
#[utoipa::path(
    get, path = "/events", tag = "analyses",
    params(("Last-Event-ID" = Option<String>, Header)),
    responses((status = 200, body = inline(String), content_type = "text/event-stream")),
)]
pub(super) async fn of_account(
    state: web::Data<State>,
    hub: web::Data<ProgressHub>,
    auth: Lasting<VideosRead>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let account = auth.caller.account_id;
    let topic = Topic::Account(account);
    let listener = hub.listen(topic, account).await?;
    let stream = EventStream::new(&state, auth, topic, listener);
    Ok(answer(match EventId::last_seen(&request) {
        Some(last) => {
            let missed = progress::since(&state.db, Some(topic), last.written).await?;
            stream.for_who_knows(last).beginning_with(missed)?
        }
        None => stream,
    }))
}

fn answer(stream: EventStream) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        // Proxies would gather what should be told at once (nginx reads this).
        .insert_header(("X-Accel-Buffering", "no"))
        .insert_header(ContentEncoding::Identity)
        .streaming(stream.into_bytes())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn last_seen(text: &str) -> Option<EventId> {
        EventId::last_seen(&TestRequest::default().insert_header(("last-event-id", text)).to_http_request())
    }

    #[test]
    fn a_position_is_read_as_it_was_written() {
        let id = EventId {
            written: DateTime::from_timestamp_micros(1_700_000_000_123_456).unwrap(),
            analysis: Uuid::now_v7(),
            revision: 7,
        };
        assert_eq!(last_seen(&id.to_string()), Some(id));
    }

    #[test]
    fn a_position_that_is_not_ours_is_none() {
        let uuid = Uuid::nil().simple();
        for text in ["", "7", "1.2.3", &format!("1.{uuid}"), &format!("1.{uuid}.3.4"), &format!("x.{uuid}.3")]
        {
            assert_eq!(last_seen(text), None, "{text}");
        }
        assert_eq!(last_seen(&format!("{}.{uuid}.3", i64::MAX)), None);
    }
}
