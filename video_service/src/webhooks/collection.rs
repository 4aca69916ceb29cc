//! `GET POST /webhooks`.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, web};
use entity::video_db::webhook;
use sea_orm::{
    EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, TransactionTrait,
};
use serde::Deserialize;
use service_kit::json::Json;
use service_kit::page::{self, Page};
use service_kit::problem::{FieldError, Problem};
use service_kit::query::Query;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::event::EventType;
use super::record::{self, Webhook, WebhookWithSecret};
use super::signature::Secret;
use super::{Webhooks, target};
use crate::auth::{Authorized, VideosRead, VideosWrite};
use crate::content;
use crate::state::State;
use crate::videos::record::description;

/// A webhook to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewWebhook {
    /// Where messages go: http or https, to a public address, on port 80, 443, or one from 1024 on.
    #[schema(example = "https://example.com/kadr")]
    url: String,
    /// What it is told of, one event at least.
    events: Vec<EventType>,
    /// At most 5000 characters.
    description: Option<String>,
}

/// Which part of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// How many webhooks a page has: 1 to 200, 50 where it is not given.
    limit: Option<u64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Make a webhook
///
/// From now on it is told of the events it names, in messages by the Standard Webhooks specification, signed with the
/// answer's `secret`.
#[utoipa::path(
    post, path = "/webhooks", tag = "webhooks",
    responses((status = 201, body = WebhookWithSecret, headers(("Location" = String)))),
)]
pub(super) async fn create(
    state: web::Data<State>,
    webhooks: web::Data<Webhooks>,
    auth: Authorized<VideosWrite>,
    Json(new): Json<NewWebhook>,
) -> Result<HttpResponse, Problem> {
    let mut wrong = Vec::new();
    let url = target::parse(&new.url, &webhooks.rule);
    let url = url.map_err(|detail| wrong.push(FieldError::new("/url", detail))).ok();
    let events = record::events(new.events).map_err(|error| wrong.push(error)).ok();
    let description = new.description.as_deref().map(description).transpose();
    let description = description.map_err(|detail| wrong.push(FieldError::new("/description", detail))).ok();
    let (Some(url), Some(events), Some(description)) = (url, events, description) else {
        return Err(Problem::invalid(wrong));
    };
    let db = state.db.begin().await?;
    content::take_turns(&db, auth.caller.account_id).await?;
    let owned = webhook::Entity::find().filter(webhook::COLUMN.owner_id.eq(auth.caller.account_id));
    if owned.count(&db).await? >= webhooks.settings.max_per_account.get() {
        let title = "The account has as many webhooks as it may";
        return Err(Problem::new(StatusCode::CONFLICT, "too-many-webhooks", title));
    }
    let (id, now) = (Uuid::now_v7(), state.clock.now());
    let secret = Secret::generate().map_err(Problem::internal)?;
    let row = webhook::Model {
        id,
        owner_id: auth.caller.account_id,
        url,
        description,
        events: EventType::join(&events),
        secret: secret.seal(&webhooks.vault, id).map_err(Problem::internal)?,
        previous_secret: None,
        previous_secret_expires_at: None,
        failing_since: None,
        disabled_at: None,
        disabled_reason: None,
        created_at: now,
        updated_at: now,
    };
    webhook::Entity::insert(row.clone().into_active_model()).exec_without_returning(&db).await?;
    db.commit().await?;
    Ok(HttpResponse::Created()
        .insert_header((header::LOCATION, format!("/webhooks/{id}")))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(WebhookWithSecret::new(row, &secret)))
}

/// List webhooks
///
/// Newest first.
#[utoipa::path(
    get, path = "/webhooks", tag = "webhooks", params(ListQuery),
    responses((status = 200, body = Page<Webhook>, headers(("Link" = String)))),
)]
pub(super) async fn list(
    state: web::Data<State>,
    auth: Authorized<VideosRead>,
    Query(query): Query<ListQuery>,
) -> Result<HttpResponse, Problem> {
    let limit = page::limit(query.limit)?;
    let mut select = webhook::Entity::find()
        .filter(webhook::COLUMN.owner_id.eq(auth.caller.account_id))
        .order_by_desc(webhook::COLUMN.id)
        .limit(limit + 1);
    if let Some(cursor) = &query.cursor {
        select = select.filter(webhook::COLUMN.id.lt(page::from_cursor::<Uuid>(cursor)?));
    }
    let rows = select.all(&state.db).await?;
    Page::<Webhook>::of(rows, limit, |row| row.id)?.response("/webhooks", &[("limit", limit.to_string())])
}
