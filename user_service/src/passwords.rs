//! Hashing passwords with bcrypt: off the threads that answer requests, a few at a time, with a bounded queue.

use std::fmt;
use std::sync::Arc;

use entity::secret_text::SecretText;
use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use secrecy::ExposeSecret;
use service_kit::problem::Problem;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::account::{NewPassword, Password};
use crate::settings::PasswordSettings;

/// When a client that met a full queue should come back, in seconds: the queue moves on with every hash, and at the
/// default cost each takes a quarter of one.
const RETRY_AFTER: u64 = 1;

/// How far the hashing threads stand back: behind requests, and before Video Service's decoders (10).
const NICENESS: i32 = 5;

/// Salt and digest of a hash that no password has: what is compared where there is no account.
const NOBODY: &str = ".....................................................";

/// Hashes and compares passwords. Clones share one queue.
#[derive(Clone, Debug)]
pub struct PasswordHasher {
    cost: u32,
    /// One permit for everybody who is hashing or waits for it.
    places: Arc<Semaphore>,
    /// One permit for everybody who is hashing.
    turns: Arc<Semaphore>,
    threads: Arc<ThreadPool>,
}

/// A place in the queue. Dropped, as when a client hangs up, it is free again.
#[derive(Debug)]
pub struct Place {
    cost: u32,
    permit: OwnedSemaphorePermit,
    turns: Arc<Semaphore>,
    threads: Arc<ThreadPool>,
}

/// Why a password could not be hashed or compared.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HashError {
    #[error("bcrypt: {0}")]
    Bcrypt(#[from] bcrypt::BcryptError),
    #[error("the hashing thread panicked")]
    Panicked(#[from] oneshot::error::RecvError),
    #[error("the queue is closed")]
    Closed,
}

/// The queue is full.
#[derive(Clone, Copy, Debug)]
pub struct QueueFull;

impl PasswordHasher {
    /// One with an empty queue and threads of its own.
    ///
    /// # Errors
    /// Threads cannot be started.
    pub fn new(settings: PasswordSettings) -> Result<Self, ThreadPoolBuildError> {
        let concurrency = settings.concurrency().get();
        let threads = ThreadPoolBuilder::new()
            .num_threads(concurrency)
            .thread_name(|index| format!("bcrypt-{index}"))
            .start_handler(|_| stand_back())
            // The panic is in the log, and who waits for the answer gets none.
            .panic_handler(drop)
            .build()?;
        Ok(Self {
            cost: settings.bcrypt_cost,
            places: Arc::new(Semaphore::new(concurrency.saturating_add(settings.queue_limit))),
            turns: Arc::new(Semaphore::new(concurrency)),
            threads: Arc::new(threads),
        })
    }

    /// Takes a place in the queue, at once or not at all. Do this first: what cannot be hashed now should cost nothing.
    ///
    /// # Errors
    /// [`QueueFull`]
    pub fn reserve(&self) -> Result<Place, QueueFull> {
        let permit = self.places.clone().try_acquire_owned().map_err(|_| QueueFull)?;
        Ok(Place { cost: self.cost, permit, turns: self.turns.clone(), threads: self.threads.clone() })
    }

    /// Whether `hash` has another cost than is configured now.
    pub(crate) fn is_outdated(&self, hash: &SecretText) -> bool {
        hash.0.parse::<bcrypt::HashParts>().is_ok_and(|parts| parts.get_cost() != self.cost)
    }
}

impl Place {
    /// The hash of `password` with a salt of its own, in modular crypt format.
    pub(crate) async fn hash(self, password: NewPassword) -> Result<SecretText, HashError> {
        self.hash_text(password).await
    }

    /// The same for a password that was proven a moment ago: rules that came after it do not concern it.
    pub(crate) async fn rehash(self, password: Password) -> Result<SecretText, HashError> {
        self.hash_text(password).await
    }

    async fn hash_text<P>(self, password: P) -> Result<SecretText, HashError>
    where
        P: ExposeSecret<str> + Send + 'static,
    {
        let cost = self.cost;
        let hash = self.run(move || bcrypt::hash(password.expose_secret(), cost)).await?;
        Ok(SecretText(hash))
    }

    /// Whether `hash` is the hash of `password`.
    ///
    /// Without a hash (no such account), or without a password (one that bcrypt cannot hold, so that nobody has it), the
    /// answer is no, and takes as long.
    pub(crate) async fn verify(
        self,
        password: Option<Password>,
        hash: Option<SecretText>,
    ) -> Result<bool, HashError> {
        let comparable = password.is_some() && hash.is_some();
        let hash = hash.map_or_else(|| format!("$2b${:02}${NOBODY}", self.cost), |hash| hash.0);
        let matches = self
            .run(move || bcrypt::verify(password.as_ref().map_or("", |text| text.expose_secret()), &hash))
            .await?;
        Ok(comparable && matches)
    }

    /// Waits for its turn and works on one of the threads for it. Once begun, the work is done to its end, and counted,
    /// even if nobody waits for it any more.
    async fn run<T, F>(self, work: F) -> Result<T, HashError>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, bcrypt::BcryptError> + Send + 'static,
    {
        let Self { permit, turns, threads, .. } = self;
        let turn = turns.acquire_owned().await.map_err(|_| HashError::Closed)?;
        let (answer, outcome) = oneshot::channel();
        threads.spawn(move || {
            let outcome = {
                let _held = (turn, permit);
                work()
            };
            // Nobody waits if the client has hung up.
            let _ = answer.send(outcome);
        });
        Ok(outcome.await??)
    }
}

/// Lets the threads that answer requests go before this one whenever there is something to answer: they need the
/// processor for microseconds, a hash for a quarter of a second. On Linux niceness is a property of the thread.
fn stand_back() {
    if let Err(error) = rustix::process::nice(NICENESS) {
        log::warn!("hashing competes with answering requests event=niceness error={error}");
    }
}

impl fmt::Display for QueueFull {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("too many passwords are being checked")
    }
}

