use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{pk_uuid, string_len, string_len_null, timestamp_with_time_zone, uuid_null};
use sea_orm_migration::sea_orm::DbBackend;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

/// What keeps the table append-only, whoever writes to it.
const SQLITE: [&str; 2] = [
    "CREATE TRIGGER tr_audit_event_update BEFORE UPDATE ON audit_event
     BEGIN SELECT RAISE(ABORT, 'audit events are never changed'); END",
    "CREATE TRIGGER tr_audit_event_delete BEFORE DELETE ON audit_event
     BEGIN SELECT RAISE(ABORT, 'audit events are never changed'); END",
];
const POSTGRES: [&str; 2] = [
    "CREATE FUNCTION fn_audit_event_append_only() RETURNS trigger LANGUAGE plpgsql AS
     $$ BEGIN RAISE EXCEPTION 'audit events are never changed'; END $$",
    "CREATE TRIGGER tr_audit_event_append_only BEFORE UPDATE OR DELETE ON audit_event
     FOR EACH STATEMENT EXECUTE FUNCTION fn_audit_event_append_only()",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("audit_event")
                    .col(pk_uuid("id"))
                    .col(timestamp_with_time_zone("at"))
                    .col(uuid_null("account_id"))
                    .col(uuid_null("actor_id"))
                    .col(string_len("action", 48))
                    .col(string_len_null("address", 45))
                    .col(string_len("outcome", 16))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("ix_audit_event_account")
                    .table("audit_event")
                    .col("account_id")
                    .col("id")
                    .to_owned(),
            )
            .await?;
        let triggers = match manager.get_database_backend() {
            DbBackend::Sqlite => SQLITE,
            _ => POSTGRES,
        };
        for sql in triggers {
            manager.get_connection().execute_unprepared(sql).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Its triggers go with it, the function of PostgreSQL does not.
        manager.drop_table(Table::drop().table("audit_event").to_owned()).await?;
        if manager.get_database_backend() == DbBackend::Postgres {
            manager.get_connection().execute_unprepared("DROP FUNCTION fn_audit_event_append_only").await?;
        }
        Ok(())
    }
}
