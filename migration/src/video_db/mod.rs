//! Migrations of Video Service's database.

mod m20261122_000001_videos_and_analyses;
mod m20261123_000010_uploads;
mod m20261123_000020_library;
mod m20261123_000021_search;
mod m20261123_000030_analysis_changes;
mod m20261123_000031_queue;
mod m20261123_000040_webhooks;
mod m20261123_000050_shares;
mod m20261123_000060_content;
mod m20261126_000070_ticket_uploads;
mod m20261126_000071_previews;
mod m20261126_000072_curves;
mod m20261127_000080_unnamed_blobs;

use sea_orm_migration::prelude::*;

/// Brings Video Service's database to its newest schema.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261122_000001_videos_and_analyses::Migration),
            Box::new(m20261123_000010_uploads::Migration),
            Box::new(m20261123_000020_library::Migration),
            Box::new(m20261123_000021_search::Migration),
            Box::new(m20261123_000030_analysis_changes::Migration),
            Box::new(m20261123_000031_queue::Migration),
            Box::new(m20261123_000040_webhooks::Migration),
            Box::new(m20261123_000050_shares::Migration),
            Box::new(m20261123_000060_content::Migration),
            Box::new(m20261126_000070_ticket_uploads::Migration),
            Box::new(m20261126_000071_previews::Migration),
            Box::new(m20261126_000072_curves::Migration),
            Box::new(m20261127_000080_unnamed_blobs::Migration),
        ]
    }

    fn migration_table_name() -> DynIden {
        "video_db_migrations".into_iden()
    }
}
