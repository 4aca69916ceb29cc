//! Bytes that nobody names any more go, also where they could not at once.

use std::path::Path;

use entity::video_db::unnamed_blob;
use rstest::rstest;
use sea_orm::{
    ConnectionTrait, Database, DatabaseConnection, DbBackend, EntityTrait, PaginatorTrait, Statement,
    TransactionTrait,
};
use service_kit::testing::Backend;

use crate::support::{Answer, Client, Installation, Kadr, Process, Setup, eventually, red_then_blue, sample};

async fn written_down(db: &DatabaseConnection) -> u64 {
    unnamed_blob::Entity::find().count(db).await.unwrap()
}

#[rstest]
#[actix_web::test]
async fn nothing_is_left_of_what_ends_well(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let kadr = Kadr::start(backend).await;
    let ada = kadr.user("ada").await;
    let path = ada.upload(red_then_blue()).await;
    ada.ended_analysis(&path).await;
    assert_eq!(kadr.blobs().len(), 2, "the content and its poster");
    let equal = ada.upload_quietly(red_then_blue()).await;
    ada.put(&format!("{equal}/content?analyze=false"), sample()).await.ok(200);
    let db = kadr.database().await;
    assert_eq!((kadr.blobs().len(), written_down(&db).await), (3, 0));
    for path in [path, equal] {
        ada.delete(&format!("{path}?permanent=true")).await.ok(204);
    }
    assert_eq!((kadr.blobs().len(), written_down(&db).await), (0, 0));
}

/// On PostgreSQL alone: SQLite has one writer, so that neither sees half of the other.
#[actix_web::test]
async fn a_poster_that_is_named_while_its_video_is_being_deleted_goes_with_it() {
    let kadr = Setup::on(Backend::Postgres).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let path = ada.upload(red_then_blue()).await;
    let poster = kadr.blob_dir().join("posters/late.jpg");
    std::fs::create_dir_all(poster.parent().unwrap()).unwrap();
    std::fs::write(&poster, "a picture").unwrap();

    // As the end of an analysis does: the video, then the analysis, then the commit.
    let db = kadr.database().await;
    let end = db.begin().await.unwrap();
    end.execute_unprepared("UPDATE video SET shots = 2").await.unwrap();
    let naming = async {
        eventually("a deletion that waits for the end of the analysis", async || {
            let waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
            let waiting = Statement::from_string(DbBackend::Postgres, waiting);
            db.query_one_raw(waiting).await.unwrap()
        })
        .await;
        end.execute_unprepared("UPDATE analysis SET poster_key = 'posters/late.jpg'").await.unwrap();
        end.commit().await.unwrap();
    };
    let permanently = format!("{path}?permanent=true");
    let (deleted, ()) = futures_util::join!(ada.delete(&permanently), naming);
    deleted.ok(204);
    assert_eq!((kadr.blobs(), written_down(&db).await), (vec![], 0));
}

/// The one blob of a service that has one video, made such that it cannot be removed.
fn hold_back(installation: &Installation) -> impl FnOnce() {
    let videos = installation.data().join("blobs/videos");
    let blob = std::fs::read_dir(&videos).unwrap().next().unwrap().unwrap().path();
    let aside = installation.data().join("aside");
    std::fs::rename(&blob, &aside).unwrap();
    std::fs::create_dir_all(blob.join("in the way")).unwrap();
    move || {
        std::fs::remove_dir_all(&blob).unwrap();
        std::fs::rename(aside, blob).unwrap();
    }
}

fn blobs(installation: &Installation, videos: &Process) -> Vec<String> {
    let files = videos.files_below(&installation.data().join("blobs/videos"));
    files.iter().map(|file| file.file_name().unwrap().to_str().unwrap().to_owned()).collect()
}

async fn database(folder: &Path) -> DatabaseConnection {
    Database::connect(format!("sqlite://{}", folder.join("video_service.db").display())).await.unwrap()
}

#[actix_web::test]
async fn what_could_not_be_removed_is_removed_later_and_what_nobody_wrote_down_is_not() {
    let installation = Installation::new();
    let users = installation.user_service("0");
    let videos = installation.video_service("serve", &users, &[]);
    let ada = Client::register(&installation, &users, "ada").await;
    let path = ada.upload(&videos, red_then_blue()).await;
    let let_go = hold_back(&installation);
    Answer::to(ada.request(&videos, "DELETE", &format!("{path}?permanent=true")), "").await.ok(204);
    let_go();
    let kept = ada.upload(&videos, sample()).await;
    std::fs::write(installation.data().join("blobs/videos/unknown"), "a film of another database").unwrap();
    assert_eq!(blobs(&installation, &videos).len(), 3);
    assert_eq!(videos.stop("TERM").await.code(), Some(0));

    let db = database(installation.data()).await;
    assert_eq!(written_down(&db).await, 1);
    db.execute_unprepared("UPDATE unnamed_blob SET since = '2026-01-01T00:00:00+00:00'").await.unwrap();
    let videos = installation.video_service("serve", &users, &[]);
    eventually("the removal", async || (written_down(&db).await == 0).then_some(())).await;
    assert_eq!(blobs(&installation, &videos).len(), 2);
    assert!(blobs(&installation, &videos).contains(&"unknown".to_owned()));
    assert_eq!(ada.get(&videos, &format!("{kept}/content")).await.body, sample());
}
