//! Who looks at a video by a link.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpRequest, web};
use chrono::{DateTime, Utc};
use entity::video_db::{share, video};
use sea_orm::{ConnectionTrait, EntityTrait, QueryFilter};
use serde::Deserialize;
use service_kit::problem::Problem;
use service_kit::query::Query;
use utoipa::IntoParams;

use super::{Shares, token};
use crate::state::State;

/// What opens a link with a password.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Opening {
    /// The `grant` that the password was answered with, where the link has one.
    grant: Option<String>,
}

/// Proof, as an argument of a handler, that somebody may look at a video: the token in the path counts, and so does the
/// grant, where there is a password.
///
/// Answers 404 for a link that leads nowhere, 403 without the grant.
pub(super) struct Visitor {
    /// What the link leads to.
    pub(super) video: video::Model,
    /// When the link ends.
    pub(super) expires_at: DateTime<Utc>,
}

impl FromRequest for Visitor {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let opening = Query::<Opening>::from_request(request, payload).into_inner();
        let token = request.match_info().get("token").unwrap_or_default().to_owned();
        let state = request.app_data::<web::Data<State>>().cloned();
        let shares = request.app_data::<web::Data<Shares>>().cloned();
        Box::pin(async move {
            let Query(opening) = opening?;
            let (Some(state), Some(shares)) = (state, shares) else {
                return Err(Problem::internal("the application was built without share links"));
            };
            let now = state.clock.now();
            let (share, video) = find(&state.db, &token, now).await?;
            let granted = opening.grant.is_some_and(|grant| shares.grants.opens(&grant, share.id, now));
            if share.password_hash.is_some() && !granted {
                return Err(password_required());
            }
            Ok(Self { video, expires_at: share.expires_at })
        })
    }
}

/// The link with `token`, and the video it leads to.
///
/// # Errors
/// 404 where the token is none, the link has expired or was deleted, or the video is in the trash: which of these is no
/// stranger's business.
pub(super) async fn find(
    db: &impl ConnectionTrait,
    token: &str,
    now: DateTime<Utc>,
) -> Result<(share::Model, video::Model), Problem> {
    let digest = token::digest(token).ok_or_else(not_found)?;
    let found = share::Entity::find()
        .filter(share::COLUMN.token_hash.eq(digest))
        .filter(share::COLUMN.expires_at.gt(now))
        .filter(video::COLUMN.trashed_at.is_null())
        .find_also_related(video::Entity)
        .one(db)
        .await?;
    found.and_then(|(share, video)| Some((share, video?))).ok_or_else(not_found)
}

pub(super) fn not_found() -> Problem {
    Problem::not_found("share link")
}

fn password_required() -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "share-password-required", "The link has a password")
        .detail("send it to the link's /unlock, and give the answer's grant with each request")
}
