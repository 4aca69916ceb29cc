//! Signed addresses of content: `POST /videos/{id}/content-url` makes one, which a player that knows nothing of tokens
//! reads at `GET HEAD /signed/videos/{id}/content`.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, SubsecRound, Utc};
use entity::video_db::video;
use sea_orm::{EntityTrait, QueryFilter};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use service_kit::json::OptionalJson;
use service_kit::problem::Problem;
use service_kit::query::Query;
use service_kit::signer::Signer;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{Shares, shown_anywhere};
use crate::auth::{Authorized, VideosRead};
use crate::state::State;
use crate::videos::{owned, playback};

/// What they are signed for.
const PURPOSE: &str = "kadr content url";

/// Signs addresses and knows them again.
pub(super) struct ContentUrls(Signer);

impl ContentUrls {
    pub(super) fn new(key: &SecretString) -> Self {
        Self(Signer::new(key, PURPOSE))
    }

    /// The signature that leads to this very content until `end`, in Unix seconds; none where there is no content.
    fn sign(&self, video: &video::Model, end: &str) -> Option<String> {
        let sha256 = video.sha256.as_ref()?;
        Some(self.0.sign(&[video.id.as_bytes(), end.as_bytes(), sha256.as_bytes()]))
    }

    /// Whether `signed` leads to the content of `video` now.
    fn leads_to(&self, video: &video::Model, signed: &Signed, now: DateTime<Utc>) -> bool {
        let Some(sha256) = &video.sha256 else { return false };
        let parts = [video.id.as_bytes().as_slice(), signed.expires.as_bytes(), sha256.as_bytes()];
        self.0.verify(&parts, &signed.signature)
            && signed.expires.parse::<i64>().is_ok_and(|end| now.timestamp() < end)
    }
}

/// An address to be made.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewContentUrl {
    /// From then on it leads nowhere: in an hour where it is not given, at most in a day (`[shares]`).
    expires_at: Option<DateTime<Utc>>,
}

/// An address of content.
#[derive(Serialize, ToSchema)]
pub(super) struct ContentUrl {
    /// At this service.
    url: String,
    /// From then on it leads nowhere.
    expires_at: DateTime<Utc>,
}

/// What makes an address count.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Signed {
    /// When it ends, in Unix seconds.
    #[param(value_type = i64)]
    expires: String,
    /// That it was made here, for this content and until then.
    signature: String,
}

/// Make a signed content URL
///
/// It plays the content as it is now without a token, for players that send none, until it expires or the content is
/// replaced or deleted. Nothing else ends it: keep it short where it may get into other hands.
#[utoipa::path(
    post, path = "/videos/{id}/content-url", tag = "shares", params(("id" = Uuid, Path)),
    request_body = Option<NewContentUrl>,
    responses((status = 200, body = ContentUrl)),
)]
pub(super) async fn create(
    state: web::Data<State>,
    shares: web::Data<Shares>,
    auth: Authorized<VideosRead>,
    id: web::Path<Uuid>,
    OptionalJson(new): OptionalJson<NewContentUrl>,
) -> Result<HttpResponse, Problem> {
    let video = owned(&state.db, *id, &auth.caller).await?;
    let expires_at = super::end(new.expires_at, shares.settings.content_url_life(), state.clock.now())?;
    // The address has whole seconds, and so has what is said of it.
    let expires_at = expires_at.trunc_subsecs(0);
    let expires = expires_at.timestamp().to_string();
    let signature = shares.content_urls.sign(&video, &expires).ok_or_else(playback::no_content)?;
    let url = format!("/signed/videos/{}/content?expires={expires}&signature={signature}", video.id);
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(ContentUrl { url, expires_at }))
}

/// Play by a signed content URL
///
/// Whole or in one range. One that has expired, was changed, or whose content is gone: 404, all the same.
#[utoipa::path(
    get, path = "/signed/videos/{id}/content", tag = "shares", params(("id" = Uuid, Path), Signed), security(()),
    responses(
        (status = 200, content_type = "application/octet-stream", description = "The whole"),
        (status = 206, content_type = "application/octet-stream", description = "The range that was asked for"),
    ),
)]
pub(super) async fn content(
    state: web::Data<State>,
    shares: web::Data<Shares>,
    id: web::Path<Uuid>,
    Query(signed): Query<Signed>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let kept = video::Entity::find_by_id(*id).filter(video::COLUMN.trashed_at.is_null());
    let video = kept.one(&state.db).await?;
    let now = state.clock.now();
    let video = video.filter(|video| shares.content_urls.leads_to(video, &signed, now));
    let video = video.ok_or_else(|| Problem::not_found("content"))?;
    playback::respond(&state, video, &request).await.map(shown_anywhere)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::auth::Caller;
    use crate::videos::new_record;

    fn urls() -> ContentUrls {
        ContentUrls::new(&"key".to_owned().into())
    }

    fn film(sha256: &str) -> video::Model {
        let caller = Caller { account_id: Uuid::nil(), scopes: Vec::new() };
        let record = new_record(&caller, "Film".to_owned(), None, DateTime::UNIX_EPOCH);
        video::Model { sha256: Some(sha256.to_owned()), ..record }
    }

    #[test]
    fn an_address_leads_to_its_content_until_its_end() {
        let (now, film) = (DateTime::UNIX_EPOCH, film("ab"));
        let signed = Signed { expires: "60".to_owned(), signature: urls().sign(&film, "60").unwrap() };
        assert!(urls().leads_to(&film, &signed, now + TimeDelta::milliseconds(59_999)));
        assert!(!urls().leads_to(&film, &signed, now + TimeDelta::seconds(60)));
    }

    #[test]
    fn it_leads_nowhere_else_and_not_for_longer() {
        let (now, first) = (DateTime::UNIX_EPOCH, film("ab"));
        let signature = urls().sign(&first, "60").unwrap();
        let signed = |end: &str| Signed { expires: end.to_owned(), signature: signature.clone() };
        assert!(urls().leads_to(&first, &signed("60"), now));
        for changed in ["61", "-1", "060", "+60", " 60", "never", ""] {
            assert!(!urls().leads_to(&first, &signed(changed), now), "{changed}");
        }
        assert!(!urls().leads_to(&film("ab"), &signed("60"), now), "another video with the same bytes");
        let replaced = video::Model { sha256: Some("cd".to_owned()), ..first.clone() };
        assert!(!urls().leads_to(&replaced, &signed("60"), now));
        let emptied = video::Model { sha256: None, ..first.clone() };
        assert!(!urls().leads_to(&emptied, &signed("60"), now));
        assert!(urls().sign(&emptied, "60").is_none());
        let other_key = ContentUrls::new(&"another key".to_owned().into());
        assert!(!other_key.leads_to(&first, &signed("60"), now));
    }
}
