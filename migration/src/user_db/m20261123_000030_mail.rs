use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    integer, pk_uuid, string_len, timestamp_with_time_zone, timestamp_with_time_zone_null, uuid, uuid_null,
};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let verified = timestamp_with_time_zone_null("email_verified_at");
        manager.alter_table(Table::alter().table("account").add_column(verified).to_owned()).await?;
        manager
            .create_table(
                Table::create()
                    .table("mail")
                    .col(pk_uuid("id"))
                    .col(string_len("kind", 32))
                    .col(uuid_null("account_id"))
                    .col(string_len("recipient", 254))
                    .col(string_len("recipient_key", 254))
                    .col(integer("attempts"))
                    .col(timestamp_with_time_zone("available_at"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone_null("sent_at"))
                    .to_owned(),
            )
            .await?;
        let due = Index::create().name("ix_mail_due").table("mail").col("available_at").to_owned();
        manager.create_index(due).await?;
        let recipient =
            Index::create().name("ix_mail_recipient").table("mail").col("recipient_key").to_owned();
        manager.create_index(recipient).await?;
        manager
            .create_table(
                Table::create()
                    .table("mail_token")
                    .col(string_len("token_hash", 64).primary_key())
                    .col(string_len("purpose", 32))
                    .col(uuid("account_id"))
                    .col(string_len("email_key", 254))
                    .col(timestamp_with_time_zone("expires_at"))
                    .foreign_key(
                        ForeignKey::create()
                            .name("fk_mail_token_account")
                            .from("mail_token", "account_id")
                            .to("account", "id")
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .to_owned(),
            )
            .await?;
        for column in ["account_id", "expires_at"] {
            let name = format!("ix_mail_token_{column}");
            let index = Index::create().name(name).table("mail_token").col(column).to_owned();
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["mail_token", "mail"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        let verified = Table::alter().table("account").drop_column("email_verified_at").to_owned();
        manager.alter_table(verified).await
    }
}
