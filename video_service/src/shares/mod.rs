//! Videos for people without an account: links that lead to one video, to be looked at only, and signed addresses of
//! content for players.
//!
//! A link is a row, and whoever has its token may look until it expires or is deleted; a password may be wanted besides,
//! for which a grant is given. Grants and signed addresses are kept nowhere: their signatures say it all.

mod collection;
mod content_url;
mod grant;
mod password;
mod public;
mod record;
mod throttle;
mod token;
mod unlock;
mod visitor;

use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::http::header::HeaderValue;
use chrono::{DateTime, SubsecRound, Utc};
use entity::video_db::share;
use sea_orm::{ConnectionTrait, DbErr, EntityTrait, QueryFilter};
use secrecy::SecretString;
use service_kit::endpoint::Endpoint;
use service_kit::problem::{FieldError, Problem};
use service_kit::security_headers::RESOURCE_POLICY;
use utoipa::OpenApi;

use self::content_url::ContentUrls;
use self::grant::Grants;
use self::password::Hasher;
use crate::settings::{Life, ShareSettings};

/// What handlers of links and signed addresses work with, the same in every thread.
pub(crate) struct Shares {
    settings: ShareSettings,
    hasher: Hasher,
    grants: Grants,
    content_urls: ContentUrls,
}

impl Shares {
    /// Signatures are made with `key`.
    pub(crate) fn new(key: &SecretString, settings: ShareSettings) -> Self {
        Self {
            hasher: Hasher::new(settings.bcrypt_cost),
            grants: Grants::new(key),
            content_urls: ContentUrls::new(key),
            settings,
        }
    }
}

/// What this module answers, for the reader.
#[derive(OpenApi)]
#[openapi(paths(
    collection::create,
    collection::list,
    collection::delete,
    public::read,
    public::content,
    public::poster,
    public::analysis,
    unlock::unlock,
    content_url::create,
    content_url::content,
))]
pub(crate) struct Api;

/// What this module answers, for the router.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, "/videos/{id}/shares", collection::list).with_query(),
        Endpoint::new(Method::POST, "/videos/{id}/shares", collection::create),
        Endpoint::new(Method::DELETE, "/videos/{id}/shares/{share_id}", collection::delete),
        Endpoint::new(Method::GET, "/shares/{token}", public::read).with_query(),
        Endpoint::new(Method::GET, "/shares/{token}/content", public::content).with_query(),
        Endpoint::new(Method::GET, "/shares/{token}/poster.jpg", public::poster).with_query(),
        Endpoint::new(Method::GET, "/shares/{token}/analysis", public::analysis).with_query(),
        Endpoint::new(Method::POST, "/shares/{token}/unlock", unlock::unlock),
        Endpoint::new(Method::POST, "/videos/{id}/content-url", content_url::create),
        Endpoint::new(Method::GET, "/signed/videos/{id}/content", content_url::content).with_query(),
    ]
}

/// Forgets links that have expired. Returns how many.
///
/// # Errors
/// When the database fails.
pub(crate) async fn sweep(db: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<u64, DbErr> {
    let expired = share::COLUMN.expires_at.lte(now);
    Ok(share::Entity::delete_many().filter(expired).exec(db).await?.rows_affected)
}

/// Until when something lasts that is made now: as was wanted, or for as long as such things do.
fn end(wanted: Option<DateTime<Utc>>, life: Life, now: DateTime<Utc>) -> Result<DateTime<Utc>, Problem> {
    let latest = now + life.longest;
    match wanted {
        None => Ok(now + life.default),
        Some(wanted) if now < wanted && wanted <= latest => Ok(wanted.trunc_subsecs(6)),
        Some(_) => {
            let seconds = life.longest.num_seconds();
            let detail = format!("must be in the future, and at most {seconds} seconds from now");
            Err(Problem::invalid(vec![FieldError::new("/expires_at", detail)]))
        }
    }
}

/// Pages of any site may show it: whoever has its address may see it, and cookies that a browser could add do not exist.
fn shown_anywhere(mut response: HttpResponse) -> HttpResponse {
    response.headers_mut().insert(RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
    response
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn an_end_is_in_the_future_and_not_too_far() {
        let life = Life { default: TimeDelta::days(7), longest: TimeDelta::days(30) };
        let now = DateTime::UNIX_EPOCH;
        let at =
            |days| end(Some(now + TimeDelta::days(days)), life, now).ok().map(|end| (end - now).num_days());
        assert_eq!(end(None, life, now).unwrap(), now + TimeDelta::days(7));
        assert_eq!([-1, 0, 1, 30, 31].map(at), [None, None, Some(1), Some(30), None]);
    }
}
