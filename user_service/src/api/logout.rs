//! `POST /users/logout`

use actix_web::{HttpResponse, web};
use service_kit::problem::Problem;

use crate::sessions::{Authenticated, Sessions};

/// End the session of the token
///
/// Neither its access tokens nor its refresh token count any more.
#[utoipa::path(post, path = "/users/logout", tag = "sessions", security(("bearer" = [])), responses(
    (status = 204, description = "It has ended"),
    (status = 401, description = "The token does not count"),
))]
pub(crate) async fn logout(
    caller: Authenticated,
    sessions: web::Data<Sessions>,
) -> Result<HttpResponse, Problem> {
    sessions.end(caller.claims.sid).await?;
    Ok(HttpResponse::NoContent().finish())
}
