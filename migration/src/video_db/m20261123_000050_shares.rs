use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    integer, pk_uuid, string_len_null, string_len_uniq, timestamp_with_time_zone,
    timestamp_with_time_zone_null, uuid,
};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("share")
                    .col(pk_uuid("id"))
                    .col(uuid("video_id"))
                    .col(string_len_uniq("token_hash", 64))
                    .col(string_len_null("password_hash", 60))
                    .col(integer("failures"))
                    .col(timestamp_with_time_zone_null("blocked_until"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone("expires_at"))
                    .foreign_key(
                        ForeignKey::create()
                            .name("fk_share_video")
                            .from("share", "video_id")
                            .to("video", "id")
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .to_owned(),
            )
            .await?;
        // The links of one video, and what has expired.
        for (name, columns) in [
            ("ix_share_video", ["video_id", "id"].as_slice()),
            ("ix_share_expiry", ["expires_at"].as_slice()),
        ] {
            let mut index = Index::create().name(name).table("share").to_owned();
            for column in columns {
                index.col(*column);
            }
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("share").to_owned()).await
    }
}
