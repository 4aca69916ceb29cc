use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, pk_uuid, small_integer, string_len, timestamp_with_time_zone, timestamp_with_time_zone_null,
    uuid, uuid_null,
};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in
            [small_integer("priority").default(0).to_owned(), big_integer("turn").default(0).to_owned()]
        {
            manager.alter_table(Table::alter().table("analysis").add_column(column).to_owned()).await?;
        }
        manager.drop_index(Index::drop().name("ix_analysis_queue").table("analysis").to_owned()).await?;
        manager
            .create_index(
                Index::create()
                    .name("ix_analysis_turn")
                    .table("analysis")
                    .col("status")
                    .col("turn")
                    .col("priority")
                    .col("id")
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("queue_pause")
                    .col(pk_uuid("id"))
                    .col(uuid_null("paused_by"))
                    .col(timestamp_with_time_zone_null("paused_at"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("idempotency_key")
                    .col(uuid("account_id"))
                    .col(string_len("key", 255))
                    .col(string_len("fingerprint", 64))
                    .col(uuid("resource_id"))
                    .col(timestamp_with_time_zone("created_at"))
                    .primary_key(Index::create().col("account_id").col("key"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("ix_idempotency_key_created")
                    .table("idempotency_key")
                    .col("created_at")
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["idempotency_key", "queue_pause"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        manager.drop_index(Index::drop().name("ix_analysis_turn").table("analysis").to_owned()).await?;
        for column in ["turn", "priority"] {
            manager.alter_table(Table::alter().table("analysis").drop_column(column).to_owned()).await?;
        }
        manager
            .create_index(
                Index::create()
                    .name("ix_analysis_queue")
                    .table("analysis")
                    .col("status")
                    .col("available_at")
                    .to_owned(),
            )
            .await
    }
}
