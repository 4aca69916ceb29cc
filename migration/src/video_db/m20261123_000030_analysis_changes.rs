use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, timestamp_with_time_zone};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let revision = big_integer("revision").default(0).to_owned();
        manager.alter_table(Table::alter().table("analysis").add_column(revision).to_owned()).await?;
        // SQLite adds no column without a constant default.
        let updated_at =
            timestamp_with_time_zone("updated_at").default("1970-01-01T00:00:00+00:00").to_owned();
        manager.alter_table(Table::alter().table("analysis").add_column(updated_at).to_owned()).await?;
        manager
            .get_connection()
            .execute_unprepared(
                "UPDATE analysis SET updated_at = COALESCE(finished_at, started_at, queued_at)",
            )
            .await?;
        manager
            .create_index(
                Index::create().name("ix_analysis_updated").table("analysis").col("updated_at").to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(Index::drop().name("ix_analysis_updated").table("analysis").to_owned()).await?;
        for column in ["updated_at", "revision"] {
            manager.alter_table(Table::alter().table("analysis").drop_column(column).to_owned()).await?;
        }
        Ok(())
    }
}
