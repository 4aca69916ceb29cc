//! Errors on the wire: `application/problem+json` (RFC 9457).
//!
//! A [`Problem`] is poor on purpose: what a client can act on. What really happened travels beside it as the `cause`,
//! which [`crate::request`] writes to the log under the request's id and never sends.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

/// The media type of every error.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// An error as a client sees it. Boxed, because it rides in every handler's `Result`.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Problem(Box<Members>);

/// The members of a problem details object (RFC 9457 §3.1), and what stays behind.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct Members {
    /// Stable identifier of the kind of problem, as `urn:kadr:problem:not-found`.
    #[serde(rename = "type")]
    kind: String,
    /// The kind of problem in words.
    title: String,
    /// The HTTP status.
    #[serde(serialize_with = "status_number")]
    #[schema(value_type = u16, example = 404)]
    status: StatusCode,
    /// What was wrong this time and what to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// Which members of the request were wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    /// Under which the operator finds the request in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    /// Further members of this kind of problem (RFC 9457 §3.2).
    #[serde(flatten)]
    #[schema(ignore)]
    extensions: serde_json::Map<String, serde_json::Value>,
    #[serde(skip)]
    headers: Vec<(HeaderName, HeaderValue)>,
    #[serde(skip)]
    cause: Option<String>,
}

/// One wrong member of a request.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FieldError {
    /// JSON Pointer (RFC 6901) into the body, or the name of a query parameter.
    pub pointer: String,
    /// What is wrong with it.
    pub detail: String,
}

impl FieldError {
    /// An error at the member that `pointer` names.
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }
}

impl Problem {
    /// A problem of its own kind; `slug` is the end of its `type`.
    pub fn new(status: StatusCode, slug: &str, title: impl Into<String>) -> Self {
        Self(Box::new(Members {
            kind: format!("urn:kadr:problem:{slug}"),
            title: title.into(),
            status,
            detail: None,
            errors: Vec::new(),
            request_id: None,
            extensions: serde_json::Map::new(),
            headers: Vec::new(),
            cause: None,
        }))
    }

    /// A problem that its status says everything about.
    #[must_use]
    pub fn of_status(status: StatusCode) -> Self {
        let reason = status.canonical_reason().unwrap_or("Error");
        Self::new(status, &reason.to_ascii_lowercase().replace([' ', '\''], "-"), reason)
    }

    /// 400: the body could not be parsed at all.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed-request", "The request cannot be parsed").detail(detail)
    }

    /// 404: there is no such thing, or it is somebody else's.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", format!("No such {what}"))
    }

    /// 408: the body did not come, or came too slowly.
    #[must_use]
    pub fn too_slow() -> Self {
        Self::of_status(StatusCode::REQUEST_TIMEOUT).detail("the body did not arrive in time")
    }

    /// 413: more than the limit, in bytes.
    #[must_use]
    pub fn too_large(limit: u64) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "content-too-large", "The body is too large")
            .detail(format!("at most {limit} bytes are accepted here"))
    }

    /// 415: the media type is missing or not one of those this address takes.
    #[must_use]
    pub fn unsupported_media_type(expected: &str) -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-media-type",
            "The media type is not accepted here",
        )
        .detail(format!("send Content-Type: {expected}"))
    }

    /// 422: the request was understood, and these members are wrong.
    #[must_use]
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "validation-failed", "The request is not valid")
            .errors(errors)
    }

    /// 500: our fault. `cause` goes to the log only.
    pub fn internal(cause: impl fmt::Display) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal-error", "Something went wrong on our side")
            .cause(cause)
    }

    /// 503: `what` is not to be had now; the client may try again after `retry_after` seconds.
    #[must_use]
    pub fn unavailable(what: &str, retry_after: u64) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Temporarily unavailable")
            .detail(format!("{what}; try again later"))
            .header(header::RETRY_AFTER, HeaderValue::from(retry_after))
    }

    /// 507: the disk is full, which the operator can change.
    #[must_use]
    pub fn insufficient_storage() -> Self {
        Self::of_status(StatusCode::INSUFFICIENT_STORAGE).detail("there is no room for this now")
    }

    /// With the members of the request that were wrong.
    #[must_use]
    pub fn errors(mut self, errors: Vec<FieldError>) -> Self {
        self.0.errors = errors;
        self
    }

    /// With what was wrong this time.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// With a further member (RFC 9457 §3.2), which the description of its address names. One that has no JSON form is
    /// left out.
    #[must_use]
    pub fn extension(mut self, name: &str, value: &impl Serialize) -> Self {
        if let Ok(value) = serde_json::to_value(value) {
            self.0.extensions.insert(name.to_owned(), value);
        }
        self
    }

    /// With a header beside it.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// With what the log should say.
    #[must_use]
    pub fn cause(mut self, cause: impl fmt::Display) -> Self {
        self.0.cause = Some(cause.to_string());
        self
    }

    /// The response, naming the request it answers.
    pub(crate) fn response(&self, request_id: &str) -> HttpResponse {
        let mut problem = self.clone();
        problem.0.request_id = Some(request_id.to_owned());
        problem.error_response()
    }

    /// What the log should say about it.
    #[must_use]
    pub fn log_cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0.title)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.0.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.0.status);
        for (name, value) in &self.0.headers {
            response.insert_header((name.clone(), value.clone()));
        }
        // What went wrong for one caller at one time is no answer for another.
        response.insert_header((header::CACHE_CONTROL, "no-store")).content_type(MEDIA_TYPE).json(self)
    }
}

impl From<&sea_orm::DbErr> for Problem {
    /// A database that is away or busy is a 503, so that clients come back; one without room a 507, for its operator;
    /// anything else is our fault.
    fn from(error: &sea_orm::DbErr) -> Self {
        let is_away = matches!(error, sea_orm::DbErr::ConnectionAcquire(_) | sea_orm::DbErr::Conn(_))
            || crate::database::is_disconnect(error);
        if is_away {
            Self::unavailable("the database cannot be reached", 5).cause(error)
        } else if crate::database::is_contention(error) {
            Self::unavailable("the database is busy", 1).cause(error)
        } else if crate::database::is_full(error) {
            Self::insufficient_storage().cause(error)
        } else {
            Self::internal(format!("database: {error}"))
        }
    }
}

impl From<sea_orm::DbErr> for Problem {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::from(&error)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn status_number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}
