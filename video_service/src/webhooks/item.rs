//! One webhook: `GET`, `PATCH` and `DELETE /webhooks/{id}`, `POST /webhooks/{id}/rotate-secret`.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, web};
use chrono::{DateTime, TimeDelta, Utc};
use entity::video_db::webhook::{self, DisabledReason};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter, UpdateMany};
use serde::{Deserialize, Deserializer};
use service_kit::json::Json;
use service_kit::problem::{FieldError, Problem};
use utoipa::ToSchema;
use uuid::Uuid;

use super::event::EventType;
use super::record::{self, Webhook, WebhookWithSecret};
use super::signature::Secret;
use super::{Webhooks, owned, target};
use crate::auth::{Authorized, VideosRead, VideosWrite};
use crate::state::State;
use crate::videos::record::description;

/// What is to change; what is not named stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::option_option, reason = "absent, null and a text are three things to ask for")]
pub(super) struct Changes {
    /// Where messages go; those that are on their way go there as well.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(value_type = Option<String>)]
    url: Option<String>,
    /// What it is told of, one event at least.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(value_type = Option<Vec<EventType>>)]
    events: Option<Vec<EventType>>,
    /// At most 5000 characters; null removes it.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(value_type = Option<String>)]
    description: Option<Option<String>>,
    /// `true` sends again to one that was disabled, for whatever reason; `false` stops.
    #[serde(default, deserialize_with = "not_null")]
    #[schema(value_type = Option<bool>)]
    enabled: Option<bool>,
}

/// A member may be absent; null is whatever `T` makes of it.
fn not_null<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Read a webhook
#[utoipa::path(
    get, path = "/webhooks/{id}", tag = "webhooks", params(("id" = Uuid, Path)),
    responses((status = 200, body = Webhook)),
)]
pub(super) async fn read(
    state: web::Data<State>,
    auth: Authorized<VideosRead>,
    id: web::Path<Uuid>,
) -> Result<web::Json<Webhook>, Problem> {
    Ok(web::Json(owned(&state.db, *id, &auth.caller).await?.into()))
}

/// Change a webhook
#[utoipa::path(
    patch, path = "/webhooks/{id}", tag = "webhooks", params(("id" = Uuid, Path)), request_body = Changes,
    responses((status = 200, body = Webhook)),
)]
pub(super) async fn update(
    state: web::Data<State>,
    webhooks: web::Data<Webhooks>,
    auth: Authorized<VideosWrite>,
    id: web::Path<Uuid>,
    Json(changes): Json<Changes>,
) -> Result<web::Json<Webhook>, Problem> {
    let before = owned(&state.db, *id, &auth.caller).await?;
    let now = state.clock.now();
    let mut update = webhook::Entity::update_many()
        .filter(webhook::COLUMN.id.eq(before.id))
        .col_expr(webhook::Column::UpdatedAt, Expr::value(now));
    let mut wrong = Vec::new();
    if let Some(url) = changes.url {
        match target::parse(&url, &webhooks.rule) {
            Ok(url) => update = update.col_expr(webhook::Column::Url, Expr::value(url)),
            Err(detail) => wrong.push(FieldError::new("/url", detail)),
        }
    }
    if let Some(events) = changes.events {
        match record::events(events) {
            Ok(events) => {
                update = update.col_expr(webhook::Column::Events, Expr::value(EventType::join(&events)));
            }
            Err(error) => wrong.push(error),
        }
    }
    if let Some(text) = changes.description {
        match text.as_deref().map(description).transpose() {
            Ok(text) => update = update.col_expr(webhook::Column::Description, Expr::value(text)),
            Err(detail) => wrong.push(FieldError::new("/description", detail)),
        }
    }
    if !wrong.is_empty() {
        return Err(Problem::invalid(wrong));
    }
    match changes.enabled {
        Some(true) => update = enable(update),
        Some(false) if before.disabled_at.is_none() => {
            update = update
                .col_expr(webhook::Column::DisabledAt, Expr::value(now))
                .col_expr(webhook::Column::DisabledReason, Expr::value(DisabledReason::Owner));
        }
        _ => {}
    }
    update.exec(&state.db).await?;
    Ok(web::Json(owned(&state.db, *id, &auth.caller).await?.into()))
}

fn enable(update: UpdateMany<webhook::Entity>) -> UpdateMany<webhook::Entity> {
    update
        .col_expr(webhook::Column::DisabledAt, Expr::value(None::<DateTime<Utc>>))
        .col_expr(webhook::Column::DisabledReason, Expr::value(None::<DisabledReason>))
        // Otherwise the next failure would look like the end of a long row of them.
        .col_expr(webhook::Column::FailingSince, Expr::value(None::<DateTime<Utc>>))
}

/// Delete a webhook
///
/// With its log, and with messages that have not arrived yet.
#[utoipa::path(
    delete, path = "/webhooks/{id}", tag = "webhooks", params(("id" = Uuid, Path)),
    responses((status = 204)),
)]
pub(super) async fn delete(
    state: web::Data<State>,
    auth: Authorized<VideosWrite>,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let row = owned(&state.db, *id, &auth.caller).await?;
    webhook::Entity::delete_by_id(row.id).exec(&state.db).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Make another secret
///
/// Messages carry signatures by both, until `previous_secret_expires_at`, so that receivers can change theirs in peace. Until
/// then there is no third.
#[utoipa::path(
    post, path = "/webhooks/{id}/rotate-secret", tag = "webhooks", params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = WebhookWithSecret),
        (status = 409, description = "The former secret still counts"),
    ),
)]
pub(super) async fn rotate_secret(
    state: web::Data<State>,
    webhooks: web::Data<Webhooks>,
    auth: Authorized<VideosWrite>,
    id: web::Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let before = owned(&state.db, *id, &auth.caller).await?;
    let now = state.clock.now();
    let until = now + TimeDelta::hours(i64::from(webhooks.settings.secret_overlap_hours));
    let secret = Secret::generate().map_err(Problem::internal)?;
    let sealed = secret.seal(&webhooks.vault, before.id).map_err(Problem::internal)?;
    // Receivers may still have the one before: it is not pushed out by another rotation, as of a client that lost the answer.
    let no_overlap = webhook::Column::PreviousSecretExpiresAt
        .is_null()
        .or(webhook::Column::PreviousSecretExpiresAt.lte(now));
    let rotated = webhook::Entity::update_many()
        .filter(webhook::COLUMN.id.eq(before.id))
        .filter(no_overlap)
        .col_expr(webhook::Column::PreviousSecret, Expr::col(webhook::Column::Secret))
        .col_expr(webhook::Column::Secret, Expr::value(sealed))
        .col_expr(webhook::Column::PreviousSecretExpiresAt, Expr::value(until))
        .col_expr(webhook::Column::UpdatedAt, Expr::value(now))
        .exec(&state.db)
        .await?;
    if rotated.rows_affected == 0 {
        return Err(overlapping(before.previous_secret_expires_at));
    }
    let after = owned(&state.db, *id, &auth.caller).await?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(WebhookWithSecret::new(after, &secret)))
}

fn overlapping(until: Option<DateTime<Utc>>) -> Problem {
    let until = until.map_or_else(String::new, |until| until.to_rfc3339());
    Problem::new(StatusCode::CONFLICT, "rotation-under-way", "The former secret still counts").detail(
        format!("until {until} messages are signed with it as well; delete the webhook where it must not"),
    )
}
