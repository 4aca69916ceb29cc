use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{blob, pk_uuid};

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
                    .table("analysis_curves")
                    .col(pk_uuid("analysis_id"))
                    .col(blob("body"))
                    .foreign_key(
                        ForeignKey::create()
                            .name("fk_analysis_curves_analysis")
                            .from("analysis_curves", "analysis_id")
                            .to("analysis", "id")
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .to_owned(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("analysis_curves").to_owned()).await
    }
}
