//! The queue's promises, on both databases, with the time in the test's hand.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entity::secret_text::SecretText;
use entity::video_db::analysis::{self, AnalysisStatus, Priority};
use entity::video_db::video::{self, VideoStatus};
use entity::video_db::{webhook, webhook_delivery};
use migration::video_db::Migrator;
use rstest::rstest;
use sea_orm::{ActiveValue, ConnectionTrait, Database, DatabaseConnection, EntityTrait};
use sea_orm_migration::MigratorTrait;
use service_kit::testing::{Backend, TestDatabase};
use uuid::Uuid;
use video_analysis::{Options, Progress, Stage};
use video_service::facts::Facts;
use video_service::queue::{self, Abandoned, JobError, NewJob, Success};

const LEASE: Duration = Duration::from_secs(30);

/// A database with one queued analysis.
struct Queue {
    db: DatabaseConnection,
    job: Uuid,
    video: Uuid,
    owner: Uuid,
    now: DateTime<Utc>,
    _database: TestDatabase,
}

/// A video whose content is there.
fn record(id: Uuid, owner: Uuid, now: DateTime<Utc>) -> video::ActiveModel {
    video::ActiveModel {
        id: ActiveValue::Set(id),
        owner_id: ActiveValue::Set(owner),
        title: ActiveValue::Set("Film".to_owned()),
        description: ActiveValue::Set(None),
        status: ActiveValue::Set(VideoStatus::Ready),
        filename: ActiveValue::Set(None),
        media_type: ActiveValue::Set(None),
        bytes: ActiveValue::Set(Some(1)),
        sha256: ActiveValue::Set(Some("00".to_owned())),
        blob_key: ActiveValue::Set(Some("videos/film".to_owned())),
        revision: ActiveValue::Set(1),
        created_at: ActiveValue::Set(now),
        updated_at: ActiveValue::Set(now),
        ..Default::default()
    }
}

/// What a job leaves.
fn success(video_id: Uuid) -> Success {
    let facts = Facts::default();
    Success { video_id, report: "{}".to_owned(), curves: Vec::new(), frames: 14, poster_key: None, facts }
}

impl Queue {
    async fn with_a_job(backend: Backend) -> Self {
        let database = TestDatabase::create(backend).await.unwrap();
        let db = Database::connect(database.url()).await.unwrap();
        Migrator::up(&db, None).await.unwrap();
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let video = Uuid::now_v7();
        let owner = Uuid::now_v7();
        let record = record(video, owner, now);
        video::Entity::insert(record).exec_without_returning(&db).await.unwrap();
        let (job, owner) = (Uuid::nil(), owner);
        let mut queue = Self { db, job, video, owner, now, _database: database };
        queue.job = queue.enqueue(video, owner, Priority::Normal).await;
        queue
    }

    /// A video of `owner`, and its analysis queued.
    async fn add(&self, owner: Uuid, priority: Priority) -> Uuid {
        let video = Uuid::now_v7();
        let record = record(video, owner, self.now);
        video::Entity::insert(record).exec_without_returning(&self.db).await.unwrap();
        self.enqueue(video, owner, priority).await
    }

    async fn enqueue(&self, video_id: Uuid, owner_id: Uuid, priority: Priority) -> Uuid {
        let options = Options::default();
        let new = NewJob { video_id, version: 0, owner_id, options: &options, priority };
        queue::enqueue(&self.db, new, self.now).await.unwrap().id
    }

    /// The queued jobs in the order in which they are claimed, each ended before the next.
    async fn order(&self) -> Vec<Uuid> {
        let mut order = Vec::new();
        while let Some(claim) = self.claim("worker/0", self.now).await {
            let job = claim.analysis.id;
            let success = success(claim.analysis.video_id);
            let ended = queue::succeed(&self.db, job, "worker/0", success, self.now).await;
            assert!(ended.unwrap());
            order.push(job);
        }
        order
    }

    async fn claim(&self, worker: &str, now: DateTime<Utc>) -> Option<queue::Claim> {
        queue::claim(&self.db, worker, now, LEASE).await.unwrap()
    }

