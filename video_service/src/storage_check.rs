//! `video_service storage check [--fix]`: compares what the database names with what the store has.
//!
//! A database from a backup does not name the bytes that came after it; a disk that fails leaves names without bytes. Each finding
//! is a line of text that says what is, or would be, done about it. It may run beside the service: what is young enough to
//! belong to a request under way is left alone, and every repair is conditional on what was found.

use std::io::{self, Write};

use chrono::{DateTime, Utc};
use entity::video_db::video::VideoStatus;
use entity::video_db::{content, video};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, DatabaseConnection, EntityTrait, ExprTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, TransactionTrait,
};
use uuid::Uuid;

use crate::blobs::{Abandoned, BlobStore};
use crate::facts::Facts;
use crate::orphans::{self, Orphan, OrphansError, YOUNG};
use crate::{queue, uploads};

/// Rows that are compared at a time.
const BATCH: u64 = 500;

/// Why the comparison broke off.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The database failed.
    #[error("database: {0}")]
    Database(#[from] sea_orm::DbErr),
    /// The store failed.
    #[error("storage: {0}")]
    Storage(#[from] object_store::Error),
    /// The findings could not be written, or a file not be looked at.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// A comparison, and what it has come to.
pub struct StorageCheck<'a, W> {
    /// Records.
    pub db: &'a DatabaseConnection,
    /// Bytes.
    pub blobs: &'a BlobStore,
    /// The present.
    pub now: DateTime<Utc>,
    /// Whether to repair.
    pub fix: bool,
    /// Where the findings go, a line each.
    pub output: W,
}

impl From<OrphansError> for CheckError {
    fn from(error: OrphansError) -> Self {
        match error {
            OrphansError::Database(error) => Self::Database(error),
            OrphansError::Storage(error) => Self::Storage(error),
        }
    }
}

impl<W: Write> StorageCheck<'_, W> {
    /// Compares all; how many things are wrong, or were.
    ///
    /// # Errors
    /// [`CheckError`]: what was found until then has been written.
    pub async fn run(mut self) -> Result<u64, CheckError> {
        let mut findings = self.compare_records().await?;
        findings += self.compare_uploads().await?;
        findings += self.compare_blobs().await?;
        let verdict = match (findings, self.fix) {
            (0, _) => "the database and the store agree".to_owned(),
            (count, true) => format!("repaired: {count}"),
            (count, false) => format!("wrong: {count}; nothing was changed, --fix repairs"),
        };
        writeln!(self.output, "{verdict}")?;
        Ok(findings)
    }

    /// Content that the database has: are its bytes there, and do so many videos name it?
    async fn compare_records(&mut self) -> Result<u64, CheckError> {
        let mut findings = 0;
        let mut after = String::new();
        loop {
            let rows = content::Entity::find()
                .filter(content::Column::BlobKey.gt(after.as_str()))
                .order_by_asc(content::Column::BlobKey)
                .limit(BATCH)
                .all(self.db)
                .await?;
            let Some(last) = rows.last() else { return Ok(findings) };
            last.blob_key.clone_into(&mut after);
            for row in rows {
                findings += self.compare_record(&row).await?;
            }
        }
    }

    async fn compare_record(&mut self, row: &content::Model) -> Result<u64, CheckError> {
        let key = &row.blob_key;
        let found = match self.blobs.size(key).await {
            Ok(bytes) => i64::try_from(bytes).ok(),
            Err(object_store::Error::NotFound { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let named = video::Entity::find().filter(video::COLUMN.blob_key.eq(key.clone()));
        let videos = i32::try_from(named.count(self.db).await?).unwrap_or(i32::MAX);
        if found != Some(row.bytes) {
            let what = found.map_or("is gone".to_owned(), |bytes| format!("has {bytes} bytes"));
            let of = format!("{key}: {what} instead of {} bytes, of {videos} videos", row.bytes);
            self.say(&of, "wait for their bytes again", "would wait for their bytes again")?;
            if self.fix {
                self.let_videos_wait(row).await?;
            }
            return Ok(1);
        }
        if videos != row.videos {
            let of = format!("{key}: {} videos are counted, {videos} name it", row.videos);
            self.say(&of, "counted anew", "would be counted anew")?;
            if self.fix {
                self.count_anew(row, videos).await?;
            }
            return Ok(1);
        }
        Ok(0)
    }

    /// Records whose bytes are lost say so: their owner can send them again. There is nothing left to analyse.
    async fn let_videos_wait(&self, row: &content::Model) -> Result<(), CheckError> {
        let db = self.db.begin().await?;
        let of_it = || video::COLUMN.blob_key.eq(row.blob_key.clone());
        let videos: Vec<Uuid> = video::Entity::find()
            .select_only()
            .column(video::Column::Id)
            .filter(of_it())
            .into_tuple()
            .all(&db)
            .await?;
        video::Entity::update_many()
            .set(Facts::default().update())
            .filter(of_it())
            .col_expr(video::Column::Status, Expr::value(VideoStatus::Waiting))
            .col_expr(video::Column::BlobKey, Expr::value(None::<String>))
            .col_expr(video::Column::Sha256, Expr::value(None::<String>))
            .col_expr(video::Column::Bytes, Expr::value(None::<i64>))
            .col_expr(video::Column::Revision, Expr::col(video::Column::Revision).add(1))
            .exec(&db)
            .await?;
        content::Entity::delete_by_id(row.blob_key.clone()).exec(&db).await?;
        for video in videos {
            queue::cancel(&db, video, self.now).await?;
        }
        db.commit().await?;
        self.blobs.delete(&row.blob_key).await?;
        Ok(())
    }

    async fn count_anew(&self, row: &content::Model, videos: i32) -> Result<(), CheckError> {
        let unchanged =
            || content::Column::BlobKey.eq(row.blob_key.as_str()).and(content::Column::Videos.eq(row.videos));
        if videos > 0 {
            content::Entity::update_many()
                .filter(unchanged())
                .col_expr(content::Column::Videos, Expr::value(videos))
                .exec(self.db)
                .await?;
        } else if content::Entity::delete_many().filter(unchanged()).exec(self.db).await?.rows_affected == 1 {
            self.blobs.delete(&row.blob_key).await?;
        }
        Ok(())
    }

    /// Unfinished uploads: is what they have received there?
    async fn compare_uploads(&mut self) -> Result<u64, CheckError> {
        let mut findings = 0;
        for row in uploads::lost(self.db, self.blobs).await? {
            findings += 1;
            let of = format!("upload {}: the {} bytes that had arrived are lost", row.id, row.offset);
            self.say(&of, "failed", "would fail")?;
            if self.fix {
                uploads::lose(self.db, self.blobs, &row, self.now).await?;
            }
        }
        Ok(findings)
    }

    /// Blobs that the store has: does somebody name them?
    async fn compare_blobs(&mut self) -> Result<u64, CheckError> {
        let mut findings = 0;
        for Orphan { key, bytes } in orphans::find(self.db, self.blobs, self.now - YOUNG).await? {
            if !orphans::is_still(self.db, self.blobs, &key).await? {
                continue;
            }
            findings += 1;
            self.say(&format!("{key}: nobody names these {bytes} bytes"), "removed", "would be removed")?;
            if self.fix {
                self.blobs.delete(&key).await?;
            }
        }
        for Abandoned { path, bytes } in self.blobs.abandoned().await? {
            findings += 1;
            let of = format!("{}: an upload that broke off left {bytes} bytes", path.display());
            self.say(&of, "removed", "would be removed")?;
            if self.fix {
                std::fs::remove_file(path)?;
            }
        }
        Ok(findings)
    }

    fn say(&mut self, finding: &str, done: &str, to_do: &str) -> io::Result<()> {
        writeln!(self.output, "{finding}: {}", if self.fix { done } else { to_do })
    }
}
