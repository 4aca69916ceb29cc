//! `/openapi.json` and the pages at `/docs/` that show it, all served from the binary.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::SwaggerUi;

/// Adds the description of an API.
pub fn routes(document: OpenApi) -> impl FnOnce(&mut web::ServiceConfig) {
    move |config| {
        config
            .route("/docs", web::get().to(to_docs))
            .service(SwaggerUi::new("/docs/{_:.*}").url("/openapi.json", document));
    }
}

/// The pages find their files relative to `/docs/`.
async fn to_docs() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, "/docs/")).finish()
}
