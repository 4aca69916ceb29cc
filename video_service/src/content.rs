//! The bytes of an account's videos: each once, however many of its videos have them.
//!
//! A row of `content` counts the videos that name a blob. It is written in the transaction that gives a video its content
//! or takes it away; blobs that nobody names any more are removed after the commit. A process that dies between the two
//! leaves bytes that nobody names, never a name without bytes: they are [written down](unnamed), and removed later.

use chrono::{DateTime, Utc};
use entity::video_db::{content, video, video_version};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, EntityTrait, ExprTrait,
    IntoActiveModel, QueryFilter, Statement,
};
use service_kit::database;
use service_kit::problem::Problem;
use uuid::Uuid;

use crate::blobs::BlobStore;
use crate::state::State;
use crate::unnamed;
use crate::videos::storage_failed;

/// Bytes that are in the store, under their key.
pub(crate) struct Arrived {
    pub(crate) key: String,
    pub(crate) bytes: i64,
    pub(crate) sha256: [u8; 32],
    pub(crate) filename: Option<String>,
    pub(crate) media_type: String,
}

/// Names `arrived` for one more video of `owner`, and gives the key of the blob to use from now on: an older one where
/// the account has the same bytes already. The new blob is then one that nobody names, to be removed after the commit.
///
/// # Errors
/// When the database or the store fails.
pub(crate) async fn keep(
    db: &impl ConnectionTrait,
    blobs: &BlobStore,
    owner: Uuid,
    arrived: &Arrived,
    now: DateTime<Utc>,
) -> Result<String, Problem> {
    take_turns(db, owner).await?;
    let sha256 = hex::encode(arrived.sha256);
    let row = content::Model {
        blob_key: arrived.key.clone(),
        owner_id: owner,
        sha256: sha256.clone(),
        bytes: arrived.bytes,
        videos: 1,
    };
    let one_more = OnConflict::columns([content::Column::OwnerId, content::Column::Sha256])
        .value(content::Column::Videos, Expr::col((content::Entity, content::Column::Videos)).add(1))
        .to_owned();
    let insert = content::Entity::insert(row.into_active_model()).on_conflict(one_more);
    insert.exec_without_returning(db).await?;
    let kept = of_digest(db, owner, &sha256).await?;
    let key = kept.ok_or_else(|| Problem::internal("content just written is not there"))?.blob_key;
    if key == arrived.key {
        unnamed::strike_out(db, [&key]).await?;
        return Ok(key);
    }
    unnamed::write_down(db, [&arrived.key], now).await?;
    // What was lost from the store is made good by who brings it again.
    if !blobs.has_whole(&key, arrived.bytes).await {
        log::error!("a blob was lost and is replaced key={key}");
        blobs.rename(&arrived.key, &key).await.map_err(|error| storage_failed(&error))?;
    }
    Ok(key)
}

/// Commits what names new bytes. Where the database says that it did not, the bytes under `arrived` go at once; where it went
/// away nobody knows whether it did: they stay, and are removed later if they are still written down as unnamed.
///
/// # Errors
/// When the database fails.
pub(crate) async fn commit(
    transaction: DatabaseTransaction,
    state: &State,
    arrived: String,
) -> Result<(), DbErr> {
    let committed = transaction.commit().await;
    if committed.as_ref().is_err_and(|error| database::is_full(error) || database::is_contention(error)) {
        unnamed::remove(&state.db, &state.blobs, &[arrived]).await;
    }
    committed
}

/// Names content that `owner` has already for one more video; `false` where it has it no more.
///
/// # Errors
/// When the database fails.
pub(crate) async fn share(db: &impl ConnectionTrait, owner: Uuid, key: &str) -> Result<bool, DbErr> {
    take_turns(db, owner).await?;
    let shared = content::Entity::update_many()
        .filter(content::Column::BlobKey.eq(key))
        .col_expr(content::Column::Videos, Expr::col(content::Column::Videos).add(1))
        .exec(db)
        .await?;
    Ok(shared.rows_affected == 1)
}

/// Takes the name of one video away; the key of the blob where that was the last, to be removed after the commit.
///
/// # Errors
/// When the database fails.
pub(crate) async fn release(
    db: &impl ConnectionTrait,
    key: Option<&String>,
    now: DateTime<Utc>,
) -> Result<Option<String>, DbErr> {
    let Some(key) = key else { return Ok(None) };
    content::Entity::update_many()
        .filter(content::Column::BlobKey.eq(key))
        .col_expr(content::Column::Videos, Expr::col(content::Column::Videos).sub(1))
        .exec(db)
        .await?;
    let removed = content::Entity::delete_many()
        .filter(content::Column::BlobKey.eq(key))
        .filter(content::Column::Videos.lte(0))
        .exec(db)
        .await?;
    if removed.rows_affected == 0 {
        return Ok(None);
    }
    unnamed::write_down(db, [key], now).await?;
    Ok(Some(key.clone()))
}

/// What `owner` has with the digest `sha256`, in lower-case hexadecimal, and the store as well: what was lost from that is not here.
///
/// # Errors
/// When the database fails.
pub(crate) async fn at_hand(
    db: &impl ConnectionTrait,
    blobs: &BlobStore,
    owner: Uuid,
    sha256: &str,
) -> Result<Option<content::Model>, DbErr> {
    let Some(found) = of_digest(db, owner, sha256).await? else { return Ok(None) };
    Ok(blobs.has_whole(&found.blob_key, found.bytes).await.then_some(found))
}

async fn of_digest(
    db: &impl ConnectionTrait,
    owner: Uuid,
    sha256: &str,
) -> Result<Option<content::Model>, DbErr> {
    content::Entity::find()
        .filter(content::Column::OwnerId.eq(owner))
        .filter(content::Column::Sha256.eq(sha256))
        .one(db)
        .await
}

/// Writes down what `video` has as its content from now on.
///
/// # Errors
/// When the database fails.
pub(crate) async fn write_version(db: &impl ConnectionTrait, video: &video::Model) -> Result<(), DbErr> {
    let (Some(sha256), Some(bytes)) = (video.sha256.clone(), video.bytes) else { return Ok(()) };
    let row = video_version::Model {
        video_id: video.id,
        version: video.version,
        sha256,
        bytes,
        filename: video.filename.clone(),
        media_type: video.media_type.clone(),
        created_at: video.updated_at,
    };
    video_version::Entity::insert(row.into_active_model()).exec_without_returning(db).await.map(|_| ())
}

/// Makes transactions that add to one account take turns, to be called before the first of their contents is touched: so
/// that two that fit into a quota each do not exceed it together, and two that exchange contents do not wait for each
/// other. An SQLite file has one writer, which is turn enough.
pub(crate) async fn take_turns(db: &impl ConnectionTrait, account: Uuid) -> Result<(), DbErr> {
    if db.get_database_backend() == DbBackend::Postgres {
        let (high, low) = account.as_u64_pair();
        let key = i64::from_ne_bytes((high ^ low).to_ne_bytes());
        let sql = "SELECT pg_advisory_xact_lock($1)";
        db.query_one_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, [key.into()])).await?;
    }
    Ok(())
}
