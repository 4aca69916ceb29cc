//! The Ed25519 keys that sign access tokens: made at first start, kept in the database, found again by their `kid`.
//!
//! One key signs. When it is old, or an operator wants it, another one takes its place; the former verifies until the
//! last of its tokens has expired, and is removed then. There is no timer: instances look whenever they use the keys and
//! have not looked for a while.

mod key;
mod store;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, TimeDelta, Utc};
use ed25519_dalek::pkcs8;
use jsonwebtoken::Algorithm;
use jsonwebtoken::jwk::JwkSet;
use sea_orm::{DatabaseConnection, DbErr};
use service_kit::clock::SharedClock;
use tokio::sync::Mutex;

pub(crate) use self::key::SigningKey;
use crate::audit::Audit;
use crate::settings::TokenSettings;

/// The only algorithm that tokens are signed with, and that is believed (RFC 8725 §3.1).
pub(crate) const ALGORITHM: Algorithm = Algorithm::EdDSA;

/// How often a token with an unknown `kid` may cost a query: whoever invents them must not be able to keep the database
/// busy, and a key that another instance has just made is found soon enough.
const MIN_SEARCH_INTERVAL: TimeDelta = TimeDelta::seconds(1);

/// For how long the keys are believed as they were last read: the bound within which a running instance follows what another
/// one, or the operator, has done to them.
const FOLLOW_INTERVAL: TimeDelta = TimeDelta::seconds(10);

