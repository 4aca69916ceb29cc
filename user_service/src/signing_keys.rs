//! The Ed25519 keys that sign access tokens: made at first start, kept in the database, found again by their `kid`.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, TimeDelta, Utc};
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{self, EncodePrivateKey, KeypairBytes};
use entity::secret_text::SecretText;
use entity::user_db::signing_key::{self, Model};
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use sea_orm::{ActiveValue::Set, DatabaseConnection, DbErr, EntityTrait, QueryOrder};
use service_kit::clock::SharedClock;
use service_kit::random;
use tokio::sync::Mutex;

/// The only algorithm that tokens are signed with, and that is believed (RFC 8725 §3.1).
pub(crate) const ALGORITHM: Algorithm = Algorithm::EdDSA;

/// How often a token with an unknown `kid` may cost a query: whoever invents them must not be able to keep the database
/// busy, and a key that another instance has just made is found soon enough.
const MIN_SEARCH_INTERVAL: TimeDelta = TimeDelta::seconds(1);

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

/// One key, ready to use.
pub(crate) struct SigningKey {
    pub(crate) kid: String,
    pub(crate) encoding: EncodingKey,
    pub(crate) decoding: DecodingKey,
    public: Jwk,
}

/// The keys of the database, as this process last saw them.
pub(crate) struct SigningKeys {
    db: DatabaseConnection,
    clock: SharedClock,
    keys: RwLock<Arc<KeySet>>,
    /// When an unknown `kid` last caused a query. Held during it, so that many unknown tokens cause one.
    searched_at: Mutex<Option<DateTime<Utc>>>,
}

struct KeySet {
    /// The newest key that is not retired.
    signer: Arc<SigningKey>,
    by_kid: HashMap<String, Arc<SigningKey>>,
    published: JwkSet,
}

impl SigningKeys {
    /// Reads the keys; makes the first one where there is none. Instances that start at the same time may make one each:
    /// all of them verify what any of them signs.
    pub(crate) async fn load_or_create(
        db: DatabaseConnection,
        clock: SharedClock,
    ) -> Result<Self, SigningKeyError> {
        let keys = match read(&db).await {
            Err(SigningKeyError::NoSigner) => {
                create(&db, clock.now()).await?;
                read(&db).await?
            }
            outcome => outcome?,
        };
        Ok(Self { db, clock, keys: RwLock::new(Arc::new(keys)), searched_at: Mutex::new(None) })
    }

    /// The key that signs.
    pub(crate) fn signer(&self) -> Arc<SigningKey> {
        self.snapshot().signer.clone()
    }

