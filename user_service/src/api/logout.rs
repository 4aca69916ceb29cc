//! `POST /users/logout`

use actix_web::{HttpResponse, web};
use service_kit::client_address::ClientAddress;
use service_kit::problem::Problem;

use crate::audit::{Action, Entry, Outcome, Who};
use crate::sessions::{Authenticated, Ending, Sessions};

/// End the session of the token
///
/// Neither its access tokens nor its refresh token count any more.
#[utoipa::path(post, path = "/users/logout", tag = "sessions", security(("bearer" = [])), responses(
    (status = 204, description = "It has ended"),
    (status = 401, description = "The token does not count"),
))]
pub(crate) async fn logout(
    caller: Authenticated,
    from: ClientAddress,
    sessions: web::Data<Sessions>,
) -> Result<HttpResponse, Problem> {
    let (what, result) = (Action::Logout, Outcome::Success);
    let entry = Entry { who: Who::Owner(caller.account.id), what, from: Some(from), result };
    sessions.end(Ending::One { id: caller.claims.sid, account: caller.account.id }, entry).await?;
    Ok(HttpResponse::NoContent().finish())
}
