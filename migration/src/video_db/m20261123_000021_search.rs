use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_pk_auto, text, uuid};
use sea_orm_migration::sea_orm::prelude::Uuid;
use sea_orm_migration::sea_orm::{DbBackend, Statement};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

/// The words are cut by the program: separated by spaces, they are taken as they are.
const SQLITE: [&str; 4] = [
    "CREATE VIRTUAL TABLE video_fts USING fts5(words, content = 'video_text', content_rowid = 'id',
     tokenize = \"unicode61 remove_diacritics 0 categories 'L* M* N* Co S*'\")",
    "CREATE TRIGGER tr_video_text_insert AFTER INSERT ON video_text
     BEGIN INSERT INTO video_fts (rowid, words) VALUES (new.id, new.words); END",
    "CREATE TRIGGER tr_video_text_delete AFTER DELETE ON video_text
     BEGIN INSERT INTO video_fts (video_fts, rowid, words) VALUES ('delete', old.id, old.words); END",
    "CREATE TRIGGER tr_video_text_update AFTER UPDATE ON video_text
     BEGIN
       INSERT INTO video_fts (video_fts, rowid, words) VALUES ('delete', old.id, old.words);
       INSERT INTO video_fts (rowid, words) VALUES (new.id, new.words);
     END",
];
const POSTGRES: [&str; 1] = ["CREATE INDEX ix_video_text_words ON video_text
     USING gin (array_to_tsvector(string_to_array(words, ' ')))"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("video_text")
                    .col(big_pk_auto("id"))
                    .col(uuid("video_id").unique_key())
                    .col(text("words"))
                    .foreign_key(
                        ForeignKey::create()
                            .name("fk_video_text_video")
                            .from("video_text", "video_id")
                            .to("video", "id")
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .to_owned(),
            )
            .await?;
        let is_sqlite = manager.get_database_backend() == DbBackend::Sqlite;
        let statements: &[&str] = if is_sqlite { &SQLITE } else { &POSTGRES };
        for sql in statements {
            manager.get_connection().execute_unprepared(sql).await?;
        }
        index_old_titles(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Sqlite {
            manager.get_connection().execute_unprepared("DROP TABLE video_fts").await?;
        }
        manager.drop_table(Table::drop().table("video_text").to_owned()).await
    }
}

/// Videos that are there already are found by their titles and descriptions, without accents folded before they are
/// next changed.
async fn index_old_titles(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let db = manager.get_connection();
    let backend = manager.get_database_backend();
    let sql = "SELECT id, owner_id, title, coalesce(description, '') AS description FROM video";
    for row in db.query_all_raw(Statement::from_string(backend, sql)).await? {
        let id: Uuid = row.try_get("", "id")?;
        let owner: Uuid = row.try_get("", "owner_id")?;
        let text =
            [row.try_get::<String>("", "title")?, row.try_get("", "description")?].join(" ").to_lowercase();
        let words =
            text.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty());
        let words: Vec<String> = words.map(|word| word.chars().take(64).collect()).collect();
        let words = format!("{} {}", owner.simple(), words.join(" "));
        let insert = Query::insert()
            .into_table("video_text")
            .columns(["video_id", "words"])
            .values([id.into(), words.trim_end().into()])
            .map_err(|error| DbErr::Migration(error.to_string()))?
            .to_owned();
        db.execute(&insert).await?;
    }
    Ok(())
}
