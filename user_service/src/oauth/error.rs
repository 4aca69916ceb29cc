//! Errors of OAuth endpoints (RFC 6749 §5.2).

use std::fmt;

use actix_web::error::UrlencodedError;
use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

/// An error, as its client sees it.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct OAuthError {
    error: ErrorCode,
    /// For the developer who reads it.
    error_description: &'static str,
    #[serde(skip)]
    status: StatusCode,
}

/// What the standard calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ErrorCode {
    InvalidRequest,
    InvalidClient,
}

impl OAuthError {
    /// 401: the caller is not the client it says, or does not say.
    pub(super) const INVALID_CLIENT: Self = Self {
        error: ErrorCode::InvalidClient,
        error_description: "authenticate with the client's name and secret (HTTP Basic)",
        status: StatusCode::UNAUTHORIZED,
    };

    const fn invalid_request(status: StatusCode, error_description: &'static str) -> Self {
        Self { error: ErrorCode::InvalidRequest, error_description, status }
    }
}

impl From<&UrlencodedError> for OAuthError {
    fn from(error: &UrlencodedError) -> Self {
        match error {
            UrlencodedError::ContentType => Self::invalid_request(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "send Content-Type: application/x-www-form-urlencoded",
            ),
            UrlencodedError::Overflow { .. } => {
                Self::invalid_request(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large")
            }
            _ => Self::invalid_request(StatusCode::BAD_REQUEST, "send the parameter `token`, once"),
        }
    }
}

impl fmt::Display for OAuthError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.error_description)
    }
}

impl ResponseError for OAuthError {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        if self.error == ErrorCode::InvalidClient {
            response.insert_header((header::WWW_AUTHENTICATE, "Basic realm=\"kadr\", charset=\"UTF-8\""));
        }
        response.insert_header((header::CACHE_CONTROL, "no-store")).json(self)
    }
}
