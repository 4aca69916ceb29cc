//! The headers of tus 1.0.0 (<https://tus.io/protocols/resumable-upload>).

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue, HttpDate};
use actix_web::{FromRequest, HttpRequest, HttpResponse, HttpResponseBuilder};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use entity::video_db::upload::{self, UploadStatus};
use service_kit::problem::Problem;

use crate::digests::{self, Expected};

pub(super) const VERSION: &str = "1.0.0";
pub(super) const EXTENSIONS: &str = "creation,creation-with-upload,checksum,expiration,termination";
/// The media type of a piece of an upload.
pub(super) const PIECE: &str = "application/offset+octet-stream";

pub(super) const RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
pub(super) const TUS_VERSION: HeaderName = HeaderName::from_static("tus-version");
pub(super) const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
pub(super) const LENGTH: HeaderName = HeaderName::from_static("upload-length");
pub(super) const METADATA: HeaderName = HeaderName::from_static("upload-metadata");
pub(super) const EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
const DEFER_LENGTH: HeaderName = HeaderName::from_static("upload-defer-length");
const CONCAT: HeaderName = HeaderName::from_static("upload-concat");
const CHECKSUM: HeaderName = HeaderName::from_static("upload-checksum");

/// Proof, as an argument of a handler, that the client speaks our version. Answers 412 (tus, "Tus-Resumable").
pub(super) struct Tus;

impl FromRequest for Tus {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let spoken = request.headers().get(RESUMABLE);
        ready(if spoken.is_some_and(|version| version == VERSION) { Ok(Self) } else { Err(other_version()) })
    }
}

fn other_version() -> Problem {
    Problem::new(StatusCode::PRECONDITION_FAILED, "tus-version", "The version of tus is not spoken here")
        .detail(format!("send Tus-Resumable: {VERSION}"))
        .header(TUS_VERSION, HeaderValue::from_static(VERSION))
        .header(RESUMABLE, HeaderValue::from_static(VERSION))
}

/// The answer of a handler, errors included, as tus wants it.
pub(super) fn answered(outcome: Result<HttpResponse, Problem>) -> Result<HttpResponse, Problem> {
    outcome.map_err(|problem| problem.header(RESUMABLE, HeaderValue::from_static(VERSION)))
}

/// Says how far an upload is.
pub(super) fn describe(response: &mut HttpResponseBuilder, row: &upload::Model) {
    response
        .insert_header((RESUMABLE, VERSION))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((OFFSET, row.offset))
        .insert_header((EXPIRES, HttpDate::from(std::time::SystemTime::from(row.expires_at)).to_string()))
        .insert_header(("kadr-video-id", row.video_id.to_string()));
}

/// `Upload-Length`: at least one byte, at most `limit`.
pub(super) fn length(headers: &HeaderMap, limit: u64) -> Result<u64, Problem> {
    // A client that uses an extension which it was not offered would wait for what never comes.
    if headers.contains_key(CONCAT) {
        return Err(Problem::malformed("uploads are not concatenated here: send one"));
    }
    if headers.contains_key(DEFER_LENGTH) {
        return Err(Problem::malformed("lengths cannot be deferred here: send Upload-Length"));
    }
    let text = text_of(headers, &LENGTH)
        .filter(|text| is_number(text))
        .ok_or_else(|| Problem::malformed("Upload-Length must be the number of bytes"))?;
    match text.parse() {
        Ok(0) => Err(Problem::malformed("the upload would be empty")),
        Ok(length) if length <= limit => Ok(length),
        // A number that does not fit is above every limit.
        _ => Err(Problem::too_large(limit)),
    }
}

/// `Upload-Offset`.
pub(super) fn offset(headers: &HeaderMap) -> Result<u64, Problem> {
    let number = text_of(headers, &OFFSET).filter(|text| is_number(text)).and_then(|text| text.parse().ok());
    number.ok_or_else(|| Problem::malformed("Upload-Offset must be a number of bytes"))
}

/// 415 unless the body is a piece of an upload.
pub(super) fn require_piece(headers: &HeaderMap) -> Result<(), Problem> {
    let given = headers.get(header::CONTENT_TYPE).is_some_and(|given| given == PIECE);
    if given { Ok(()) } else { Err(Problem::unsupported_media_type(PIECE)) }
}

