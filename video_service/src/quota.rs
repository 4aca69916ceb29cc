//! How much an account may keep: bytes, each counted once however many of its videos have them, and videos. What is in
//! the trash counts.

use std::num::NonZeroU64;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use entity::video_db::{content as stored, upload, video};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, ExprTrait, PaginatorTrait, QueryFilter, QuerySelect,
};
use serde::{Deserialize, Serialize};
use service_kit::problem::Problem;
use utoipa::{OpenApi, ToSchema};
use uuid::Uuid;

use crate::auth::{Authorized, VideosRead};
use crate::content;
use crate::state::State;
use crate::uploads;

/// The `[quota]` section. What is not given is not limited.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// Bytes of one account.
    pub max_bytes_per_account: Option<NonZeroU64>,
    /// Videos of one account.
    pub max_videos_per_account: Option<NonZeroU64>,
}

/// What this module answers, for the reader.
#[derive(OpenApi)]
#[openapi(paths(usage))]
pub(crate) struct Api;

/// What an account keeps, and may.
#[derive(Serialize, ToSchema)]
struct Usage {
    /// Bytes of its videos, the trash included; equal content counts once.
    bytes: u64,
    /// Bytes announced by its unfinished resumable uploads.
    announced_bytes: u64,
    /// Its videos, the trash included.
    videos: u64,
    /// Most bytes; null is no limit.
    max_bytes: Option<u64>,
    /// Most videos; null is no limit.
    max_videos: Option<u64>,
}

/// See how much is kept, and may be
#[utoipa::path(get, path = "/usage", tag = "videos", responses((status = 200, body = Usage)))]
pub(crate) async fn usage(
    state: web::Data<State>,
    auth: Authorized<VideosRead>,
) -> Result<HttpResponse, Problem> {
    let account = auth.caller.account_id;
    Ok(HttpResponse::Ok().json(Usage {
        bytes: bytes(&state.db, account).await?,
        announced_bytes: announced(&state.db, account, state.clock.now()).await?,
        videos: videos(&state.db, account).await?,
        max_bytes: state.quota.max_bytes_per_account.map(NonZeroU64::get),
        max_videos: state.quota.max_videos_per_account.map(NonZeroU64::get),
    }))
}

impl Quota {
    /// How many bytes `account` may still send; `None` is no limit. What resumable uploads have announced is taken.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn room(
        self,
        db: &impl ConnectionTrait,
        account: Uuid,
        now: DateTime<Utc>,
    ) -> Result<Option<u64>, DbErr> {
        let Some(limit) = self.max_bytes_per_account else { return Ok(None) };
        let taken = bytes(db, account).await?.saturating_add(announced(db, account, now).await?);
        Ok(Some(limit.get().saturating_sub(taken)))
    }

    /// Refuses where `account` keeps more bytes than it may. Call it in the transaction that adds some, after that.
    ///
    /// # Errors
    /// 403 `quota-exceeded`.
    pub(crate) async fn check_bytes(self, db: &impl ConnectionTrait, account: Uuid) -> Result<(), Problem> {
        let Some(limit) = self.max_bytes_per_account else { return Ok(()) };
        content::take_turns(db, account).await?;
        if bytes(db, account).await? > limit.get() { Err(too_many_bytes(limit.get())) } else { Ok(()) }
    }

    /// Refuses where `account` has more videos than it may. Call it in the transaction that adds one, after that.
    ///
    /// # Errors
    /// 403 `quota-exceeded`.
    pub(crate) async fn check_videos(self, db: &impl ConnectionTrait, account: Uuid) -> Result<(), Problem> {
        let Some(limit) = self.max_videos_per_account else { return Ok(()) };
        content::take_turns(db, account).await?;
        if videos(db, account).await? > limit.get() {
            return Err(exceeded(format!("an account may have {limit} videos, those in the trash included")));
        }
        Ok(())
    }
}

/// The refusal of bytes beyond `limit`.
pub(crate) fn too_many_bytes(limit: u64) -> Problem {
    exceeded(format!("an account may keep {limit} bytes, those in the trash included"))
}

fn exceeded(detail: String) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "quota-exceeded", "The account's quota is used up").detail(detail)
}

async fn bytes(db: &impl ConnectionTrait, account: Uuid) -> Result<u64, DbErr> {
    let sum = stored::Entity::find()
        .select_only()
        .column_as(Expr::col(stored::Column::Bytes).sum().cast_as("bigint"), "bytes")
        .filter(stored::Column::OwnerId.eq(account));
    let sum: Option<Option<i64>> = sum.into_tuple().one(db).await?;
    Ok(whole(sum.flatten()))
}

async fn announced(db: &impl ConnectionTrait, account: Uuid, now: DateTime<Utc>) -> Result<u64, DbErr> {
    let sum = upload::Entity::find()
        .select_only()
        .column_as(Expr::col(upload::Column::Length).sum().cast_as("bigint"), "bytes")
        .filter(uploads::unfinished(account, now));
    let sum: Option<Option<i64>> = sum.into_tuple().one(db).await?;
    Ok(whole(sum.flatten()))
}

async fn videos(db: &impl ConnectionTrait, account: Uuid) -> Result<u64, DbErr> {
    video::Entity::find().filter(video::COLUMN.owner_id.eq(account)).count(db).await
}

fn whole(sum: Option<i64>) -> u64 {
    sum.and_then(|sum| u64::try_from(sum).ok()).unwrap_or(0)
}
