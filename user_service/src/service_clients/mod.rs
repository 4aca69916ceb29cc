//! The services that may ask about tokens: the one that is configured, and those that operators make, whose secrets can be
//! changed while the services run.

mod store;

use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, TimeDelta, Utc};
use entity::user_db::service_client::Model;
use sea_orm::{DatabaseConnection, DbErr};
use secrecy::ExposeSecret;
use service_kit::client_credentials::{BasicCredentials, ClientCredentials};
use service_kit::clock::SharedClock;
use subtle::{Choice, ConstantTimeEq};
use tokio::sync::Mutex;

pub(crate) use self::store::{ClientError, Issued, create, delete, list, rotate};

/// For how long the clients are believed as they were last read: the bound within which a running instance refuses a
/// secret that does not count any more.
const FOLLOW_INTERVAL: TimeDelta = TimeDelta::seconds(10);

/// How often credentials that fit nobody may cost a query: a new secret counts at once, but whoever invents them must not
/// be able to keep the database busy.
const MIN_SEARCH_INTERVAL: TimeDelta = TimeDelta::seconds(1);

/// All of them, as this process last saw them.
pub(crate) struct ServiceClients {
    db: DatabaseConnection,
    clock: SharedClock,
    configured: ClientCredentials,
    known: RwLock<Arc<Known>>,
    /// When credentials last were searched for in vain. Held during every query, so that many who want one cause one.
    searched_at: Mutex<Option<DateTime<Utc>>>,
}

struct Known {
    clients: Vec<Model>,
    read_at: DateTime<Utc>,
}

impl ServiceClients {
    /// Reads them; the client that is configured is `configured`.
    pub(crate) async fn load(
        db: DatabaseConnection,
        clock: SharedClock,
        configured: ClientCredentials,
    ) -> Result<Self, DbErr> {
        let known = RwLock::new(Arc::new(Known { clients: list(&db).await?, read_at: clock.now() }));
        Ok(Self { db, clock, configured, known, searched_at: Mutex::new(None) })
    }

    /// Whether `given` are the credentials of one of them.
    pub(crate) async fn knows(&self, given: &BasicCredentials) -> Result<bool, DbErr> {
        if self.configured.are(given) {
            return Ok(true);
        }
        let now = self.clock.now();
        if self.recent(now).await?.accept(given, now) {
            return Ok(true);
        }
        let mut searched_at = self.searched_at.lock().await;
        if searched_at.is_some_and(|last| (now - last).abs() < MIN_SEARCH_INTERVAL) {
            return Ok(false);
        }
        let found = self.reload(now).await?.accept(given, now);
        if !found {
            *searched_at = Some(now);
        }
        Ok(found)
    }

    /// The clients as they are, or were a few seconds ago.
    async fn recent(&self, now: DateTime<Utc>) -> Result<Arc<Known>, DbErr> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).clone();
        // Absolute, for a machine's clock may be set back.
        if (now - known.read_at).abs() < FOLLOW_INTERVAL {
            return Ok(known);
        }
        match self.searched_at.try_lock() {
            Ok(_reading) => self.reload(now).await,
            // Somebody else is reading them: what is known will do that long.
            Err(_) => Ok(known),
        }
    }

    async fn reload(&self, now: DateTime<Utc>) -> Result<Arc<Known>, DbErr> {
        let known = Arc::new(Known { clients: list(&self.db).await?, read_at: now });
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = known.clone();
        Ok(known)
    }
}

impl Known {
    /// In the same time for all secrets: digests are compared as a whole, and say nothing about what they are of.
    fn accept(&self, given: &BasicCredentials, now: DateTime<Utc>) -> bool {
        let digest = store::digest(given.secret.expose_secret());
        let is = |hash: &str| hash.as_bytes().ct_eq(digest.as_bytes());
        let fits = |client: &Model| {
            let current = is(&client.secret_hash);
            let previous = client.previous_hash.as_deref().map_or(Choice::from(0), is);
            let counts = client.previous_until.is_some_and(|until| now < until);
            bool::from(current | (previous & Choice::from(u8::from(counts))))
        };
        // Who there is is no secret; what their secrets are is one.
        self.clients.iter().any(|client| client.client_id == given.id && fits(client))
    }
}

#[cfg(test)]
mod tests {
    use entity::user_db::{audit_event, service_client};
    use migration::user_db::Migrator;
    use rstest::rstest;
    use sea_orm::{Database, EntityTrait};
    use sea_orm_migration::MigratorTrait;
    use secrecy::SecretString;
    use service_kit::clock::{Clock, ManualClock};
    use service_kit::testing::{Backend, TestDatabase};

    use super::*;
    use crate::account::DisplayName;
    use crate::audit::Audit;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    /// Two instances on one database, and the operator beside them.
    struct Scene {
        db: DatabaseConnection,
        clock: Arc<ManualClock>,
        audit: Audit,
        here: ServiceClients,
        there: ServiceClients,
        _database: TestDatabase,
    }

