//! What was sent to a webhook: `GET /webhooks/{id}/deliveries`, and once more.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use entity::video_db::webhook_delivery::{self, DeliveryStatus};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::Deserialize;
use service_kit::page::{self, Page};
use service_kit::problem::Problem;
use service_kit::query::Query;
use utoipa::IntoParams;
use uuid::Uuid;

use super::record::{Delivery, Status};
use super::{deliveries, owned};
use crate::auth::{Authorized, VideosRead, VideosWrite};
use crate::state::State;

/// Which part of the log.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct LogQuery {
    /// How many deliveries a page has: 1 to 200, 50 where it is not given.
    limit: Option<u64>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Only deliveries of this status.
    status: Option<Status>,
}

/// List a webhook's deliveries
///
/// Newest first. Those that have ended are forgotten after a while.
#[utoipa::path(
    get, path = "/webhooks/{id}/deliveries", tag = "webhooks", params(("id" = Uuid, Path), LogQuery),
    responses((status = 200, body = Page<Delivery>, headers(("Link" = String)))),
)]
pub(super) async fn list(
    state: web::Data<State>,
    auth: Authorized<VideosRead>,
    id: web::Path<Uuid>,
    Query(query): Query<LogQuery>,
) -> Result<HttpResponse, Problem> {
    let webhook = owned(&state.db, *id, &auth.caller).await?;
    let limit = page::limit(query.limit)?;
    let mut select = webhook_delivery::Entity::find()
        .filter(webhook_delivery::COLUMN.webhook_id.eq(webhook.id))
        .order_by_desc(webhook_delivery::COLUMN.id)
        .limit(limit + 1);
    let mut filters = vec![("limit", limit.to_string())];
    if let Some(status) = query.status {
        let (status, name) = match status {
            Status::Pending => (DeliveryStatus::Pending, "pending"),
            Status::Succeeded => (DeliveryStatus::Succeeded, "succeeded"),
            Status::Failed => (DeliveryStatus::Failed, "failed"),
        };
        select = select.filter(webhook_delivery::COLUMN.status.eq(status));
        filters.push(("status", name.to_owned()));
    }
    if let Some(cursor) = &query.cursor {
        select = select.filter(webhook_delivery::COLUMN.id.lt(page::from_cursor::<Uuid>(cursor)?));
    }
    let rows = select.all(&state.db).await?;
    let path = format!("/webhooks/{}/deliveries", webhook.id);
    Page::<Delivery>::of(rows, limit, |row| row.id)?.response(&path, &filters)
}

/// Deliver once more
///
/// The same message, with the same `webhook-id`, tried anew as if it were the first time.
#[utoipa::path(
    post, path = "/webhooks/{id}/deliveries/{delivery_id}/replay", tag = "webhooks",
    params(("id" = Uuid, Path), ("delivery_id" = Uuid, Path)),
    responses((status = 202, body = Delivery)),
)]
pub(super) async fn replay(
    state: web::Data<State>,
    auth: Authorized<VideosWrite>,
    path: web::Path<(Uuid, Uuid)>,
) -> Result<HttpResponse, Problem> {
    let (id, delivery_id) = path.into_inner();
    let webhook = owned(&state.db, id, &auth.caller).await?;
    let find = || {
        webhook_delivery::Entity::find_by_id(delivery_id)
            .filter(webhook_delivery::COLUMN.webhook_id.eq(webhook.id))
            .one(&state.db)
    };
    let not_found = || Problem::not_found("delivery");
    find().await?.ok_or_else(not_found)?;
    if webhook.disabled_at.is_some() {
        return Err(Problem::new(StatusCode::CONFLICT, "webhook-disabled", "The webhook is disabled")
            .detail("enable it first"));
    }
    if !deliveries::replay(&state.db, delivery_id, state.clock.now()).await? {
        return Err(Problem::new(StatusCode::CONFLICT, "delivery-under-way", "The delivery is under way"));
    }
    let delivery = find().await?.ok_or_else(not_found)?;
    Ok(HttpResponse::Accepted().json(Delivery::from(delivery)))
}