    /// Has its owner told how analyses end.
    async fn listen(&self) {
        let row = webhook::ActiveModel {
            id: ActiveValue::Set(Uuid::now_v7()),
            owner_id: ActiveValue::Set(self.owner),
            url: ActiveValue::Set("https://example.com/".to_owned()),
            description: ActiveValue::Set(None),
            events: ActiveValue::Set("analysis.succeeded,analysis.failed".to_owned()),
            secret: ActiveValue::Set(SecretText(String::new())),
            previous_secret: ActiveValue::Set(None),
            previous_secret_expires_at: ActiveValue::Set(None),
            failing_since: ActiveValue::Set(None),
            disabled_at: ActiveValue::Set(None),
            disabled_reason: ActiveValue::Set(None),
            created_at: ActiveValue::Set(self.now),
            updated_at: ActiveValue::Set(self.now),
        };
        webhook::Entity::insert(row).exec_without_returning(&self.db).await.unwrap();
    }

    /// The events that webhooks are to be told of.
    async fn events(&self) -> Vec<String> {
        let deliveries = webhook_delivery::Entity::find().all(&self.db).await.unwrap();
        deliveries.into_iter().map(|delivery| delivery.event_type).collect()
    }

    async fn row(&self) -> analysis::Model {
        analysis::Entity::find_by_id(self.job).one(&self.db).await.unwrap().unwrap()
    }
}

#[rstest]
#[actix_web::test]
async fn of_many_workers_one_gets_the_job(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let queue = Queue::with_a_job(backend).await;
    let names: Vec<_> = (0..16).map(|number| format!("worker/{number}")).collect();
    let claims = futures_util::future::join_all(names.iter().map(|name| queue.claim(name, queue.now))).await;
    let claims: Vec<_> = claims.into_iter().flatten().collect();
    assert_eq!(claims.len(), 1);
    assert_eq!((claims[0].blob_key.as_str(), claims[0].analysis.attempts), ("videos/film", 1));
}

#[rstest]
#[actix_web::test]
async fn only_the_leases_owner_writes(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let queue = Queue::with_a_job(backend).await;
    queue.claim("mine/0", queue.now).await.unwrap();
    let progress = Progress { stage: Stage::Decode, fraction: 0.5, frames_done: 7, frames_total: Some(14) };
    let soon = queue.now + TimeDelta::minutes(5);
    let beat = async |worker: &str| {
        queue::heartbeat(&queue.db, queue.job, worker, Some(progress), soon, LEASE).await.unwrap()
    };
    assert!(beat("mine/0").await);
    assert!(!beat("other/0").await);
    let row = queue.row().await;
    assert_eq!((row.stage.as_deref(), row.frames_done, row.frames_total), (Some("decode"), 7, Some(14)));
    assert_eq!(row.lease_expires_at, Some(soon + LEASE));
    let succeed = async |worker: &str| {
        queue::succeed(&queue.db, queue.job, worker, success(queue.video), queue.now).await.unwrap()
    };
    let revision =
        async || video::Entity::find_by_id(queue.video).one(&queue.db).await.unwrap().unwrap().revision;
    assert!(!succeed("other/0").await);
    assert_eq!((queue.row().await.status, revision().await), (AnalysisStatus::Running, 1));
    assert!(succeed("mine/0").await);
    assert_eq!((queue.row().await.status, revision().await), (AnalysisStatus::Succeeded, 2));
    assert!(!beat("mine/0").await, "what has ended is nobody's");
}

#[rstest]
#[actix_web::test]
async fn a_lapsed_lease_is_taken_over_and_a_live_one_is_not(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let queue = Queue::with_a_job(backend).await;
    queue.claim("dead/0", queue.now).await.unwrap();
    let soon = queue.now + TimeDelta::seconds(29);
    assert_eq!(queue::recover(&queue.db, Abandoned::LapsedAt(soon), 3, soon).await.unwrap(), 0);
    assert!(queue.claim("alive/0", soon).await.is_none());
    let later = queue.now + TimeDelta::seconds(31);
    assert_eq!(queue::recover(&queue.db, Abandoned::LapsedAt(later), 3, later).await.unwrap(), 1);
    assert_eq!(queue.claim("alive/0", later).await.unwrap().analysis.attempts, 2);
}