/// What the bytes of a request are said to have: `Upload-Checksum`, and `Content-Digest` (RFC 9530).
pub(super) fn checksums(headers: &HeaderMap) -> Result<Vec<Expected>, Problem> {
    let mut checksums = digests::in_field(headers, digests::CONTENT_DIGEST)?;
    if !headers.contains_key(CHECKSUM) {
        return Ok(checksums);
    }
    let malformed = || {
        Problem::malformed("Upload-Checksum must be `sha256` or `sha1`, a space, and the digest in Base64")
    };
    let (algorithm, digest) =
        text_of(headers, &CHECKSUM).and_then(|text| text.split_once(' ')).ok_or_else(malformed)?;
    let digest = BASE64_STANDARD.decode(digest).map_err(|_| malformed())?;
    checksums.push(match (algorithm, digest.len()) {
        ("sha256", 32) => Expected::Sha256(digest),
        ("sha1", 20) => Expected::Sha1(digest),
        _ => return Err(malformed()),
    });
    Ok(checksums)
}

/// 460: the piece does not have its checksum, and was not kept (tus, "Checksum").
pub(super) fn checksum_mismatch() -> Problem {
    let status = StatusCode::from_u16(460).unwrap_or(StatusCode::BAD_REQUEST);
    Problem::new(status, "checksum-mismatch", "The piece does not have its checksum")
        .detail("it was not kept; send it again")
}

/// 409: the piece does not begin where the upload stands.
pub(super) fn wrong_offset(stands_at: i64) -> Problem {
    Problem::new(StatusCode::CONFLICT, "upload-offset", "The piece does not begin where the upload stands")
        .detail(format!("the upload stands at {stands_at}"))
}

/// 410: nothing can be added any more.
pub(super) fn gone() -> Problem {
    Problem::new(StatusCode::GONE, "upload-expired", "The upload has expired").detail("begin a new one")
}

/// 410: all has come, and cannot be the content of its video.
fn failed(reason: Option<&str>) -> Problem {
    let problem = Problem::new(StatusCode::GONE, "upload-failed", "The upload has failed");
    problem.detail(reason.unwrap_or("its bytes are not kept"))
}

/// An upload that has not failed.
///
/// # Errors
/// 410 `upload-failed` for one that has: no answer to it may look like success.
pub(super) fn not_failed(row: upload::Model) -> Result<upload::Model, Problem> {
    if row.status == UploadStatus::Failed { Err(failed(row.reason.as_deref())) } else { Ok(row) }
}

/// 423: another request has come later, and goes on with the upload.
pub(super) fn taken_over() -> Problem {
    Problem::new(StatusCode::LOCKED, "upload-taken-over", "Another request has taken the upload over")
}

fn text_of<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name);
    let only = values.next()?;
    // Of two nobody knows which is meant.
    values.next().is_none().then_some(only)?.to_str().ok()
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use actix_web::ResponseError;

    use super::*;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_str(value).unwrap());
        headers
    }

    #[test]
    fn a_length_is_a_number_within_the_limit() {
        let length = |text: &str| length(&headers(LENGTH, text), 100);
        assert_eq!(length("100").unwrap(), 100);
        for (text, status) in [
            ("101", 413),
            ("99999999999999999999999", 413),
            ("0", 400),
            ("-1", 400),
            ("+5", 400),
            ("", 400),
            ("1e2", 400),
        ] {
            assert_eq!(length(text).unwrap_err().status_code(), status, "{text}");
        }
        assert!(super::length(&HeaderMap::new(), 100).is_err());
        for (name, value) in [(CONCAT, "partial"), (DEFER_LENGTH, "1"), (LENGTH, "99")] {
            let mut headers = headers(LENGTH, "100");
            headers.append(name, HeaderValue::from_static(value));
            assert_eq!(super::length(&headers, 100).unwrap_err().status_code(), 400, "{value}");
        }
    }

    #[test]
    fn a_checksum_names_its_algorithm_and_is_whole() {
        let checksums = |text: &str| checksums(&headers(CHECKSUM, text));
        let sha1 = BASE64_STANDARD.encode([7; 20]);
        assert_eq!(checksums(&format!("sha1 {sha1}")).unwrap(), [Expected::Sha1(vec![7; 20])]);
        for wrong in ["sha1", "sha1 !", &format!("sha256 {sha1}"), &format!("md5 {sha1}"), ""] {
            assert!(checksums(wrong).is_err(), "{wrong}");
        }
        assert_eq!(super::checksums(&HeaderMap::new()).unwrap(), []);
    }
}
