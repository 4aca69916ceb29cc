//! What surrounds every request: its id, its line in the log, and the promise that every error is a problem.

use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpResponse};
use uuid::Uuid;

use crate::problem::{self, Problem};
use crate::rate_limit;

/// The header that carries the id of a request, in both directions.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A caller's id longer than this is replaced by ours.
const MAX_ID_LENGTH: usize = 64;

/// The methods that mean something here or elsewhere (RFC 9110 §9, RFC 5789).
const METHODS: [Method; 9] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
    Method::CONNECT,
    Method::TRACE,
];

/// The headers of a bare error that stay when its body becomes a problem.
const KEPT: [HeaderName; 6] = [
    header::ALLOW,
    header::CONTENT_RANGE,
    header::ETAG,
    header::LOCATION,
    header::RETRY_AFTER,
    header::WWW_AUTHENTICATE,
];

/// The id of a request, in its extensions.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// Middleware for `actix_web::middleware::from_fn`.
///
/// # Errors
/// Those of the services inside it.
pub async fn request_context(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let id = id_of(&request);
    request.extensions_mut().insert(RequestId(id.clone()));

    let response = if METHODS.contains(request.method()) {
        next.call(request).await?.map_into_boxed_body()
    } else {
        // Refused before anything counts or routes it: what strangers invent must not become a metric's label.
        request.into_response(HttpResponse::NotImplemented())
    };
    let mut response = as_problem(response, &id);
    rate_limit::describe(&mut response);
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    log::info!(
        "request method={} path={} status={} milliseconds={} request_id={id}",
        response.request().method(),
        // The template, not the path: a path may carry what a log must not.
        response.request().match_pattern().as_deref().unwrap_or("-"),
        response.status().as_u16(),
        started.elapsed().as_millis(),
    );
    Ok(response)
}

/// The caller's id where it is harmless, else a new one.
fn id_of(request: &ServiceRequest) -> String {
    let harmless = |id: &&str| {
        (1..=MAX_ID_LENGTH).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    let given = request.headers().get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(harmless);
    given.map_or_else(|| Uuid::now_v7().to_string(), ToOwned::to_owned)
}

/// An error without a body of its own becomes a problem; a problem learns its request's id, and its cause is logged.
fn as_problem(response: ServiceResponse<BoxBody>, id: &str) -> ServiceResponse<BoxBody> {
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let problem = match response.response().error().and_then(|error| error.as_error::<Problem>()) {
        Some(problem) => problem.clone(),
        None if speaks_for_itself(response.response()) => return response,
        None => Problem::of_status(status),
    };
    if let Some(cause) = problem.log_cause() {
        log::log!(
            if status.is_server_error() { log::Level::Error } else { log::Level::Info },
            "request failed status={} request_id={id} cause={cause:?}",
            status.as_u16()
        );
    }
    let (request, bare) = response.into_parts();
    let mut answer = problem.response(id);
    for name in &KEPT {
        if let Some(value) = bare.headers().get(name)
            && !answer.headers().contains_key(name)
        {
            answer.headers_mut().insert(name.clone(), value.clone());
        }
    }
    ServiceResponse::new(request, answer)
}

/// OAuth endpoints answer errors as RFC 6749 wants them, health checks in their own shape: both are JSON already.
fn speaks_for_itself(response: &HttpResponse<BoxBody>) -> bool {
    let media_type = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    media_type
        .is_some_and(|text| text.starts_with(problem::MEDIA_TYPE) || text.starts_with("application/json"))
}

#[cfg(test)]
mod tests {
    use actix_web::middleware::from_fn;
    use actix_web::test::{TestRequest, call_service, init_service, read_body_json};
    use actix_web::{App, web};
    use serde_json::Value;

    use super::*;

    async fn answer(path: &str, id: Option<&str>) -> (ServiceResponse<BoxBody>, String) {
        let app = init_service(
            App::new()
                .wrap(from_fn(request_context))
                .route("/fine", web::get().to(HttpResponse::Ok))
                .route(
                    "/broken",
                    web::get()
                        .to(|| async { Err::<HttpResponse, _>(Problem::internal("disk /dev/sda on fire")) }),
                )
                .route("/teapot", web::get().to(|| async { HttpResponse::ImATeapot().body("plain") })),
        )
        .await;
        let mut request = TestRequest::get().uri(path);
        if let Some(id) = id {
            request = request.insert_header((REQUEST_ID, id));
        }
        let response = call_service(&app, request.to_request()).await;
        let id = response.headers().get(REQUEST_ID).unwrap().to_str().unwrap().to_owned();
        (response, id)
    }

    #[actix_web::test]
    async fn an_error_names_its_request_and_hides_its_cause() {
        let (response, id) = answer("/broken", None).await;
        assert_eq!(response.status(), 500);
        assert_eq!(response.headers().get(header::CONTENT_TYPE).unwrap(), problem::MEDIA_TYPE);
        let body: Value = read_body_json(response).await;
        assert_eq!(body["request_id"], id);
        assert_eq!(body["type"], "urn:kadr:problem:internal-error");
        assert!(!body.to_string().contains("sda"));
    }

    #[actix_web::test]
    async fn a_bare_error_becomes_a_problem() {
        let (response, _) = answer("/nowhere", None).await;
        let body: Value = read_body_json(response).await;
        assert_eq!(body["status"], 404);
        let (response, _) = answer("/teapot", None).await;
        let body: Value = read_body_json(response).await;
        assert_eq!(body["type"], "urn:kadr:problem:i-m-a-teapot");
    }

    #[actix_web::test]
    async fn an_invented_method_is_refused_before_anything_counts_it() {
        let app = init_service(
            App::new()
                .wrap(from_fn(request_context))
                .default_service(web::to(|| async { HttpResponse::Ok().body("seen") })),
        )
        .await;
        let request = TestRequest::default().method("INVENTED".parse().unwrap()).uri("/").to_request();
        let response = call_service(&app, request).await;
        assert_eq!(response.status(), 501);
        assert_eq!(response.headers().get(header::CONTENT_TYPE).unwrap(), problem::MEDIA_TYPE);
    }

    #[actix_web::test]
    async fn a_harmless_id_of_the_caller_is_kept_and_any_other_replaced() {
        assert_eq!(answer("/fine", Some("trace-7")).await.1, "trace-7");
        assert_ne!(answer("/fine", Some("a b\tc")).await.1, "a b\tc");
        assert_ne!(answer("/fine", Some(&"x".repeat(65))).await.1.len(), 65);
    }
}
