//! `DELETE /internal/accounts/{id}`: User Service tells that an account is gone, so its videos go as well.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use entity::video_db::video;
use sea_orm::{Condition, EntityTrait, QueryFilter, QuerySelect};
use service_kit::client_credentials::ClientCredentials;
use service_kit::endpoint::Endpoint;
use service_kit::problem::Problem;
use service_kit::task;
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use uuid::Uuid;

use crate::state::State;
use crate::{uploads, videos, webhooks};

/// Videos looked up at a time.
const BATCH: u64 = 100;

/// What this module answers, for the reader.
#[derive(OpenApi)]
#[openapi(paths(delete), modifiers(&ClientScheme))]
pub(crate) struct Api;

/// How User Service proves itself.
struct ClientScheme;

impl utoipa::Modify for ClientScheme {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let basic = HttpBuilder::new().scheme(HttpAuthScheme::Basic).build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("client", SecurityScheme::Http(basic));
    }
}

/// What this module answers, for the router.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::new(Method::DELETE, "/internal/accounts/{id}", delete)]
}

/// Proof, as an argument of a handler, that User Service asks.
pub(crate) struct UserService;

impl FromRequest for UserService {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let client = request.app_data::<web::Data<ClientCredentials>>();
        let proven = client.is_some_and(|client| client.are_in(request));
        ready(if proven { Ok(Self) } else { Err(not_user_service()) })
    }
}

fn not_user_service() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "client-authentication-required", "Only User Service may do this")
        .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"kadr\""))
}

/// Delete everything of an account
///
/// Its videos with their bytes, analyses, reports and posters, its unfinished uploads, its webhooks; running analyses end.
/// Asking again does no harm, and an account that never had a video is deleted already. Only User Service may ask.
#[utoipa::path(
    delete, path = "/internal/accounts/{id}", tag = "internal", params(("id" = Uuid, Path)),
    security(("client" = [])),
    responses((status = 204, description = "Nothing of it is left")),
)]
async fn delete(
    _: UserService,
    state: web::Data<State>,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let account = id.into_inner();
    let count = task::to_its_end(remove_all(state.get_ref().clone(), account)).await?;
    log::info!("account deleted account_id={account} videos={count}");
    Ok(HttpResponse::NoContent().finish())
}

/// Removes all webhooks, uploads and videos of `account`; how many videos there were.
async fn remove_all(state: State, account: Uuid) -> Result<usize, Problem> {
    // First, so that nobody is told of what follows.
    webhooks::remove_all(&state.db, account).await?;
    uploads::remove_those_of_account(&state, account).await?;
    let mut count = 0;
    loop {
        let owned = video::Entity::find().filter(video::COLUMN.owner_id.eq(account)).limit(BATCH);
        let videos = owned.all(&state.db).await?;
        if videos.is_empty() {
            return Ok(count);
        }
        count += videos.len();
        for video in videos {
            videos::remove(&state, video.id, Condition::all()).await?;
        }
    }
}