/// Why keys cannot be made or read.
#[derive(Debug, thiserror::Error)]
pub enum SigningKeyError {
    /// The database refuses.
    #[error(transparent)]
    Database(#[from] DbErr),
    /// The operating system has no randomness.
    #[error("randomness: {0}")]
    Random(#[from] service_kit::random::Error),
    /// The key could not be written as PEM.
    #[error("PKCS #8: {0}")]
    Encoding(#[from] pkcs8::Error),
    /// What the database holds is no Ed25519 key.
    #[error("{kid}: {source}")]
    Unreadable {
        /// Which one.
        kid: String,
        /// What is wrong with it.
        source: jsonwebtoken::errors::Error,
    },
    /// There is no key that may sign.
    #[error("none may sign")]
    NoSigner,
}

/// The keys of the database, as this process last saw them.
pub(crate) struct SigningKeys {
    db: DatabaseConnection,
    clock: SharedClock,
    audit: Audit,
    /// When a key is too old to sign; none where it never is.
    max_age: Option<TimeDelta>,
    afterlife: TimeDelta,
    keys: RwLock<Arc<KeySet>>,
    /// When an unknown `kid` last caused a query. Held during every query, so that many who want one cause one.
    searched_at: Mutex<Option<DateTime<Utc>>>,
}

/// One key, as the operator sees it.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) kid: String,
    pub(crate) created_at: DateTime<Utc>,
    /// Until when it verifies, where it does not sign any more.
    pub(crate) verifies_until: Option<DateTime<Utc>>,
}

struct KeySet {
    /// The newest key that is not retired.
    signer: Arc<SigningKey>,
    signer_made_at: DateTime<Utc>,
    by_kid: HashMap<String, Arc<SigningKey>>,
    published: JwkSet,
    read_at: DateTime<Utc>,
}

impl SigningKeys {
    /// Reads the keys; makes the first one where there is none. Instances that start at the same time may make one each:
    /// all of them verify what any of them signs.
    pub(crate) async fn load_or_create(
        db: DatabaseConnection,
        clock: SharedClock,
        settings: &TokenSettings,
    ) -> Result<Self, SigningKeyError> {
        let now = clock.now();
        let afterlife = store::afterlife(settings.access_token());
        let keys = match KeySet::read(&db, now, afterlife).await {
            Err(SigningKeyError::NoSigner) => {
                store::create(&db, now).await?;
                KeySet::read(&db, now, afterlife).await?
            }
            outcome => outcome?,
        };
        let keys = Self {
            audit: Audit::new(clock.clone()),
            db,
            clock,
            max_age: settings.signing_key_age(),
            afterlife,
            keys: RwLock::new(Arc::new(keys)),
            searched_at: Mutex::new(None),
        };
        keys.reload().await?;
        Ok(keys)
    }

    /// The key that signs.
    pub(crate) async fn signer(&self) -> Result<Arc<SigningKey>, SigningKeyError> {
        Ok(self.recent().await?.signer.clone())
    }

    /// The key `kid`, even if another instance made it a moment ago.
    pub(crate) async fn find(&self, kid: &str) -> Result<Option<Arc<SigningKey>>, SigningKeyError> {
        if let Some(key) = self.recent().await?.by_kid.get(kid) {
            return Ok(Some(key.clone()));
        }
        let mut searched_at = self.searched_at.lock().await;
        let now = self.clock.now();
        // Absolute, for a machine's clock may be set back.
        if searched_at.is_none_or(|last| (now - last).abs() >= MIN_SEARCH_INTERVAL) {
            *searched_at = Some(now);
            self.reload().await?;
        }
        Ok(self.snapshot().by_kid.get(kid).cloned())
    }

    /// The public halves of all keys, those of other instances too: whoever asks has just met a `kid` it did not know.
    pub(crate) async fn published(&self) -> Result<JwkSet, SigningKeyError> {
        Ok(self.reload().await?.published.clone())
    }

    /// The keys as they are, or were a few seconds ago.
    async fn recent(&self) -> Result<Arc<KeySet>, SigningKeyError> {
        let keys = self.snapshot();
        if (self.clock.now() - keys.read_at).abs() < FOLLOW_INTERVAL {
            return Ok(keys);
        }
        match self.searched_at.try_lock() {
            Ok(_reading) => self.reload().await,
            // Somebody else is reading them: what is known will do that long.
            Err(_) => Ok(keys),
        }
    }

    async fn reload(&self) -> Result<Arc<KeySet>, SigningKeyError> {
        let now = self.clock.now();
        let mut keys = KeySet::read(&self.db, now, self.afterlife).await?;
        if self.max_age.is_some_and(|age| now - keys.signer_made_at >= age) {
            store::succeed(&self.db, &self.audit, &keys.signer.kid, now).await?;
            keys = KeySet::read(&self.db, now, self.afterlife).await?;
        }
        let keys = Arc::new(keys);
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys.clone();
        Ok(keys)
    }

    fn snapshot(&self) -> Arc<KeySet> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl KeySet {
    async fn read(
        db: &DatabaseConnection,
        now: DateTime<Utc>,
        afterlife: TimeDelta,
    ) -> Result<Self, SigningKeyError> {
        let mut signer = None;
        let mut by_kid = HashMap::new();
        let mut published = JwkSet::default();
        for row in store::read(db, now - afterlife).await? {
            let key = Arc::new(SigningKey::from_row(&row)?);
            if row.retired_at.is_none() {
                signer.get_or_insert_with(|| (key.clone(), row.created_at));
            }
            published.keys.push(key.public.clone());
            by_kid.insert(key.kid.clone(), key);
        }
        let (signer, signer_made_at) = signer.ok_or(SigningKeyError::NoSigner)?;
        Ok(Self { signer, signer_made_at, by_kid, published, read_at: now })
    }
}

/// Lets a new key sign, and tells its `kid`. Where the earlier keys are `withdrawn`, their tokens do not count any more as
/// soon as the instances notice; else they do until they expire.
pub(crate) async fn rotate(
    db: &DatabaseConnection,
    clock: SharedClock,
    withdrawn: bool,
) -> Result<String, SigningKeyError> {
    let now = clock.now();
    store::rotate(db, &Audit::new(clock), withdrawn, now).await
}

/// All keys, the newest first.
pub(crate) async fn list(
    db: &DatabaseConnection,
    clock: SharedClock,
    settings: &TokenSettings,
) -> Result<Vec<Listed>, SigningKeyError> {
    let afterlife = store::afterlife(settings.access_token());
    let rows = store::read(db, clock.now() - afterlife).await?;
    let listed = rows.into_iter().map(|row| Listed {
        kid: row.kid,
        created_at: row.created_at,
        verifies_until: row.retired_at.map(|at| at + afterlife),
    });
    Ok(listed.collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use entity::user_db::{audit_event, signing_key};
    use futures_util::future::join_all;
    use migration::user_db::Migrator;
    use rstest::rstest;
    use sea_orm::{Database, EntityTrait};
    use sea_orm_migration::MigratorTrait;
    use service_kit::clock::{Clock, ManualClock};
    use service_kit::testing::{Backend, TestDatabase};

    use super::*;
    use crate::settings::Settings;

    async fn database() -> DatabaseConnection {
        let db = Database::connect("sqlite::memory:").await.unwrap();
        Migrator::up(&db, None).await.unwrap();
        db
    }

    fn clock() -> Arc<ManualClock> {
        ManualClock::at(DateTime::UNIX_EPOCH)
    }

    async fn keys(db: &DatabaseConnection, clock: &Arc<ManualClock>) -> SigningKeys {
        let settings = Settings::load(None, std::iter::empty()).unwrap().tokens;
        SigningKeys::load_or_create(db.clone(), clock.clone(), &settings).await.unwrap()
    }

    async fn signer(keys: &SigningKeys) -> String {
        keys.signer().await.unwrap().kid.clone()
    }

    async fn published(keys: &SigningKeys) -> BTreeSet<String> {
        let set = keys.published().await.unwrap();
        set.keys.into_iter().map(|key| key.common.key_id.unwrap()).collect()
    }

    #[actix_web::test]
    async fn a_second_start_finds_the_key_of_the_first() {
        let (db, clock) = (database().await, clock());
        let (first, second) = (keys(&db, &clock).await, keys(&db, &clock).await);
        assert_eq!(signer(&first).await, signer(&second).await);
    }

    #[actix_web::test]
    async fn a_key_of_another_instance_is_found_but_not_looked_for_more_than_once_a_second() {
        let (db, clock) = (database().await, clock());
        let keys = keys(&db, &clock).await;
        let first = store::create(&db, clock.now()).await.unwrap();
        assert!(keys.find(&first).await.unwrap().is_some());

        let second = store::create(&db, clock.now()).await.unwrap();
        assert!(keys.find(&second).await.unwrap().is_none());
        clock.advance(MIN_SEARCH_INTERVAL);
        assert!(keys.find(&second).await.unwrap().is_some());
        clock.advance(MIN_SEARCH_INTERVAL);
        assert!(keys.find("unknown").await.unwrap().is_none());
    }

    #[actix_web::test]
    async fn all_keys_are_published_without_their_private_halves() {
        let (db, clock) = (database().await, clock());
        let keys = keys(&db, &clock).await;
        store::create(&db, clock.now()).await.unwrap();
        let published = serde_json::to_value(keys.published().await.unwrap()).unwrap();
        assert_eq!(published["keys"].as_array().unwrap().len(), 2);
        for key in published["keys"].as_array().unwrap() {
            assert_eq!(
                (&key["kty"], &key["crv"], &key["alg"], &key["use"]),
                (&"OKP".into(), &"Ed25519".into(), &"EdDSA".into(), &"sig".into())
            );
            assert!(key.get("d").is_none());
        }
    }

    #[actix_web::test]
    async fn a_retired_key_verifies_until_its_last_token_has_expired_and_is_gone_then() {
        let (db, clock) = (database().await, clock());
        let keys = keys(&db, &clock).await;
        let first = signer(&keys).await;
        clock.advance(TimeDelta::minutes(1));
        let second = rotate(&db, clock.clone(), false).await.unwrap();
        assert_eq!(published(&keys).await, BTreeSet::from([first.clone(), second.clone()]));
        assert_eq!(signer(&keys).await, second);
        let settings = Settings::load(None, std::iter::empty()).unwrap().tokens;
        let listed = list(&db, clock.clone(), &settings).await.unwrap();
        let until = DateTime::UNIX_EPOCH + TimeDelta::minutes(17);
        assert_eq!((&listed[0].kid, listed[0].verifies_until), (&second, None));
        assert_eq!((&listed[1].kid, listed[1].verifies_until), (&first, Some(until)));

        clock.advance(TimeDelta::minutes(16));
        assert!(keys.find(&first).await.unwrap().is_some());
        clock.advance(FOLLOW_INTERVAL);
        assert!(keys.find(&first).await.unwrap().is_none());
        assert_eq!(published(&keys).await, BTreeSet::from([second]));
        assert_eq!(signing_key::Entity::find().all(&db).await.unwrap().len(), 1, "its private half as well");
    }

    #[actix_web::test]
    async fn a_withdrawn_key_is_gone_at_once_and_other_instances_notice_soon() {
        let (db, clock) = (database().await, clock());
        let (here, there) = (keys(&db, &clock).await, keys(&db, &clock).await);
        let first = signer(&here).await;
        let second = rotate(&db, clock.clone(), true).await.unwrap();
        assert_eq!(signer(&there).await, first, "not yet");
        clock.advance(FOLLOW_INTERVAL);
        assert!(there.find(&first).await.unwrap().is_none());
        assert_eq!(signer(&there).await, second);
    }

    #[rstest]
    #[actix_web::test]
    async fn of_many_instances_with_an_old_key_one_makes_the_next(
        #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    ) {
        let database = TestDatabase::create(backend).await.unwrap();
        let db = Database::connect(database.url()).await.unwrap();
        Migrator::up(&db, None).await.unwrap();
        let clock = clock();
        let mut instances = Vec::new();
        for _ in 0..6 {
            instances.push(keys(&db, &clock).await);
        }
        let first = signer(&instances[0]).await;
        clock.advance(TimeDelta::days(90) - TimeDelta::microseconds(1));
        assert_eq!(signer(&instances[0]).await, first);
        clock.advance(TimeDelta::microseconds(1) + FOLLOW_INTERVAL);
        let signers: BTreeSet<_> = join_all(instances.iter().map(signer)).await.into_iter().collect();
        assert_eq!(signers.len(), 1, "{signers:?}");
        assert!(!signers.contains(&first));
        assert_eq!(signing_key::Entity::find().all(&db).await.unwrap().len(), 2);
        let told = audit_event::Entity::find().all(&db).await.unwrap();
        let [event] = &told[..] else { panic!("{told:?}") };
        assert_eq!((event.action, event.account_id), (audit_event::Action::SigningKeyRotate, None));
    }

    #[actix_web::test]
    async fn a_key_that_is_old_at_the_start_does_not_sign_any_more_unless_keys_never_are() {
        let (db, clock) = (database().await, clock());
        let first = signer(&keys(&db, &clock).await).await;
        clock.advance(TimeDelta::days(1000));
        let variable = ("USER_SERVICE__TOKENS__SIGNING_KEY_DAYS".to_owned(), "0".to_owned());
        let never = Settings::load(None, std::iter::once(variable)).unwrap().tokens;
        let for_ever = SigningKeys::load_or_create(db.clone(), clock.clone(), &never).await.unwrap();
        assert_eq!(signer(&for_ever).await, first);
        assert_ne!(signer(&keys(&db, &clock).await).await, first);
    }
}