#[rstest]
#[actix_web::test]
async fn a_worker_that_comes_back_picks_up_its_own_jobs_at_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let queue = Queue::with_a_job(backend).await;
    queue.claim("mine/3", queue.now).await.unwrap();
    assert_eq!(queue::recover(&queue.db, Abandoned::By("other"), 3, queue.now).await.unwrap(), 0);
    assert_eq!(queue::recover(&queue.db, Abandoned::By("mine"), 3, queue.now).await.unwrap(), 1);
    assert_eq!(queue.row().await.status, AnalysisStatus::Queued);
}

#[rstest]
#[actix_web::test]
async fn a_job_that_kills_its_workers_fails_for_good(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let queue = Queue::with_a_job(backend).await;
    queue.listen().await;
    for _ in 0..3 {
        assert_eq!(queue.events().await, Vec::<String>::new());
        queue.claim("mine/0", queue.now).await.unwrap();
        queue::recover(&queue.db, Abandoned::By("mine"), 3, queue.now).await.unwrap();
    }
    assert!(queue.claim("mine/0", queue.now).await.is_none());
    let row = queue.row().await;
    assert_eq!(row.status, AnalysisStatus::Failed);
    assert_eq!(row.error.unwrap()["type"], "worker_lost");
    assert_eq!(queue.events().await, ["analysis.failed"]);
}

#[rstest]
#[actix_web::test]
async fn a_retryable_failure_waits_before_its_next_attempt(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let queue = Queue::with_a_job(backend).await;
    queue.listen().await;
    queue.claim("mine/0", queue.now).await.unwrap();
    let error = JobError { kind: "io".to_owned(), message: "The disk is away.".to_owned(), retryable: true };
    let pause = Some(Duration::from_secs(10));
    queue::fail(&queue.db, queue.job, "mine/0", &error, pause, queue.now).await.unwrap();
    assert!(queue.claim("mine/0", queue.now + TimeDelta::seconds(9)).await.is_none());
    assert!(queue.claim("mine/0", queue.now + TimeDelta::seconds(10)).await.is_some());
    assert_eq!(queue.events().await, Vec::<String>::new(), "it has not ended");
    queue::fail(&queue.db, queue.job, "other/0", &error, None, queue.now).await.unwrap();
    assert_eq!(queue.events().await, Vec::<String>::new(), "it is not that worker's");
    queue::fail(&queue.db, queue.job, "mine/0", &error, None, queue.now).await.unwrap();
    assert_eq!(queue.row().await.status, AnalysisStatus::Failed);
    assert_eq!(queue.events().await, ["analysis.failed"]);
}

#[rstest]
#[actix_web::test]
async fn a_job_given_back_without_fault_keeps_its_attempts(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let queue = Queue::with_a_job(backend).await;
    queue.claim("mine/0", queue.now).await.unwrap();
    queue::release(&queue.db, queue.job, "mine/0", queue.now).await.unwrap();
    let row = queue.row().await;
    assert_eq!((row.status, row.attempts, row.lease_owner), (AnalysisStatus::Queued, 0, None));
}

#[rstest]
#[actix_web::test]
async fn a_canceled_job_is_lost_to_its_worker(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let queue = Queue::with_a_job(backend).await;
    queue.claim("mine/0", queue.now).await.unwrap();
    assert!(queue::cancel(&queue.db, queue.video, queue.now).await.unwrap());
    let canceled = queue::newest(&queue.db, queue.video, 0).await.unwrap().unwrap();
    assert_eq!((canceled.id, canceled.status), (queue.job, AnalysisStatus::Canceled));
    assert!(!queue::heartbeat(&queue.db, queue.job, "mine/0", None, queue.now, LEASE).await.unwrap());
    assert!(!queue::cancel(&queue.db, queue.video, queue.now).await.unwrap());
}

