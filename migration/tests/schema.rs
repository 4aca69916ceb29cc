//! The two schemas on both databases: forth and back, as the entities have them, and side by side.

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use entity::{user_db, video_db};
    use rstest::rstest;
    use sea_orm_migration::prelude::*;
    use sea_orm_migration::sea_orm::{
        ColumnTrait, ConnectionTrait, Database, DatabaseConnection, DbBackend, EntityTrait, Iterable,
        Statement,
    };
    use service_kit::testing::{Backend, TestDatabase};

    /// A column's name, and whether it may be null.
    type Columns = BTreeMap<String, bool>;

    async fn connect(database: &TestDatabase) -> DatabaseConnection {
        Database::connect(database.url()).await.unwrap()
    }

    fn entity_columns<E: EntityTrait>() -> (String, Columns) {
        let columns = E::Column::iter().map(|column| {
            let definition = column.def();
            (column.to_string(), definition.is_null())
        });
        (E::default().table_name().to_owned(), columns.collect())
    }

    async fn query(db: &DatabaseConnection, sqlite: &str, postgres: &str) -> Vec<(String, bool)> {
        let backend = db.get_database_backend();
        let sql = if backend == DbBackend::Sqlite { sqlite } else { postgres };
        let rows = db.query_all_raw(Statement::from_string(backend, sql)).await.unwrap();
        rows.iter().map(|row| (row.try_get("", "name").unwrap(), row.try_get("", "fact").unwrap())).collect()
    }

    /// All tables, history tables included, with their columns as the database has them.
    async fn tables(db: &DatabaseConnection) -> BTreeMap<String, Columns> {
        let names = query(
            db,
            "SELECT name, TRUE AS fact FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
            "SELECT table_name::text AS name, TRUE AS fact FROM information_schema.tables
             WHERE table_schema = 'public'",
        )
        .await;
        let mut tables = BTreeMap::new();
        for (table, _) in names {
            let columns = query(
                db,
                &format!("SELECT name, \"notnull\" = 0 AS fact FROM pragma_table_info('{table}')"),
                &format!(
                    "SELECT column_name::text AS name, is_nullable = 'YES' AS fact
                     FROM information_schema.columns WHERE table_schema = 'public' AND table_name = '{table}'"
                ),
            )
            .await;
            tables.insert(table, columns.into_iter().collect());
        }
        tables
    }

    /// Indexes and what they are of, in the database's own words.
    async fn indexes(db: &DatabaseConnection) -> Vec<(String, bool)> {
        query(
            db,
            "SELECT coalesce(sql, name) AS name, TRUE AS fact FROM sqlite_master WHERE type = 'index' ORDER BY 1",
            "SELECT indexdef AS name, TRUE AS fact FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1",
        )
        .await
    }

    async fn assert_forth_back_and_forth<M: MigratorTrait>(backend: Backend) {
        let database = TestDatabase::create(backend).await.unwrap();
        let db = connect(&database).await;
        M::up(&db, None).await.unwrap();
        let (first_tables, first_indexes) = (tables(&db).await, indexes(&db).await);
        assert!(first_tables.len() > 1, "{first_tables:?}");
        M::down(&db, None).await.unwrap();
        let left: Vec<_> = tables(&db).await.into_keys().collect();
        assert_eq!(left, [M::migration_table_name().to_string()], "the history alone is left");
        M::up(&db, None).await.unwrap();
        assert_eq!((tables(&db).await, indexes(&db).await), (first_tables, first_indexes));
    }

    #[rstest]
    #[actix_rt::test]
    async fn the_user_schema_goes_forth_and_back(
        #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    ) {
        assert_forth_back_and_forth::<migration::user_db::Migrator>(backend).await;
    }

    #[rstest]
    #[actix_rt::test]
    async fn the_video_schema_goes_forth_and_back(
        #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    ) {
        assert_forth_back_and_forth::<migration::video_db::Migrator>(backend).await;
    }

    async fn assert_tables_of<M: MigratorTrait>(backend: Backend, entities: Vec<(String, Columns)>) {
        let database = TestDatabase::create(backend).await.unwrap();
        let db = connect(&database).await;
        M::up(&db, None).await.unwrap();
        let mut tables = tables(&db).await;
        tables.remove(&M::migration_table_name().to_string());
        // The full-text index of SQLite is made of tables, of which no program knows the columns.
        tables.retain(|name, _| !name.starts_with("video_fts"));
        assert_eq!(tables, entities.into_iter().collect());
    }

    #[rstest]
    #[actix_rt::test]
    async fn the_user_entities_have_exactly_the_columns_of_their_tables(
        #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    ) {
        let entities = vec![
            entity_columns::<user_db::account::Entity>(),
            entity_columns::<user_db::audit_event::Entity>(),
            entity_columns::<user_db::invite::Entity>(),
            entity_columns::<user_db::mail::Entity>(),
            entity_columns::<user_db::mail_token::Entity>(),
            entity_columns::<user_db::login_throttle::Entity>(),
            entity_columns::<user_db::personal_token::Entity>(),
            entity_columns::<user_db::outbox::Entity>(),
            entity_columns::<user_db::recovery_code::Entity>(),
            entity_columns::<user_db::second_factor::Entity>(),
            entity_columns::<user_db::service_client::Entity>(),
            entity_columns::<user_db::session::Entity>(),
            entity_columns::<user_db::refresh_token::Entity>(),
            entity_columns::<user_db::signing_key::Entity>(),
        ];
        assert_tables_of::<migration::user_db::Migrator>(backend, entities).await;
    }

    #[rstest]
    #[actix_rt::test]
    async fn the_video_entities_have_exactly_the_columns_of_their_tables(
        #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    ) {
        let entities = vec![
            entity_columns::<video_db::video::Entity>(),
            entity_columns::<video_db::analysis::Entity>(),
            entity_columns::<video_db::analysis_curves::Entity>(),
            entity_columns::<video_db::analysis_preview::Entity>(),
            entity_columns::<video_db::analysis_preview_sprite::Entity>(),
            entity_columns::<video_db::analysis_report::Entity>(),
            entity_columns::<video_db::webhook::Entity>(),
            entity_columns::<video_db::webhook_delivery::Entity>(),
            entity_columns::<video_db::idempotency_key::Entity>(),
            entity_columns::<video_db::queue_pause::Entity>(),
            entity_columns::<video_db::share::Entity>(),
            entity_columns::<video_db::upload::Entity>(),
            entity_columns::<video_db::video_tag::Entity>(),
            entity_columns::<video_db::video_text::Entity>(),
            entity_columns::<video_db::content::Entity>(),
            entity_columns::<video_db::unnamed_blob::Entity>(),
            entity_columns::<video_db::video_version::Entity>(),
        ];
        assert_tables_of::<migration::video_db::Migrator>(backend, entities).await;
    }

    #[rstest]
    #[actix_rt::test]
    async fn the_two_schemas_do_not_disturb_each_other_in_one_database(
        #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    ) {
        let database = TestDatabase::create(backend).await.unwrap();
        let db = connect(&database).await;
        migration::user_db::Migrator::up(&db, None).await.unwrap();
        let user_tables = tables(&db).await;
        migration::video_db::Migrator::up(&db, None).await.unwrap();
        assert!(migration::user_db::Migrator::get_pending_migrations(&db).await.unwrap().is_empty());
        migration::video_db::Migrator::down(&db, None).await.unwrap();
        let mut left = tables(&db).await;
        left.remove("video_db_migrations");
        assert_eq!(left, user_tables);
        assert!(migration::user_db::Migrator::get_pending_migrations(&db).await.unwrap().is_empty());
    }

    #[rstest]
    #[actix_rt::test]
    async fn an_account_takes_its_sessions_and_their_tokens_with_it(
        #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    ) {
        let database = TestDatabase::create(backend).await.unwrap();
        let db = connect(&database).await;
        migration::user_db::Migrator::up(&db, None).await.unwrap();
        let id = "'00000000-0000-7000-8000-000000000001'";
        let id = if backend == Backend::Sqlite { "x'00000000000070008000000000000001'" } else { id };
        let now = "'2027-01-15 08:00:00+00:00'";
        for sql in [
            format!(
                "INSERT INTO account (id, username, username_key, email, email_key, password_hash, created_at, updated_at)
                 VALUES ({id}, 'a', 'a', 'a', 'a', 'h', {now}, {now})"
            ),
            format!("INSERT INTO session VALUES ({id}, {id}, '', NULL, {now}, {now}, {now}, NULL, NULL)"),
            format!("INSERT INTO refresh_token VALUES ('t', {id}, {now}, NULL)"),
        ] {
            db.execute_unprepared(&sql).await.unwrap();
        }
        user_db::account::Entity::delete_many().exec(&db).await.unwrap();
        assert!(user_db::session::Entity::find().all(&db).await.unwrap().is_empty());
        assert!(user_db::refresh_token::Entity::find().all(&db).await.unwrap().is_empty());
    }
}
