use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{string_len, timestamp_with_time_zone_null};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let role = string_len("role", 16).default("user").to_owned();
        manager.alter_table(Table::alter().table("account").add_column(role).to_owned()).await?;
        let disabled_at = timestamp_with_time_zone_null("disabled_at");
        manager.alter_table(Table::alter().table("account").add_column(disabled_at).to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in ["disabled_at", "role"] {
            manager.alter_table(Table::alter().table("account").drop_column(column).to_owned()).await?;
        }
        Ok(())
    }
}
