use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, binary, boolean, pk_uuid, string_len, string_len_null, text, text_null,
    timestamp_with_time_zone, uuid, uuid_null,
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
                    .table("upload")
                    .col(pk_uuid("id"))
                    .col(uuid("owner_id"))
                    .col(uuid("video_id"))
                    .col(boolean("made_record"))
                    .col(string_len("status", 16))
                    .col(big_integer("length"))
                    .col(big_integer("offset"))
                    .col(binary("hash_state"))
                    .col(text("metadata"))
                    .col(text_null("filename"))
                    .col(string_len_null("media_type", 255))
                    .col(boolean("analyze"))
                    .col(uuid_null("writer"))
                    .col(text_null("reason"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone("updated_at"))
                    .col(timestamp_with_time_zone("expires_at"))
                    .to_owned(),
            )
            .await?;
        for (name, columns) in
            [("ix_upload_owner", ["owner_id", "status"]), ("ix_upload_expiry", ["status", "expires_at"])]
        {
            let mut index = Index::create();
            index.name(name).table("upload");
            for column in columns {
                index.col(column);
            }
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("upload").to_owned()).await
    }
}