    /// The key `kid`, even if another instance made it a moment ago.
    pub(crate) async fn find(&self, kid: &str) -> Result<Option<Arc<SigningKey>>, SigningKeyError> {
        if let Some(key) = self.snapshot().by_kid.get(kid) {
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
        self.reload().await?;
        Ok(self.snapshot().published.clone())
    }

    async fn reload(&self) -> Result<(), SigningKeyError> {
        let keys = Arc::new(read(&self.db).await?);
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }

    fn snapshot(&self) -> Arc<KeySet> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl SigningKey {
    fn from_row(row: &Model) -> Result<Self, SigningKeyError> {
        Self::from_pem(&row.private_key_pem.0)
            .map_err(|source| SigningKeyError::Unreadable { kid: row.kid.clone(), source })
    }

    fn from_pem(pem: &str) -> Result<Self, jsonwebtoken::errors::Error> {
        let encoding = EncodingKey::from_ed_pem(pem.as_bytes())?;
        let mut public = Jwk::from_encoding_key(&encoding, ALGORITHM)?;
        let kid = public.thumbprint(ThumbprintHash::SHA256)?;
        public.common.key_id = Some(kid.clone());
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(Self { kid, encoding, decoding: DecodingKey::from_jwk(&public)?, public })
    }
}

async fn read(db: &DatabaseConnection) -> Result<KeySet, SigningKeyError> {
    let rows = signing_key::Entity::find()
        .order_by_desc(signing_key::Column::CreatedAt)
        .order_by_asc(signing_key::Column::Kid)
        .all(db)
        .await?;
    let mut signer = None;
    let mut by_kid = HashMap::new();
    let mut published = JwkSet::default();
    for row in &rows {
        let key = Arc::new(SigningKey::from_row(row)?);
        if row.retired_at.is_none() {
            signer.get_or_insert_with(|| key.clone());
        }
        published.keys.push(key.public.clone());
        by_kid.insert(key.kid.clone(), key);
    }
    Ok(KeySet { signer: signer.ok_or(SigningKeyError::NoSigner)?, by_kid, published })
}

/// Makes a key; its `kid`.
async fn create(db: &DatabaseConnection, now: DateTime<Utc>) -> Result<String, SigningKeyError> {
    let seed = random::bytes()?;
    // Without the public half, which follows from the seed: the short form is what every library reads.
    let pem = KeypairBytes { secret_key: seed, public_key: None }.to_pkcs8_pem(LineEnding::LF)?;
    let key = SigningKey::from_pem(&pem)
        .map_err(|source| SigningKeyError::Unreadable { kid: "the new key".to_owned(), source })?;
    log::info!("signing key made kid={}", key.kid);
    let row = signing_key::ActiveModel {
        kid: Set(key.kid.clone()),
        private_key_pem: Set(SecretText(pem.to_string())),
        created_at: Set(now),
        retired_at: Set(None),
    };
    signing_key::Entity::insert(row).exec_without_returning(db).await?;
    Ok(key.kid)
}

#[cfg(test)]
mod tests {
    use migration::user_db::Migrator;
    use sea_orm::Database;
    use sea_orm_migration::MigratorTrait;
    use service_kit::clock::{Clock, ManualClock};

    use super::*;

    async fn database() -> DatabaseConnection {
        let db = Database::connect("sqlite::memory:").await.unwrap();
        Migrator::up(&db, None).await.unwrap();
        db
    }

    fn clock() -> Arc<ManualClock> {
        ManualClock::at(DateTime::UNIX_EPOCH)
    }

    #[test]
    fn the_kid_is_the_thumbprint_of_rfc_8037_appendix_a() {
        let seed = hex::decode("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60").unwrap();
        let pair = KeypairBytes { secret_key: seed.try_into().unwrap(), public_key: None };
        let key = SigningKey::from_pem(&pair.to_pkcs8_pem(LineEnding::LF).unwrap()).unwrap();
        assert_eq!(key.kid, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[actix_web::test]
    async fn a_second_start_finds_the_key_of_the_first() {
        let db = database().await;
        let first = SigningKeys::load_or_create(db.clone(), clock()).await.unwrap();
        let second = SigningKeys::load_or_create(db, clock()).await.unwrap();
        assert_eq!(first.signer().kid, second.signer().kid);
    }

    #[actix_web::test]
    async fn a_key_of_another_instance_is_found_but_not_looked_for_more_than_once_a_second() {
        let (db, clock) = (database().await, clock());
        let keys = SigningKeys::load_or_create(db.clone(), clock.clone()).await.unwrap();
        let first = create(&db, clock.now()).await.unwrap();
        assert!(keys.find(&first).await.unwrap().is_some());

        let second = create(&db, clock.now()).await.unwrap();
        assert!(keys.find(&second).await.unwrap().is_none());
        clock.advance(MIN_SEARCH_INTERVAL);
        assert!(keys.find(&second).await.unwrap().is_some());
        clock.advance(MIN_SEARCH_INTERVAL);
        assert!(keys.find("unknown").await.unwrap().is_none());
    }

    #[actix_web::test]
    async fn all_keys_are_published_without_their_private_halves() {
        let (db, clock) = (database().await, clock());
        let keys = SigningKeys::load_or_create(db.clone(), clock.clone()).await.unwrap();
        create(&db, clock.now()).await.unwrap();
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
}
