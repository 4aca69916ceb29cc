//! Which web sites may use the service from their visitors' browsers (the Fetch standard's CORS protocol).

use actix_cors::Cors;
use actix_web::http::{Method, Uri};
use actix_web::middleware::Condition;
use serde::Deserialize;

/// How long a browser may keep what it was told, in seconds.
const MAX_AGE: usize = 3600;

/// Request headers that clients send, besides those that every site may send.
const REQUEST_HEADERS: [&str; 17] = [
    "authorization",
    "content-digest",
    "content-type",
    "if-match",
    "if-none-match",
    "if-range",
    "idempotency-key",
    "last-event-id",
    "range",
    "repr-digest",
    "tus-resumable",
    "upload-checksum",
    "upload-length",
    "upload-metadata",
    "upload-offset",
    "x-http-method-override",
    "x-request-id",
];

/// Response headers that clients read, besides those that every site may read.
const RESPONSE_HEADERS: [&str; 22] = [
    "accept-ranges",
    "content-disposition",
    "content-range",
    "etag",
    "kadr-video-id",
    "link",
    "location",
    "ratelimit",
    "ratelimit-policy",
    "repr-digest",
    "retry-after",
    "tus-checksum-algorithm",
    "tus-extension",
    "tus-max-size",
    "tus-resumable",
    "tus-version",
    "upload-expires",
    "upload-length",
    "upload-metadata",
    "upload-offset",
    "www-authenticate",
    "x-request-id",
];

/// The sites that may, as origins (RFC 6454): none by default.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(try_from = "String")]
pub struct AllowedOrigins(Vec<String>);

impl AllowedOrigins {
    /// The middleware: without origins there is none, and browsers keep every answer from other sites.
    ///
    /// Credentials of the browser's own (cookies) are never allowed: there are none, tokens are in `Authorization`.
    #[must_use]
    pub fn middleware(&self) -> Condition<Cors> {
        let methods = [
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
            Method::OPTIONS,
        ];
        let closed = Cors::default()
            .allowed_methods(methods)
            .allowed_headers(REQUEST_HEADERS)
            .expose_headers(RESPONSE_HEADERS)
            .max_age(MAX_AGE);
        let cors = self.0.iter().fold(closed, |cors, origin| cors.allowed_origin(origin));
        Condition::new(!self.0.is_empty(), cors)
    }
}

impl TryFrom<String> for AllowedOrigins {
    type Error = String;

    /// Origins (`https://app.example.org`), separated by commas.
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let origins = parts.map(|part| {
            origin(part).ok_or_else(|| format!("`{part}` is no origin such as https://app.example.org"))
        });
        Ok(Self(origins.collect::<Result<_, _>>()?))
    }
}

/// `text` as browsers write it in `Origin`. `*` and `null` are refused: they stand for anybody.
fn origin(text: &str) -> Option<String> {
    let uri: Uri = text.parse().ok()?;
    let scheme = uri.scheme_str().filter(|scheme| ["http", "https"].contains(scheme))?;
    let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'))?;
    let written = format!("{scheme}://{}", authority.as_str().to_ascii_lowercase());
    (written == text.to_ascii_lowercase()).then_some(written)
}

#[cfg(test)]
mod tests {
    use actix_web::dev::ServiceResponse;
    use actix_web::test::{TestRequest, call_service, init_service};
    use actix_web::{App, HttpResponse, web};

    use super::*;

    async fn ask(origins: &str, request: TestRequest) -> ServiceResponse {
        let cors = AllowedOrigins::try_from(origins.to_owned()).unwrap().middleware();
        let app = App::new().wrap(cors).route("/", web::get().to(HttpResponse::Ok));
        call_service(&init_service(app).await, request.uri("/").to_request()).await.map_into_boxed_body()
    }

    fn header<'a>(response: &'a ServiceResponse, name: &str) -> Option<&'a str> {
        response.headers().get(name).map(|value| value.to_str().unwrap())
    }

    fn preflight(origin: &str) -> TestRequest {
        TestRequest::default()
            .method(Method::OPTIONS)
            .insert_header(("origin", origin))
            .insert_header(("access-control-request-method", "PUT"))
            .insert_header(("access-control-request-headers", "authorization,content-type"))
    }

    #[actix_web::test]
    async fn by_default_no_site_may_read_an_answer() {
        let request = TestRequest::get().insert_header(("origin", "https://app.example.org"));
        let response = ask("", request).await;
        assert_eq!(
            (response.status().as_u16(), header(&response, "access-control-allow-origin")),
            (200, None)
        );
        let response = ask("", preflight("https://app.example.org")).await;
        assert_eq!(header(&response, "access-control-allow-origin"), None);
    }

    #[actix_web::test]
    async fn a_listed_site_may_and_another_one_may_not() {
        let listed = "https://app.example.org, http://localhost:5173";
        for origin in ["https://app.example.org", "http://localhost:5173"] {
            let response = ask(listed, preflight(origin)).await;
            assert_eq!(response.status(), 200);
            assert_eq!(header(&response, "access-control-allow-origin"), Some(origin));
            assert_eq!(header(&response, "access-control-allow-credentials"), None);
            let response = ask(listed, TestRequest::get().insert_header(("origin", origin))).await;
            assert_eq!(header(&response, "access-control-allow-origin"), Some(origin));
            assert!(header(&response, "access-control-expose-headers").unwrap().contains("etag"));
            assert!(header(&response, "vary").unwrap().to_lowercase().contains("origin"));
        }
        for origin in
            ["https://evil.example", "https://app.example.org.evil.example", "null", "http://app.example.org"]
        {
            let response = ask(listed, preflight(origin)).await;
            assert_eq!(header(&response, "access-control-allow-origin"), None, "{origin}");
            let response = ask(listed, TestRequest::get().insert_header(("origin", origin))).await;
            assert_eq!(header(&response, "access-control-allow-origin"), None, "{origin}");
        }
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for text in [
            "*",
            "null",
            "app.example.org",
            "https://a.example/path",
            "https://a.example/",
            "ftp://a.example",
            "https://u@a.example",
        ] {
            assert!(AllowedOrigins::try_from(text.to_owned()).is_err(), "{text}");
        }
        assert!(AllowedOrigins::try_from("https://a.example:8443,HTTP://LOCALHOST".to_owned()).is_ok());
    }
}
