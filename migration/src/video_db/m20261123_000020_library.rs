use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    double_null, integer_null, json, string_len, string_len_null, text_null, timestamp_with_time_zone_null,
    uuid,
};
use sea_orm_migration::sea_orm::DbBackend;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in columns() {
            manager.alter_table(Table::alter().table("video").add_column(column).to_owned()).await?;
        }
        // Null is no name: any number of videos have none. What is in the trash holds none back.
        let external_id = Index::create()
            .name("ux_video_external_id")
            .table("video")
            .col("owner_id")
            .col("external_id")
            .unique()
            .and_where(Expr::col("trashed_at").is_null())
            .to_owned();
        manager.create_index(external_id).await?;
        let trash = Index::create()
            .name("ix_video_trash")
            .table("video")
            .col("trashed_at")
            .and_where(Expr::col("trashed_at").is_not_null())
            .to_owned();
        manager.create_index(trash).await?;
        create_tags(manager).await?;
        execute(manager, of_backend(manager, &SQLITE_ORDERS, &POSTGRES_ORDERS)).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("video_tag").to_owned()).await?;
        for index in [
            "ix_video_trash",
            "ix_video_library",
            "ix_video_bytes",
            "ix_video_duration",
            "ix_video_title",
            "ux_video_external_id",
        ] {
            manager.drop_index(Index::drop().name(index).table("video").to_owned()).await?;
        }
        if manager.get_database_backend() == DbBackend::Sqlite {
            for column in ["bytes_key", "duration_key", "title_key"] {
                manager.alter_table(Table::alter().table("video").drop_column(column).to_owned()).await?;
            }
        }
        for column in columns().into_iter().rev() {
            let name = column.get_column_name();
            manager.alter_table(Table::alter().table("video").drop_column(name).to_owned()).await?;
        }
        Ok(())
    }
}

fn columns() -> Vec<ColumnDef> {
    vec![
        json("tags").default("[]").take(),
        string_len_null("external_id", 200),
        json("metadata").default("{}").take(),
        timestamp_with_time_zone_null("trashed_at"),
        double_null("duration_seconds"),
        integer_null("width"),
        integer_null("height"),
        text_null("frame_rate"),
        text_null("video_codec"),
        text_null("audio_codec"),
        integer_null("shots"),
        integer_null("fades"),
        integer_null("black"),
        integer_null("silence"),
        double_null("integrated_lufs"),
        double_null("range_lu"),
        double_null("true_peak_dbtp"),
    ]
}

async fn create_tags(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table("video_tag")
                .col(uuid("owner_id"))
                .col(string_len("tag", 64))
                .col(uuid("video_id"))
                .primary_key(Index::create().col("owner_id").col("tag").col("video_id"))
                .foreign_key(
                    ForeignKey::create()
                        .name("fk_video_tag_video")
                        .from("video_tag", "video_id")
                        .to("video", "id")
                        .on_delete(ForeignKeyAction::Cascade),
                )
                .to_owned(),
        )
        .await?;
    manager
        .create_index(
            Index::create().name("ix_video_tag_video").table("video_tag").col("video_id").to_owned(),
        )
        .await
}

/// An index for each order of the library, without the trash; what is not known has a place as well. On both
/// databases they are the same orders, whatever the locale of PostgreSQL's.
///
/// SQLite finds a row by several values in an index of columns, not in one of expressions: hence the columns.
const SQLITE_ORDERS: [&str; 7] = [
    "ALTER TABLE video ADD COLUMN title_key TEXT GENERATED ALWAYS AS (lower(title)) VIRTUAL",
    "ALTER TABLE video ADD COLUMN duration_key REAL GENERATED ALWAYS AS (coalesce(duration_seconds, -1)) VIRTUAL",
    "ALTER TABLE video ADD COLUMN bytes_key INTEGER GENERATED ALWAYS AS (coalesce(bytes, -1)) VIRTUAL",
    "CREATE INDEX ix_video_library ON video (owner_id, id) WHERE trashed_at IS NULL",
    "CREATE INDEX ix_video_title ON video (owner_id, title_key, id) WHERE trashed_at IS NULL",
    "CREATE INDEX ix_video_duration ON video (owner_id, duration_key, id) WHERE trashed_at IS NULL",
    "CREATE INDEX ix_video_bytes ON video (owner_id, bytes_key, id) WHERE trashed_at IS NULL",
];
const POSTGRES_ORDERS: [&str; 4] = [
    "CREATE INDEX ix_video_library ON video (owner_id, id) WHERE trashed_at IS NULL",
    "CREATE INDEX ix_video_title ON video (owner_id, lower(title COLLATE \"C\"), id) WHERE trashed_at IS NULL",
    "CREATE INDEX ix_video_duration ON video (owner_id, coalesce(duration_seconds, -1), id) WHERE trashed_at IS NULL",
    "CREATE INDEX ix_video_bytes ON video (owner_id, coalesce(bytes, -1), id) WHERE trashed_at IS NULL",
];

/// The statements for one database or the other.
fn of_backend<'a>(
    manager: &SchemaManager<'_>,
    sqlite: &'a [&'a str],
    postgres: &'a [&'a str],
) -> &'a [&'a str] {
    if manager.get_database_backend() == DbBackend::Sqlite { sqlite } else { postgres }
}

async fn execute(manager: &SchemaManager<'_>, statements: &[&str]) -> Result<(), DbErr> {
    for sql in statements {
        manager.get_connection().execute_unprepared(sql).await?;
    }
    Ok(())
}
