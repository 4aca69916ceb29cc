use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{integer, string_len_null};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let revision = integer("revision").default(0).to_owned();
        for column in [string_len_null("locale", 35), string_len_null("initials", 16), revision] {
            manager.alter_table(Table::alter().table("account").add_column(column).to_owned()).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in ["revision", "initials", "locale"] {
            manager.alter_table(Table::alter().table("account").drop_column(column).to_owned()).await?;
        }
        Ok(())
    }
}
