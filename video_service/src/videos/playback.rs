//! Bytes going out: `GET` and `HEAD /videos/{id}/content`, whole or in ranges (RFC 9110 §14).

use std::ops::Range;

use actix_web::body::SizedStream;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, DispositionType, EntityTag, Header, HeaderValue, IfRange};
use actix_web::{HttpRequest, HttpResponse, web};
use entity::video_db::video;
use service_kit::problem::Problem;
use uuid::Uuid;

use super::changed_meanwhile;
use super::record::is_expected;
use crate::auth::{Authorized, VideosRead};
use crate::disposition;
use crate::revalidation::unchanged;
use crate::state::State;

/// What of the content is asked for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    Whole,
    Part(Range<u64>),
    /// Nothing that is there.
    Unsatisfiable,
}

/// Play or download a video
///
/// One range a request; a request for several is answered with the whole. `ETag` is the content's SHA-256.
#[utoipa::path(
    get, path = "/videos/{id}/content", tag = "videos", params(("id" = Uuid, Path)),
    responses(
        (status = 200, content_type = "application/octet-stream", description = "The whole"),
        (status = 206, content_type = "application/octet-stream", description = "The range that was asked for"),
    ),
)]
pub(super) async fn content(
    state: web::Data<State>,
    auth: Authorized<VideosRead>,
    id: web::Path<Uuid>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let row = super::owned(&state.reader, *id, &auth.caller).await?;
    respond(&state, row, &request).await
}

/// The content of `row`, as `request` asks for it; whoever asks may have it.
///
/// # Errors
/// 404 where there is none yet, 416 for a range beyond its end.
pub(crate) async fn respond(
    state: &State,
    row: video::Model,
    request: &HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (Some(key), Some(bytes), Some(sha256)) = (&row.blob_key, row.bytes, row.sha256) else {
        return Err(no_content());
    };
    let length = u64::try_from(bytes).map_err(Problem::internal)?;
    let tag = EntityTag::new_strong(sha256);
    if !is_expected(request, &tag) {
        return Err(changed_meanwhile());
    }
    if let Some(answer) = unchanged(request, &tag) {
        return Ok(answer);
    }
    let (status, range) = match asked(request, &tag, length) {
        Asked::Whole => (StatusCode::OK, 0..length),
        Asked::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        Asked::Unsatisfiable => return Err(unsatisfiable(length)),
    };
    let mut response = HttpResponse::build(status);
    if status == StatusCode::PARTIAL_CONTENT {
        response.insert_header((
            header::CONTENT_RANGE,
            format!("bytes {}-{}/{length}", range.start, range.end.saturating_sub(1)),
        ));
    }
    response
        .insert_header(super::record::etag_header(tag))
        .insert_header((header::ACCEPT_RANGES, "bytes"))
        .insert_header((header::CACHE_CONTROL, "private, no-cache"))
        // The type was declared by whoever uploaded it; browsers are not to guess a livelier one.
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((
            header::CONTENT_TYPE,
            row.media_type.unwrap_or_else(|| "application/octet-stream".into()),
        ));
    if let Some(filename) = row.filename {
        response.insert_header(disposition::of_file(DispositionType::Inline, &filename));
    }
    let size = range.end - range.start;
    let bytes = state
        .blobs
        .read(key, Some(range))
        .await
        .map_err(|error| Problem::internal(format!("storage: {error}")))?;
    Ok(response.body(SizedStream::new(size, bytes)))
}

pub(crate) fn no_content() -> Problem {
    Problem::not_found("content: the video waits for its bytes")
}

fn asked(request: &HttpRequest, tag: &EntityTag, length: u64) -> Asked {
    if !request.headers().contains_key(header::RANGE) || !range_counts(request, tag) {
        return Asked::Whole;
    }
    match header::Range::parse(request) {
        Ok(header::Range::Bytes(ranges)) => match ranges.as_slice() {
            [range] => match range.to_satisfiable_range(length) {
                Some((first, last)) => Asked::Part(first..last.saturating_add(1)),
                None => Asked::Unsatisfiable,
            },
            // Several ranges are optional to serve; one is what players use.
            _ => Asked::Whole,
        },
        Err(_) if is_beyond_counting(request) => Asked::Unsatisfiable,
        // A unit that is not known, or a header that cannot be read, is ignored (RFC 9110 §14.2).
        _ => Asked::Whole,
    }
}

/// Whether one range begins with a number that is larger than any length: what cannot be read of it is well-formed.
fn is_beyond_counting(request: &HttpRequest) -> bool {
    let range = request.headers().get(header::RANGE).and_then(|value| value.to_str().ok());
    let ends = range.and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
    let Some((first, last)) = ends else { return false };
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    is_number(first) && is_number(last) && !first.is_empty() && first.parse::<u64>().is_err()
}

/// Whether the client's part still belongs to this content (RFC 9110 §13.1.5).
fn range_counts(request: &HttpRequest, tag: &EntityTag) -> bool {
    if !request.headers().contains_key(header::IF_RANGE) {
        return true;
    }
    match IfRange::parse(request) {
        Ok(IfRange::EntityTag(given)) => given.strong_eq(tag),
        _ => false,
    }
}

fn unsatisfiable(length: u64) -> Problem {
    let problem = Problem::of_status(StatusCode::RANGE_NOT_SATISFIABLE)
        .detail(format!("the content has {length} bytes"));
    match HeaderValue::from_str(&format!("bytes */{length}")) {
        Ok(value) => problem.header(header::CONTENT_RANGE, value),
        Err(error) => Problem::internal(error),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn ask(headers: &[(&str, &str)]) -> Asked {
        let mut request = TestRequest::default();
        for header in headers {
            request = request.insert_header(*header);
        }
        asked(&request.to_http_request(), &EntityTag::new_strong("tag".to_owned()), 100)
    }

    #[test]
    fn a_range_is_half_open_and_ends_with_the_content() {
        assert_eq!(ask(&[("range", "bytes=0-9")]), Asked::Part(0..10));
        assert_eq!(ask(&[("range", "bytes=90-")]), Asked::Part(90..100));
        assert_eq!(ask(&[("range", "bytes=-5")]), Asked::Part(95..100));
        assert_eq!(ask(&[("range", "bytes=90-1000")]), Asked::Part(90..100));
    }

    #[test]
    fn a_range_beyond_the_end_is_unsatisfiable() {
        for range in
            ["bytes=100-", "bytes=99999999999999999999-", "bytes=99999999999999999999-99999999999999999999"]
        {
            assert_eq!(ask(&[("range", range)]), Asked::Unsatisfiable, "{range}");
        }
    }

    #[test]
    fn what_cannot_be_read_or_was_meant_for_other_content_asks_for_the_whole() {
        assert_eq!(ask(&[]), Asked::Whole);
        assert_eq!(ask(&[("range", "lines=1-2")]), Asked::Whole);
        assert_eq!(ask(&[("range", "bytes=0-1,5-6")]), Asked::Whole);
        assert_eq!(ask(&[("range", "bytes=0-9"), ("if-range", "\"other\"")]), Asked::Whole);
        assert_eq!(ask(&[("range", "bytes=0-9"), ("if-range", "\"tag\"")]), Asked::Part(0..10));
    }
}