impl From<QueueFull> for Problem {
    fn from(full: QueueFull) -> Self {
        Self::unavailable(&full.to_string(), RETRY_AFTER)
    }
}

impl From<HashError> for Problem {
    fn from(error: HashError) -> Self {
        Self::internal(error)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::account::WantedPassword;

    fn hasher(concurrency: usize, queue_limit: usize) -> PasswordHasher {
        let text = format!("bcrypt_cost = 4\nconcurrency = {concurrency}\nqueue_limit = {queue_limit}");
        let settings = service_kit::settings::load("NONE", &text, None, std::iter::empty()).unwrap();
        PasswordHasher::new(settings).unwrap()
    }

    fn new_password() -> NewPassword {
        WantedPassword::from("correct horse".to_owned()).accept(&[]).unwrap()
    }

    fn password(text: &str) -> Option<Password> {
        Password::verifiable(text.to_owned())
    }

    #[actix_web::test]
    async fn a_password_matches_its_own_hash_only() {
        let hasher = hasher(1, 0);
        let hash = hasher.reserve().unwrap().hash(new_password()).await.unwrap();
        assert!(
            hasher.reserve().unwrap().verify(password("correct horse"), Some(hash.clone())).await.unwrap()
        );
        assert!(!hasher.reserve().unwrap().verify(password("wrong horse"), Some(hash)).await.unwrap());
    }

    #[actix_web::test]
    async fn the_same_password_has_a_new_salt_each_time() {
        let hasher = hasher(1, 0);
        let first = hasher.reserve().unwrap().hash(new_password()).await.unwrap();
        let second = hasher.reserve().unwrap().hash(new_password()).await.unwrap();
        assert!(first != second);
    }

    #[actix_web::test]
    async fn without_an_account_a_real_hash_of_the_configured_cost_is_computed_and_nothing_matches() {
        let nobody = format!("$2b$04${NOBODY}");
        assert_eq!(nobody.parse::<bcrypt::HashParts>().unwrap().get_cost(), 4);
        assert!(!hasher(1, 0).reserve().unwrap().verify(password(""), None).await.unwrap());
    }

    #[test]
    fn hashing_stands_back_for_answering() {
        let niceness = || rustix::process::getpriority_process(None).unwrap();
        assert_eq!(hasher(1, 0).threads.install(niceness), niceness() + NICENESS);
    }

    #[actix_web::test]
    async fn a_hash_that_panics_is_an_error_and_gives_its_place_back() {
        let hasher = hasher(1, 0);
        let panicked = hasher.reserve().unwrap().run::<(), _>(|| panic!("a test"));
        assert!(matches!(panicked.await, Err(HashError::Panicked(_))));
        assert_eq!(hasher.turns.available_permits(), 1);
        assert!(!hasher.reserve().unwrap().verify(password("x"), None).await.unwrap());
    }

    #[actix_web::test]
    async fn no_more_than_the_queue_holds_are_let_in() {
        let hasher = hasher(1, 1);
        let first = hasher.reserve().unwrap();
        let _second = hasher.reserve().unwrap();
        assert!(hasher.reserve().is_err());
        drop(first);
        assert!(hasher.reserve().is_ok());
    }

    #[actix_web::test]
    async fn who_hangs_up_while_waiting_gives_the_place_back() {
        let hasher = hasher(1, 1);
        let turn = hasher.turns.clone().acquire_owned().await.unwrap();
        let mut waiting = Box::pin(hasher.reserve().unwrap().verify(password("x"), None));
        assert!((&mut waiting).now_or_never().is_none());
        assert_eq!(hasher.places.available_permits(), 1);
        drop(waiting);
        assert_eq!(hasher.places.available_permits(), 2);
        drop(turn);
        assert_eq!(hasher.turns.available_permits(), 1);
    }
}
