//! Migrations of User Service's database.

mod m20261122_000001_accounts_and_sessions;
mod m20261122_000010_account_roles;
mod m20261122_000011_profile;
mod m20261122_000012_outbox;
mod m20261122_000020_audit_log;
mod m20261122_000021_session_listing;
mod m20261122_000022_login_throttle;
mod m20261122_000023_personal_tokens;
mod m20261123_000030_mail;
mod m20261123_000031_invites;
mod m20261123_000040_second_factor;
mod m20261123_000041_service_clients;

use sea_orm_migration::prelude::*;

/// Brings User Service's database to its newest schema.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261122_000001_accounts_and_sessions::Migration),
            Box::new(m20261122_000010_account_roles::Migration),
            Box::new(m20261122_000011_profile::Migration),
            Box::new(m20261122_000012_outbox::Migration),
            Box::new(m20261122_000020_audit_log::Migration),
            Box::new(m20261122_000021_session_listing::Migration),
            Box::new(m20261122_000022_login_throttle::Migration),
            Box::new(m20261122_000023_personal_tokens::Migration),
            Box::new(m20261123_000030_mail::Migration),
            Box::new(m20261123_000031_invites::Migration),
            Box::new(m20261123_000040_second_factor::Migration),
            Box::new(m20261123_000041_service_clients::Migration),
        ]
    }

    fn migration_table_name() -> DynIden {
        "user_db_migrations".into_iden()
    }
}