#[test]
fn the_pause_between_attempts_doubles_and_is_bounded() {
    let base = Duration::from_secs(10);
    let pauses: Vec<_> = (1..=4).map(|attempt| queue::backoff(base, attempt).as_secs()).collect();
    assert_eq!(pauses, [10, 20, 40, 80]);
    assert_eq!(queue::backoff(base, i32::MAX), Duration::from_hours(1));
}

#[rstest]
#[actix_web::test]
async fn accounts_take_turns_however_much_each_has_queued(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let queue = Queue::with_a_job(backend).await;
    let (many, few) = (queue.owner, Uuid::now_v7());
    let mut of_many = vec![queue.job];
    for _ in 0..4 {
        of_many.push(queue.add(many, Priority::Normal).await);
    }
    let of_few = [queue.add(few, Priority::Normal).await, queue.add(few, Priority::Normal).await];
    let expected = [of_many[0], of_few[0], of_many[1], of_few[1], of_many[2], of_many[3], of_many[4]];
    assert_eq!(queue.order().await, expected);
}

#[rstest]
#[actix_web::test]
async fn who_comes_late_is_not_served_for_the_time_before(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let queue = Queue::with_a_job(backend).await;
    let (early, late) = (queue.owner, Uuid::now_v7());
    queue.add(early, Priority::Normal).await;
    let third = queue.add(early, Priority::Normal).await;
    queue.claim("worker/0", queue.now).await.unwrap();
    queue.claim("worker/1", queue.now).await.unwrap();
    let first_of_late = queue.add(late, Priority::Normal).await;
    let second_of_late = queue.add(late, Priority::Normal).await;
    let third_of_late = queue.add(late, Priority::Normal).await;
    assert_eq!(queue.order().await, [first_of_late, second_of_late, third, third_of_late]);
}

#[rstest]
#[actix_web::test]
async fn an_urgent_job_goes_before_its_own_accounts_others_and_nobody_elses(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let queue = Queue::with_a_job(backend).await;
    let (hasty, other) = (queue.owner, Uuid::now_v7());
    let low = queue.add(hasty, Priority::Low).await;
    let of_other = [queue.add(other, Priority::Normal).await, queue.add(other, Priority::Normal).await];
    let high = queue.add(hasty, Priority::High).await;
    assert_eq!(queue.order().await, [high, of_other[0], queue.job, of_other[1], low]);
}

#[rstest]
#[actix_web::test]
async fn a_paused_queue_gives_no_work(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let queue = Queue::with_a_job(backend).await;
    queue::resume(&queue.db).await.unwrap();
    queue::pause(&queue.db, queue.owner, queue.now).await.unwrap();
    queue::pause(&queue.db, queue.owner, queue.now + TimeDelta::hours(1)).await.unwrap();
    let state = queue::state(&queue.db).await.unwrap();
    assert_eq!((state.paused_at, state.queued, state.running), (Some(queue.now), 1, 0));
    assert!(queue.claim("worker/0", queue.now).await.is_none());
    queue::resume(&queue.db).await.unwrap();
    assert!(queue.claim("worker/0", queue.now).await.is_some());
    let state = queue::state(&queue.db).await.unwrap();
    assert_eq!((state.paused_at, state.queued, state.running), (None, 0, 1));
}

#[rstest]
#[actix_web::test]
async fn a_job_whose_content_is_gone_fails_and_stands_in_nobodys_way(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let queue = Queue::with_a_job(backend).await;
    queue.listen().await;
    queue.db.execute_unprepared("UPDATE video SET blob_key = NULL").await.unwrap();
    let next = queue.add(queue.owner, Priority::Normal).await;
    assert_eq!(queue.order().await, [next]);
    let failed = queue.row().await;
    assert_eq!((failed.status, failed.attempts), (AnalysisStatus::Failed, 0));
    assert_eq!(failed.error.unwrap()["type"], "no_content");
    assert_eq!(queue.events().await, ["analysis.failed", "analysis.succeeded"]);
}
