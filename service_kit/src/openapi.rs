//! `/openapi.json` and the pages at `/docs/` that show it, all served from the binary.
//!
//! A handler describes its request and its good answers; [`complete`] adds what is the same everywhere.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, Content, ContentBuilder, OpenApi, PathItem, Ref, RefOr, ResponseBuilder};
use utoipa::{OpenApi as _, PartialSchema};

use crate::problem::{FieldError, MEDIA_TYPE, Members};

/// The name under which operations require a bearer token, as in `security(("bearer" = []))`.
pub const BEARER: &str = "bearer";

/// What every service answers besides its own addresses.
#[derive(utoipa::OpenApi)]
#[openapi(paths(crate::health::alive, crate::health::ready))]
struct Common;

/// `document` with the health checks, the bearer scheme, and the problem that every operation may answer: an error
/// that a handler documents without a body has this one.
#[must_use]
pub fn complete(mut document: OpenApi) -> OpenApi {
    document.merge(Common::openapi());
    let components = document.components.get_or_insert_with(Components::new);
    components.schemas.insert("Problem".to_owned(), Members::schema());
    components.schemas.insert("FieldError".to_owned(), FieldError::schema());
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    components.add_security_scheme(BEARER, SecurityScheme::Http(bearer));

    for operation in document.paths.paths.values_mut().flat_map(operations) {
        let responses = &mut operation.responses.responses;
        let other = ResponseBuilder::new().description("What went wrong (RFC 9457)").build();
        responses.entry("default".to_owned()).or_insert_with(|| other.into());
        for (status, response) in responses {
            if let RefOr::T(response) = response
                && response.content.is_empty()
                && status.starts_with(['4', '5', 'd'])
            {
                response.content.insert(MEDIA_TYPE.to_owned(), RefOr::T(problem()));
            }
        }
    }
    document
}

fn problem() -> Content {
    ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build()
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.delete,
        &mut item.patch,
        &mut item.head,
        &mut item.options,
    ]
    .into_iter()
    .filter_map(Option::as_mut)
}

/// Adds the description of an API.
pub fn routes(document: OpenApi) -> impl FnOnce(&mut web::ServiceConfig) {
    move |config| {
        config
            .route("/docs", web::get().to(to_docs))
            .service(utoipa_swagger_ui::SwaggerUi::new("/docs/{_:.*}").url("/openapi.json", document));
    }
}

/// The pages find their files relative to `/docs/`.
async fn to_docs() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, "/docs/")).finish()
}
