use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, double, integer, json, json_null, pk_uuid, string_len, string_len_null,
    text, text_null, timestamp_with_time_zone, timestamp_with_time_zone_null, uuid,
};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_videos(manager).await?;
        create_analyses(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["analysis_report", "analysis", "video"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

async fn create_videos(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("video")
                .col(pk_uuid("id"))
                .col(uuid("owner_id"))
                .col(text("title"))
                .col(text_null("description"))
                .col(string_len("status", 16))
                .col(text_null("filename"))
                .col(string_len_null("media_type", 255))
                .col(big_integer_null("bytes"))
                .col(string_len_null("sha256", 64))
                .col(string_len_null("blob_key", 255))
                .col(integer("revision"))
                .col(timestamp_with_time_zone("created_at"))
                .col(timestamp_with_time_zone("updated_at"))
                .to_owned(),
        )
        .await?;
    // Identifiers are UUID version 7: their order is the order of creation, which is what the library pages through.
    manager
        .create_index(
            Index::create().name("ix_video_owner").table("video").col("owner_id").col("id").to_owned(),
        )
        .await
}

async fn create_analyses(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("analysis")
                .col(pk_uuid("id"))
                .col(uuid("video_id"))
                .col(string_len("status", 16))
                .col(json("options"))
                .col(integer("attempts"))
                .col(timestamp_with_time_zone("available_at"))
                .col(string_len_null("lease_owner", 128))
                .col(timestamp_with_time_zone_null("lease_expires_at"))
                .col(string_len_null("stage", 32))
                .col(double("fraction"))
                .col(big_integer("frames_done"))
                .col(big_integer_null("frames_total"))
                .col(json_null("error"))
                .col(string_len_null("poster_key", 255))
                .col(timestamp_with_time_zone("queued_at"))
                .col(timestamp_with_time_zone_null("started_at"))
                .col(timestamp_with_time_zone_null("finished_at"))
                .foreign_key(
                    ForeignKey::create()
                        .name("fk_analysis_video")
                        .from("analysis", "video_id")
                        .to("video", "id")
                        .on_delete(ForeignKeyAction::Cascade),
                )
                .to_owned(),
        )
        .await?;
    manager
        .create_index(
            Index::create().name("ix_analysis_video").table("analysis").col("video_id").col("id").to_owned(),
        )
        .await?;
    manager
        .create_index(
            Index::create()
                .name("ix_analysis_queue")
                .table("analysis")
                .col("status")
                .col("available_at")
                .to_owned(),
        )
        .await?;
    // At most one unfinished analysis a video: the database decides, however many requests race.
    manager
        .create_index(
            Index::create()
                .name("ux_analysis_unfinished")
                .table("analysis")
                .col("video_id")
                .unique()
                .and_where(Expr::col("status").is_in(["queued", "running"]))
                .to_owned(),
        )
        .await?;
    manager
        .create_table(
            Table::create()
                .table("analysis_report")
                .col(uuid("analysis_id").primary_key())
                .col(text("body"))
                .foreign_key(
                    ForeignKey::create()
                        .name("fk_analysis_report_analysis")
                        .from("analysis_report", "analysis_id")
                        .to("analysis", "id")
                        .on_delete(ForeignKeyAction::Cascade),
                )
                .to_owned(),
        )
        .await
}
