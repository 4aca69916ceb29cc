//! A JSON body that says which of its members is wrong.

use std::future::{Future, ready};
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;

use crate::problem::{FieldError, Problem};
use crate::strict::Strict;

/// The largest JSON body in bytes, where the application sets no [`JsonLimit`]: records are small.
const DEFAULT_LIMIT: usize = 64 * 1024;

/// How long a JSON body may take to arrive: it is small.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Application data that sets the largest JSON body, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct JsonLimit(pub usize);

/// A body of type `T`, which should `deny_unknown_fields`.
///
/// Answers 415 for another media type, 413 over the limit, 400 for what is not JSON, 422 with a pointer for JSON that
/// is no `T`.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Json<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_json = is_json(request);
        let limit = request.app_data::<JsonLimit>().map_or(DEFAULT_LIMIT, |limit| limit.0);
        let announced = announced_length(request);
        let body = web::Payload::from_request(request, payload);
        Box::pin(async move {
            let too_large = || Problem::too_large(u64::try_from(limit).unwrap_or(u64::MAX));
            if !is_json {
                return Err(Problem::unsupported_media_type("application/json"));
            }
            if announced.is_some_and(|bytes| bytes > limit) {
                return Err(too_large());
            }
            let body = body.await.map_err(|error| Problem::malformed("no body").cause(error))?;
            let bytes = tokio::time::timeout(BODY_TIMEOUT, body.to_bytes_limited(limit))
                .await
                .map_err(|_| Problem::too_slow())?
                .map_err(|_| too_large())?
                .map_err(|error| Problem::malformed("the body ended early").cause(error))?;
            parse(&bytes).map(Json)
        })
    }
}

/// A body as [`Json`] takes it, or none at all: then it is the default.
#[derive(Debug)]
pub struct OptionalJson<T>(pub T);

impl<T: DeserializeOwned + Default + 'static> FromRequest for OptionalJson<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if !announces_body(request) {
            return Box::pin(ready(Ok(Self(T::default()))));
        }
        let json = Json::<T>::from_request(request, payload);
        Box::pin(async move { json.await.map(|Json(value)| Self(value)) })
    }
}

fn announces_body(request: &HttpRequest) -> bool {
    let headers = request.headers();
    headers.contains_key(header::CONTENT_TYPE)
        || headers.contains_key(header::TRANSFER_ENCODING)
        || headers.get(header::CONTENT_LENGTH).is_some_and(|length| length != "0")
}

/// The value in `bytes`.
///
/// # Errors
/// 400 where it is not JSON, 422 with a pointer where it is no `T`.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let value: Value = serde_json::from_slice(bytes)
        .map_err(|error| Problem::malformed(format!("the body is not JSON: {error}")))?;
    let strict: T = serde_path_to_error::deserialize(Strict(value)).map_err(invalid)?;
    // Once more from the text, which alone shows a member that is given twice.
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    serde_path_to_error::deserialize::<_, T>(&mut deserializer).map_err(invalid)?;
    Ok(strict)
}

fn invalid(error: serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let pointer = pointer(error.path());
    Problem::invalid(vec![FieldError::new(pointer, without_position(&error.into_inner().to_string()))])
}

/// The pointer (RFC 6901) to what `path` leads to.
fn pointer(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        pointer.push('/');
        match segment {
            Segment::Seq { index } => pointer.push_str(&index.to_string()),
            Segment::Map { key } => pointer.push_str(&key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { variant } => pointer.push_str(variant),
            Segment::Unknown => pointer.push('?'),
        }
    }
    pointer
}

/// The pointer already says where; "at line 1 column 17" would only distract.
fn without_position(message: &str) -> &str {
    message.split(" at line ").next().unwrap_or(message)
}

fn is_json(request: &HttpRequest) -> bool {
    matches!(request.mime_type(), Ok(Some(kind)) if kind.type_() == mime::APPLICATION
        && (kind.subtype() == mime::JSON || kind.suffix() == Some(mime::JSON)))
}

fn announced_length(request: &HttpRequest) -> Option<usize> {
    request.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use actix_web::ResponseError;
    use actix_web::body::to_bytes;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Size {
        #[expect(dead_code, reason = "only its parsing is looked at")]
        width: u32,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Film {
        #[expect(dead_code, reason = "only its parsing is looked at")]
        size: Option<Size>,
        #[expect(dead_code, reason = "only its parsing is looked at")]
        title: String,
        #[serde(default)]
        #[expect(dead_code, reason = "only its parsing is looked at")]
        tags: Vec<String>,
    }

    async fn refusal(body: &str) -> Value {
        let problem = parse::<Film>(body.as_bytes()).unwrap_err();
        let bytes = to_bytes(problem.error_response().into_body()).await.unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    #[actix_web::test]
    async fn a_wrong_type_is_pointed_at() {
        let problem = refusal(r#"{"title":"x","tags":["a",7]}"#).await;
        assert_eq!(problem["status"], 422);
        assert_eq!(problem["errors"][0]["pointer"], "/tags/1");
    }

    #[actix_web::test]
    async fn an_unknown_member_is_pointed_at() {
        let problem = refusal(r#"{"title":"x","colour":"red"}"#).await;
        assert_eq!(problem["errors"][0]["pointer"], "/colour");
    }

    #[actix_web::test]
    async fn a_missing_member_is_named() {
        let problem = refusal("{}").await;
        assert_eq!(problem["errors"][0]["detail"], "missing field `title`");
    }

    #[actix_web::test]
    async fn an_array_is_no_object_at_any_depth() {
        for (body, pointer) in [(r#"["x"]"#, ""), ("null", ""), (r#"{"title":"x","size":[7]}"#, "/size")] {
            let problem = refusal(body).await;
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}");
            assert_eq!(problem["errors"][0]["detail"], "must be an object", "{body}");
        }
    }

    #[actix_web::test]
    async fn a_member_given_twice_is_refused() {
        let problem = refusal(r#"{"title":"x","title":"y"}"#).await;
        assert_eq!(
            (&problem["status"], &problem["errors"][0]["detail"]),
            (&422.into(), &"duplicate field `title`".into())
        );
    }

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Wish {
        colour: Option<String>,
    }

    async fn wish(request: actix_web::test::TestRequest) -> Result<Wish, u16> {
        let (request, mut payload) = request.to_http_parts();
        let body = OptionalJson::<Wish>::from_request(&request, &mut payload).await;
        body.map(|OptionalJson(wish)| wish).map_err(|problem| problem.error_response().status().as_u16())
    }

    #[actix_web::test]
    async fn a_body_that_may_be_missing_is_read_like_any_other_where_it_is_not() {
        let request = actix_web::test::TestRequest::post;
        assert_eq!(wish(request()).await, Ok(Wish { colour: None }));
        assert_eq!(wish(request().insert_header(("content-length", "0"))).await, Ok(Wish { colour: None }));
        let red = request().set_json(serde_json::json!({"colour": "red"}));
        assert_eq!(wish(red).await, Ok(Wish { colour: Some("red".to_owned()) }));
        assert_eq!(wish(request().set_json(serde_json::json!({"size": 7}))).await, Err(422));
        assert_eq!(wish(request().set_payload("{}").insert_header(("content-length", "2"))).await, Err(415));
    }

    #[actix_web::test]
    async fn what_is_not_json_is_malformed() {
        for body in ["", "{", "{\"title\":\"x\"} trailing", "nonsense", "{\"title\":\"\u{0}\"}"] {
            assert_eq!(refusal(body).await["status"], 400, "{body:?}");
        }
    }
}
