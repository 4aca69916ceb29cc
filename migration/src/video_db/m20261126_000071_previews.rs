use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{blob, integer, pk_uuid, text, uuid};

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
                    .table("analysis_preview")
                    .col(pk_uuid("analysis_id"))
                    .col(text("body"))
                    .foreign_key(
                        ForeignKey::create()
                            .name("fk_analysis_preview_analysis")
                            .from("analysis_preview", "analysis_id")
                            .to("analysis", "id")
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("analysis_preview_sprite")
                    .col(uuid("analysis_id"))
                    .col(integer("number"))
                    .col(blob("jpeg"))
                    .primary_key(Index::create().col("analysis_id").col("number"))
                    .foreign_key(
                        ForeignKey::create()
                            .name("fk_analysis_preview_sprite_preview")
                            .from("analysis_preview_sprite", "analysis_id")
                            .to("analysis_preview", "analysis_id")
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["analysis_preview_sprite", "analysis_preview"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}
