use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, integer, string_len, string_len_null, text_null, timestamp_with_time_zone, uuid,
};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

/// Videos of one account that had equal bytes share those of one of them; the others are left for `storage check`.
const TAKE_STOCK: [&str; 5] = [
    "INSERT INTO content (blob_key, owner_id, sha256, bytes, videos)
     SELECT min(blob_key), owner_id, sha256, max(bytes), count(*) FROM video
     WHERE blob_key IS NOT NULL GROUP BY owner_id, sha256",
    "UPDATE video SET blob_key = (SELECT content.blob_key FROM content
         WHERE content.owner_id = video.owner_id AND content.sha256 = video.sha256)
     WHERE blob_key IS NOT NULL",
    "UPDATE video SET version = 1 WHERE blob_key IS NOT NULL",
    "INSERT INTO video_version (video_id, version, sha256, bytes, filename, media_type, created_at)
     SELECT id, 1, sha256, bytes, filename, media_type, updated_at FROM video WHERE blob_key IS NOT NULL",
    "UPDATE analysis SET version = 1",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_content(manager).await?;
        create_versions(manager).await?;
        for table in ["video", "analysis"] {
            let version = integer("version").default(0).take();
            manager.alter_table(Table::alter().table(table).add_column(version).to_owned()).await?;
        }
        for sql in TAKE_STOCK {
            manager.get_connection().execute_unprepared(sql).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["analysis", "video"] {
            manager.alter_table(Table::alter().table(table).drop_column("version").to_owned()).await?;
        }
        for table in ["video_version", "content"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

async fn create_content(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("content")
                .col(string_len("blob_key", 255).primary_key())
                .col(uuid("owner_id"))
                .col(string_len("sha256", 64))
                .col(big_integer("bytes"))
                .col(integer("videos"))
                .to_owned(),
        )
        .await?;
    // Decides which of two equal uploads is kept, however they race.
    let digest = Index::create()
        .name("ux_content_digest")
        .table("content")
        .col("owner_id")
        .col("sha256")
        .unique()
        .to_owned();
    manager.create_index(digest).await
}

async fn create_versions(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("video_version")
                .col(uuid("video_id"))
                .col(integer("version"))
                .col(string_len("sha256", 64))
                .col(big_integer("bytes"))
                .col(text_null("filename"))
                .col(string_len_null("media_type", 255))
                .col(timestamp_with_time_zone("created_at"))
                .primary_key(Index::create().col("video_id").col("version"))
                .foreign_key(
                    ForeignKey::create()
                        .name("fk_video_version_video")
                        .from("video_version", "video_id")
                        .to("video", "id")
                        .on_delete(ForeignKeyAction::Cascade),
                )
                .to_owned(),
        )
        .await
}
