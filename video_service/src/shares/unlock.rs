//! `POST /shares/{token}/unlock`: the password of a link.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, web};
use chrono::{DateTime, SubsecRound, Utc};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use service_kit::json::Json;
use service_kit::problem::{FieldError, Problem};
use utoipa::ToSchema;

use super::password::Password;
use super::{Shares, record, throttle, visitor};
use crate::state::State;

/// What those know who may look.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SharePassword {
    /// The password of the link.
    #[schema(value_type = String)]
    password: SecretString,
}

/// What opens a link from now on.
#[derive(Serialize, ToSchema)]
pub(super) struct ShareGrant {
    /// For the query of every request that looks at the video.
    grant: String,
    /// Until when it opens the link.
    expires_at: DateTime<Utc>,
    /// Where a player finds the content, grant included.
    content_url: String,
}

/// Open a link with its password
///
/// The answer's `grant` goes with every further request, as `?grant=`. After ten wrong passwords the next has to wait, twice
/// as long each time, up to a minute (429).
#[utoipa::path(
    post, path = "/shares/{token}/unlock", tag = "shares", params(("token" = String, Path)), security(()),
    request_body = SharePassword,
    responses(
        (status = 200, body = ShareGrant),
        (status = 403, description = "The password is wrong"),
        (status = 409, description = "The link has no password"),
    ),
)]
pub(super) async fn unlock(
    state: web::Data<State>,
    shares: web::Data<Shares>,
    token: web::Path<String>,
    Json(SharePassword { password }): Json<SharePassword>,
) -> Result<HttpResponse, Problem> {
    let now = state.clock.now();
    let (share, _) = visitor::find(&state.db, &token, now).await?;
    let hash = share.password_hash.clone().ok_or_else(no_password)?;
    let tried = Password::tried(password);
    let tried = tried.map_err(|reason| Problem::invalid(vec![FieldError::new("/password", reason)]))?;
    // What cannot be looked at now is not to be counted.
    let place = shares.hasher.reserve()?;
    let (id, link_end) = (share.id, share.expires_at);
    throttle::begin(&state.db, share, now).await?;
    if !place.verify(tried, hash).await? {
        return Err(wrong_password());
    }
    throttle::succeeded(&state.db, id).await?;
    let expires_at = link_end.min(now + shares.settings.grant_life()).trunc_subsecs(0);
    let grant = shares.grants.make(id, expires_at);
    let content_url = format!("{}/content?grant={grant}", record::address(&token));
    let granted = ShareGrant { grant, expires_at, content_url };
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(granted))
}

fn wrong_password() -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "wrong-password", "The password is wrong")
}

fn no_password() -> Problem {
    Problem::new(StatusCode::CONFLICT, "share-without-password", "The link has no password")
}
