//! Answers that clients keep, and ask about again each time (RFC 9111 §4.3).

use actix_web::http::header::{self, EntityTag, Header, IfNoneMatch};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};

use crate::videos::record::etag_header;

/// 304 where the client has what `tag` stands for (RFC 9110 §13.1.2).
pub(crate) fn unchanged(request: &HttpRequest, tag: &EntityTag) -> Option<HttpResponse> {
    let known = request.headers().contains_key(header::IF_NONE_MATCH)
        && IfNoneMatch::parse(request).is_ok_and(|condition| match condition {
            IfNoneMatch::Any => true,
            IfNoneMatch::Items(tags) => tags.iter().any(|given| given.weak_eq(tag)),
        });
    known.then(|| HttpResponse::NotModified().insert_header(etag_header(tag.clone())).finish())
}

/// The beginning of an answer that only its client keeps, under `tag`.
pub(crate) fn kept(tag: EntityTag) -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response.insert_header(etag_header(tag)).insert_header((header::CACHE_CONTROL, "private, no-cache"));
    response
}
