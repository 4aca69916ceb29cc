//! Pages stay flat: every order goes to its place in an index and sorts nothing.

use chrono::DateTime;
use entity::video_db::video::VideoStatus;
use migration::video_db::Migrator;
use rstest::rstest;
use sea_orm::{
    ActiveValue::Set, ConnectionTrait, Database, DatabaseConnection, QuerySelect, TransactionTrait,
};
use sea_orm_migration::MigratorTrait;
use service_kit::testing::{Backend, TestDatabase};

use super::*;
use crate::videos::cursor::Key;

/// Videos of each owner, and owners: enough that reading more than needed would be dearer than an index.
const VIDEOS: u32 = 2_500;
const OWNERS: u128 = 4;

/// A database, one of its owners, and a video in the middle of theirs.
async fn library(database: &TestDatabase) -> (DatabaseConnection, Uuid, Uuid) {
    let db = Database::connect(database.url()).await.unwrap();
    Migrator::up(&db, None).await.unwrap();
    let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
    for owner in (0..OWNERS).map(Uuid::from_u128) {
        let videos = (0..VIDEOS).map(|number| video::ActiveModel {
            id: Set(Uuid::now_v7()),
            owner_id: Set(owner),
            title: Set(format!("Film {}", number % 100)),
            status: Set(VideoStatus::Ready),
            bytes: Set(Some(i64::from(number % 10))),
            duration_seconds: Set((number % 3 > 0).then(|| f64::from(number % 50))),
            video_codec: Set(Some(if number % 4 == 0 { "hevc" } else { "h264" }.to_owned())),
            black: Set(Some(i32::from(number % 2 == 0))),
            true_peak_dbtp: Set(Some(-f64::from(number % 7))),
            revision: Set(1),
            created_at: Set(now),
            updated_at: Set(now),
            ..Default::default()
        });
        let videos: Vec<_> = videos.collect();
        for some in videos.chunks(500) {
            video::Entity::insert_many(some.to_vec()).exec_without_returning(&db).await.unwrap();
        }
    }
    db.execute_unprepared("ANALYZE").await.unwrap();
    let owner = Uuid::from_u128(OWNERS / 2);
    let theirs = video::Entity::find().filter(video::COLUMN.owner_id.eq(owner));
    let middle = theirs.offset(u64::from(VIDEOS / 2)).one(&db).await.unwrap().unwrap();
    (db, owner, middle.id)
}

/// How the database would answer, in its words.
async fn plan(db: &DatabaseConnection, query: Statement) -> String {
    let backend = db.get_database_backend();
    let (explain, column) = match backend {
        DbBackend::Sqlite => ("EXPLAIN QUERY PLAN", "detail"),
        _ => ("EXPLAIN", "QUERY PLAN"),
    };
    let sql = format!("{explain} {}", query.sql);
    let query = Statement::from_sql_and_values(backend, sql, query.values.into_iter().flatten());
    let rows = db.query_all_raw(query).await.unwrap();
    let lines: Vec<String> = rows.iter().map(|row| row.try_get("", column).unwrap()).collect();
    lines.join("\n")
}

#[rstest]
#[actix_web::test]
async fn a_page_is_read_from_its_place_in_an_index(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let database = TestDatabase::create(backend).await.unwrap();
    let (db, owner, id) = library(&database).await;
    let backend = db.get_database_backend();
    let (title, duration, bytes) =
        (Key::Text("film 50".to_owned()), Key::Real(25.0_f64.to_bits()), Key::Integer(5));
    // Of an owner who has a large part of all videos, PostgreSQL may as well read by the identifiers of all.
    let by_id = if backend == DbBackend::Sqlite { "ix_video_library" } else { "Index Scan" };
    let orders = [
        ("-created_at", &Key::Id, by_id),
        ("created_at", &Key::Id, by_id),
        ("title", &title, "ix_video_title"),
        ("-title", &title, "ix_video_title"),
        ("duration_seconds", &duration, "ix_video_duration"),
        ("-duration_seconds", &duration, "ix_video_duration"),
        ("bytes", &bytes, "ix_video_bytes"),
        ("-bytes", &bytes, "ix_video_bytes"),
    ];
    for filters in ["", "&has=black&true_peak_gt=-3&codec=h264"] {
        for (sort, key, index) in &orders {
            let query = web::Query::<ListQuery>::from_query(&format!("sort={sort}{filters}")).unwrap();
            for after in [None, Some(Place { key: (*key).clone(), id })] {
                let deep = after.is_some();
                let select = select(owner, &query, after, 51, backend).unwrap();
                let plan = plan(&db, select).await;
                assert!(plan.contains(index), "{sort}: {plan}");
                assert!(!plan.contains("Sort") && !plan.contains("TEMP B-TREE"), "{sort}: {plan}");
                assert!(!deep || goes_to_its_place(&plan), "{sort}: {plan}");
            }
        }
    }
}

