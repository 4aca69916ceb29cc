use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::string_len_null;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

const INDEX: &str = "ix_session_account_newest";
const FORMER_INDEX: &str = "ix_session_account";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = string_len_null("address", 45);
        manager.alter_table(Table::alter().table("session").add_column(column).to_owned()).await?;
        // An account's sessions, the newest first, without sorting thousands of them.
        manager
            .create_index(Index::create().name(INDEX).table("session").col("account_id").col("id").to_owned())
            .await?;
        manager.drop_index(Index::drop().name(FORMER_INDEX).table("session").to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_index(Index::create().name(FORMER_INDEX).table("session").col("account_id").to_owned())
            .await?;
        manager.drop_index(Index::drop().name(INDEX).table("session").to_owned()).await?;
        manager.alter_table(Table::alter().table("session").drop_column("address").to_owned()).await
    }
}