    impl Scene {
        async fn on(backend: Backend) -> Self {
            let database = TestDatabase::create(backend).await.unwrap();
            let db = Database::connect(database.url()).await.unwrap();
            Migrator::up(&db, None).await.unwrap();
            let clock = ManualClock::at(DateTime::UNIX_EPOCH);
            let configured = || ClientCredentials::new("video_service", &SECRET.to_owned().into());
            let load = || ServiceClients::load(db.clone(), clock.clone(), configured());
            let (here, there) = (load().await.unwrap(), load().await.unwrap());
            let audit = Audit::new(clock.clone());
            Self { db, clock, audit, here, there, _database: database }
        }

        async fn create(&self) -> Issued {
            let name = DisplayName::try_from("Video Service".to_owned()).unwrap();
            create(&self.db, &self.audit, name, self.clock.now()).await.unwrap()
        }

        async fn rotate(&self, client_id: &str, overlap: TimeDelta) -> Option<Issued> {
            rotate(&self.db, &self.audit, client_id, overlap, self.clock.now()).await.unwrap()
        }
    }

    async fn knows(clients: &ServiceClients, id: &str, secret: &SecretString) -> bool {
        let given = BasicCredentials { id: id.to_owned(), secret: secret.clone() };
        clients.knows(&given).await.unwrap()
    }

    #[rstest]
    #[actix_web::test]
    async fn a_new_client_is_known_at_once_by_its_own_name_and_secret_alone(
        #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    ) {
        let scene = Scene::on(backend).await;
        let (ours, others) = (scene.create().await, scene.create().await);
        for clients in [&scene.here, &scene.there] {
            assert!(knows(clients, &ours.client_id, &ours.secret).await);
            assert!(knows(clients, &others.client_id, &others.secret).await);
            assert!(knows(clients, "video_service", &SECRET.to_owned().into()).await);
        }
        for (id, secret) in [
            (ours.client_id.as_str(), &others.secret),
            ("video_service", &ours.secret),
            (&ours.client_id, &String::new().into()),
            (&ours.client_id, &SECRET.to_owned().into()),
            ("", &ours.secret),
            ("Video Service", &ours.secret),
        ] {
            assert!(!knows(&scene.here, id, secret).await, "{id}");
        }
        let stored = service_client::Entity::find().all(&scene.db).await.unwrap();
        assert!(!format!("{stored:?}").contains(ours.secret.expose_secret()));
        let digest = &stored.iter().find(|row| row.client_id == ours.client_id).unwrap().secret_hash;
        let itself = SecretString::from(digest.clone());
        assert!(!knows(&scene.here, &ours.client_id, &itself).await, "the hash is no secret");
    }

    #[rstest]
    #[actix_web::test]
    async fn both_secrets_count_until_the_overlap_ends(
        #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    ) {
        let scene = Scene::on(backend).await;
        let first = scene.create().await;
        let id = &first.client_id;
        let second = scene.rotate(id, TimeDelta::hours(1)).await.unwrap();
        scene.clock.advance(TimeDelta::hours(1) - TimeDelta::microseconds(1));
        for secret in [&first.secret, &second.secret] {
            assert!(knows(&scene.here, id, secret).await);
        }
        scene.clock.advance(TimeDelta::microseconds(1));
        assert!(!knows(&scene.here, id, &first.secret).await);
        assert!(knows(&scene.here, id, &second.secret).await);

        let third = scene.rotate(id, TimeDelta::zero()).await.unwrap();
        scene.clock.advance(FOLLOW_INTERVAL);
        assert!(!knows(&scene.here, id, &second.secret).await, "without overlap");
        assert!(knows(&scene.here, id, &third.secret).await);
        assert!(scene.rotate("client_nobody", TimeDelta::zero()).await.is_none());
    }

    #[rstest]
    #[actix_web::test]
    async fn instances_that_run_notice_soon_that_a_client_is_gone(
        #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    ) {
        let scene = Scene::on(backend).await;
        let client = scene.create().await;
        assert!(knows(&scene.here, &client.client_id, &client.secret).await);
        assert!(delete(&scene.db, &scene.audit, &client.client_id).await.unwrap());
        assert!(!delete(&scene.db, &scene.audit, &client.client_id).await.unwrap());
        assert!(!knows(&scene.there, &client.client_id, &client.secret).await, "never heard of it");
        scene.clock.advance(FOLLOW_INTERVAL);
        assert!(!knows(&scene.here, &client.client_id, &client.secret).await);
        assert!(knows(&scene.here, "video_service", &SECRET.to_owned().into()).await);
        let mut told: Vec<_> = audit_event::Entity::find().all(&scene.db).await.unwrap();
        told.sort_by_key(|event| event.id);
        let told: Vec<_> = told.into_iter().map(|event| (event.action, event.account_id)).collect();
        let expected = [audit_event::Action::ServiceClientCreate, audit_event::Action::ServiceClientDelete];
        assert_eq!(told, expected.map(|action| (action, None)));
    }

    #[actix_web::test]
    async fn credentials_that_fit_nobody_are_not_looked_for_more_than_once_a_second() {
        let scene = Scene::on(Backend::Sqlite).await;
        assert!(!knows(&scene.here, "client_nobody", &SECRET.to_owned().into()).await);
        let client = scene.create().await;
        assert!(!knows(&scene.here, &client.client_id, &client.secret).await, "has just looked in vain");
        scene.clock.advance(MIN_SEARCH_INTERVAL);
        assert!(knows(&scene.here, &client.client_id, &client.secret).await);
    }
}