#[rstest]
#[actix_web::test]
async fn a_deep_page_of_a_tag_does_not_read_the_tags_of_the_pages_before(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let database = TestDatabase::create(backend).await.unwrap();
    let (db, owner, id) = library(&database).await;
    db.execute_unprepared(
        "INSERT INTO video_tag (owner_id, tag, video_id) SELECT owner_id, 'open', id FROM video WHERE bytes = 1",
    )
    .await
    .unwrap();
    db.execute_unprepared("ANALYZE").await.unwrap();
    let backend = db.get_database_backend();
    let query = web::Query::<ListQuery>::from_query("tag=open").unwrap();
    let select = select(owner, &query, Some(Place { key: Key::Id, id }), 51, backend).unwrap();
    let plan = plan(&db, select).await;
    let bounded = plan.lines().filter(|line| line.contains("video_id<") || line.contains("video_id <"));
    assert!(bounded.count() > 0, "{plan}");
}

#[actix_web::test]
async fn postgres_plans_a_page_a_few_times_and_then_keeps_the_plan() {
    let database = TestDatabase::create(Backend::Postgres).await.unwrap();
    let (db, owner, id) = library(&database).await;
    let first = select(owner, &ListQuery::default(), None, 51, DbBackend::Postgres).unwrap();
    let place = Place { key: Key::Id, id };
    let deep = select(owner, &ListQuery::default(), Some(place), 51, DbBackend::Postgres).unwrap();
    // What PostgreSQL has prepared belongs to a connection, as a transaction does.
    let db = db.begin().await.unwrap();
    for page in [&first, &deep] {
        // Five plans for the values at hand, then it weighs one for all values against them.
        for _ in 0..7 {
            db.query_all_raw(page.clone()).await.unwrap();
        }
        let kept = Statement::from_sql_and_values(
            DbBackend::Postgres,
            "SELECT generic_plans FROM pg_prepared_statements WHERE statement = $1",
            [page.sql.clone().into()],
        );
        let kept: i64 = db.query_one_raw(kept).await.unwrap().unwrap().try_get("", "generic_plans").unwrap();
        assert_eq!(kept, 2, "{}", page.sql);
    }
}

#[rstest]
#[actix_web::test]
async fn a_search_reads_the_full_text_index(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let database = TestDatabase::create(backend).await.unwrap();
    let (db, owner, id) = library(&database).await;
    let video = video::Entity::find_by_id(id).one(&db).await.unwrap().unwrap();
    crate::videos::search::write(&db, &video).await.unwrap();
    // A table of few or short texts PostgreSQL would read as a whole.
    if backend == Backend::Postgres {
        let sql = "INSERT INTO video_text (video_id, words)
                   SELECT id, replace(owner_id::text, '-', '') || repeat(' ' || id, 20) FROM video
                   ON CONFLICT DO NOTHING";
        db.execute_unprepared(sql).await.unwrap();
        db.execute_unprepared("ANALYZE").await.unwrap();
    }
    let backend = db.get_database_backend();
    let query = web::Query::<ListQuery>::from_query("q=film").unwrap();
    let select = select(owner, &query, None, 51, backend).unwrap();
    let found = video::Entity::find().from_raw_sql(select.clone());
    assert_eq!(found.all(&db).await.unwrap(), [video]);
    let plan = plan(&db, select).await;
    let index = if backend == DbBackend::Sqlite { "video_fts VIRTUAL TABLE" } else { "ix_video_text_words" };
    assert!(plan.contains(index), "{plan}");
}

/// Whether the bound of the page is part of the search in the index, not of what is left out afterwards.
fn goes_to_its_place(plan: &str) -> bool {
    plan.lines().any(|line| {
        let search = line.trim().starts_with("Index Cond: ") || line.starts_with("SEARCH video ");
        search && line.contains(['<', '>'])
    })
}
