//! Passwords of links: hashed with bcrypt, off the threads that answer requests, a few at a time.

use std::sync::Arc;

use entity::secret_text::SecretText;
use secrecy::{ExposeSecret, SecretString};
use service_kit::problem::Problem;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// In characters, as for accounts: a link may be in many hands, so guessing must be hopeless.
const MIN_LENGTH: usize = 8;
/// In bytes: bcrypt would silently ignore the rest.
const MAX_BYTES: usize = 72;

/// Hashes at a time: strangers ask for them, and shall never keep more than one processor busy.
const TURNS: usize = 1;
/// Requests that hash or wait for it: at the default cost, whoever comes last waits for about two seconds.
const PLACES: usize = 8;
/// When a client that met a full queue should come back, in seconds.
const RETRY_AFTER: u64 = 1;

/// A password that bcrypt can hold whole.
pub(super) struct Password(SecretString);

impl Password {
    /// One that a link may have.
    ///
    /// # Errors
    /// Why it may not.
    pub(super) fn wanted(text: SecretString) -> Result<Self, &'static str> {
        if text.expose_secret().chars().count() < MIN_LENGTH {
            return Err("must have at least 8 characters");
        }
        Self::tried(text)
    }

    /// One that somebody believes a link to have.
    ///
    /// # Errors
    /// Why none has it.
    pub(super) fn tried(text: SecretString) -> Result<Self, &'static str> {
        if text.expose_secret().len() > MAX_BYTES {
            return Err("must have at most 72 bytes in UTF-8: bcrypt would ignore the rest");
        }
        if text.expose_secret().contains('\0') {
            return Err("must not contain NUL");
        }
        Ok(Self(text))
    }
}

/// Hashes and compares passwords, with a bounded queue.
pub(super) struct Hasher {
    cost: u32,
    /// One permit for everybody who hashes or waits for it.
    places: Arc<Semaphore>,
    /// One permit for everybody who hashes.
    turns: Arc<Semaphore>,
}

/// A place in the queue; free again when it is dropped, as when a client hangs up.
pub(super) struct Place {
    cost: u32,
    permit: OwnedSemaphorePermit,
    turns: Arc<Semaphore>,
}

impl Hasher {
    pub(super) fn new(cost: u32) -> Self {
        Self { cost, places: Arc::new(Semaphore::new(PLACES)), turns: Arc::new(Semaphore::new(TURNS)) }
    }

    /// Takes a place in the queue, at once or not at all. Do this first: what cannot be hashed now should cost nothing.
    ///
    /// # Errors
    /// 503 where the queue is full.
    pub(super) fn reserve(&self) -> Result<Place, Problem> {
        let permit = Arc::clone(&self.places).try_acquire_owned();
        let permit =
            permit.map_err(|_| Problem::unavailable("too many passwords are being checked", RETRY_AFTER))?;
        Ok(Place { cost: self.cost, permit, turns: Arc::clone(&self.turns) })
    }
}

impl Place {
    /// The hash of `password` with a salt of its own, in modular crypt format.
    ///
    /// # Errors
    /// 500 where bcrypt fails.
    pub(super) async fn hash(self, Password(text): Password) -> Result<SecretText, Problem> {
        let cost = self.cost;
        self.run(move || bcrypt::hash(text.expose_secret(), cost)).await.map(SecretText)
    }

    /// Whether `hash` is that of `password`.
    ///
    /// # Errors
    /// 500 where it is no hash at all.
    pub(super) async fn verify(
        self,
        Password(text): Password,
        SecretText(hash): SecretText,
    ) -> Result<bool, Problem> {
        self.run(move || bcrypt::verify(text.expose_secret(), &hash)).await
    }

    /// Waits for its turn. Once begun, the work is done to its end, and counted, even if nobody waits for it any more.
    async fn run<T, F>(self, work: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce() -> bcrypt::BcryptResult<T> + Send + 'static,
    {
        let Self { permit, turns, .. } = self;
        let turn = turns.acquire_owned().await.map_err(Problem::internal)?;
        let outcome = tokio::task::spawn_blocking(move || {
            let _held = (turn, permit);
            work()
        });
        outcome.await.map_err(Problem::internal)?.map_err(Problem::internal)
    }
}

#[cfg(test)]
mod tests {
    use actix_web::ResponseError;
    use futures_util::FutureExt;

    use super::*;

    const COST: u32 = 4;

    fn password(text: &str) -> Password {
        Password::tried(text.to_owned().into()).unwrap_or_else(|reason| panic!("{reason}"))
    }

    #[actix_web::test]
    async fn a_password_counts_to_its_72nd_byte_and_no_other_opens_its_hash() {
        let hasher = Hasher::new(COST);
        let longest = "é".repeat(36);
        let hash = hasher.reserve().unwrap().hash(password(&longest)).await.unwrap();
        let opens = async |text: &str| hasher.reserve().unwrap().verify(password(text), hash.clone()).await;
        assert!(opens(&longest).await.unwrap());
        assert!(!opens(&format!("{}e", "é".repeat(35))).await.unwrap());
        assert!(!opens("").await.unwrap());
    }

    #[test]
    fn what_bcrypt_would_cut_or_is_too_short_is_refused() {
        for (text, wanted, tried) in [
            ("eight888".to_owned(), true, true),
            ("seven77".to_owned(), false, true),
            ("x".repeat(72), true, true),
            ("x".repeat(73), false, false),
            ("é".repeat(37), false, false),
            ("nul\0nul\0nul".to_owned(), false, false),
        ] {
            let allowed = [Password::wanted(text.clone().into()), Password::tried(text.clone().into())];
            assert_eq!(allowed.map(|password| password.is_ok()), [wanted, tried], "{text:?}");
        }
    }

    #[actix_web::test]
    async fn no_more_than_the_queue_holds_are_let_in_and_who_leaves_makes_room() {
        let hasher = Hasher::new(COST);
        let turn = Arc::clone(&hasher.turns).acquire_owned().await.unwrap();
        let mut waiting: Vec<_> =
            (0..PLACES).map(|_| Box::pin(hasher.reserve().unwrap().hash(password("eight888")))).collect();
        assert!(waiting.iter_mut().all(|hash| hash.as_mut().now_or_never().is_none()));
        let refusal = hasher.reserve().err().unwrap().error_response();
        assert_eq!(refusal.status(), 503);
        assert!(refusal.headers().contains_key("retry-after"));
        waiting.pop();
        assert!(hasher.reserve().is_ok());
        drop(turn);
        for hash in waiting {
            hash.await.unwrap();
        }
        assert_eq!((hasher.places.available_permits(), hasher.turns.available_permits()), (PLACES, TURNS));
    }
}
