use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    integer, integer_null, pk_uuid, string_len, string_len_null, text, text_null, timestamp_with_time_zone,
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
        create_webhooks(manager).await?;
        create_deliveries(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["webhook_delivery", "webhook"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

async fn create_webhooks(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("webhook")
                .col(pk_uuid("id"))
                .col(uuid("owner_id"))
                .col(text("url"))
                .col(text_null("description"))
                .col(string_len("events", 255))
                .col(string_len("secret", 255))
                .col(string_len_null("previous_secret", 255))
                .col(timestamp_with_time_zone_null("previous_secret_expires_at"))
                .col(timestamp_with_time_zone_null("failing_since"))
                .col(timestamp_with_time_zone_null("disabled_at"))
                .col(string_len_null("disabled_reason", 16))
                .col(timestamp_with_time_zone("created_at"))
                .col(timestamp_with_time_zone("updated_at"))
                .to_owned(),
        )
        .await?;
    manager
        .create_index(
            Index::create().name("ix_webhook_owner").table("webhook").col("owner_id").col("id").to_owned(),
        )
        .await
}

async fn create_deliveries(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("webhook_delivery")
                .col(pk_uuid("id"))
                .col(uuid("webhook_id"))
                .col(string_len("event_type", 32))
                .col(text("payload"))
                .col(string_len("status", 16))
                .col(integer("attempts"))
                .col(timestamp_with_time_zone_null("next_attempt_at"))
                .col(timestamp_with_time_zone_null("last_attempt_at"))
                .col(integer_null("response_status"))
                .col(string_len_null("error", 64))
                .col(timestamp_with_time_zone("created_at"))
                .foreign_key(
                    ForeignKey::create()
                        .name("fk_webhook_delivery_webhook")
                        .from("webhook_delivery", "webhook_id")
                        .to("webhook", "id")
                        .on_delete(ForeignKeyAction::Cascade),
                )
                .to_owned(),
        )
        .await?;
    // What is due, what is old, and the log of one webhook.
    for (name, columns) in [
        ("ix_webhook_delivery_due", ["status", "next_attempt_at"]),
        ("ix_webhook_delivery_ended", ["status", "created_at"]),
        ("ix_webhook_delivery_log", ["webhook_id", "id"]),
    ] {
        let mut index = Index::create().name(name).table("webhook_delivery").to_owned();
        for column in columns {
            index.col(column);
        }
        manager.create_index(index).await?;
    }
    Ok(())
}
