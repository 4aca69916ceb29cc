//! Cursors: a place in a list, bound to the question whose answer it is in.
//!
//! A cursor is a digest over the asker, the filters, the order and the place, and the place. One that was changed, or
//! belongs to another question or account, does not have its digest. Whoever computes a digest of their own gains a
//! place in their own list, and nothing else: it needs no secret.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use service_kit::problem::Problem;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// How much of the SHA-256 a cursor carries, in bytes: enough that no two questions are mistaken for each other.
const DIGEST: usize = 16;

/// Where a page ends: behind this value of what is sorted by, and this video.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) key: Key,
    pub(super) id: Uuid,
}

/// A value that lists are sorted by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Key {
    /// The identifier alone.
    Id,
    Text(String),
    Integer(i64),
    /// A float by its bits: JSON numbers may lose the last of them.
    Real(u64),
}

/// What a client asked for, apart from the page.
pub(super) struct Question {
    owner: Uuid,
    /// As they were given, without the cursor.
    parameters: Vec<(String, String)>,
}

impl Question {
    pub(super) fn of(owner: Uuid, query: &str) -> Self {
        let parameters = form_urlencoded::parse(query.as_bytes()).into_owned();
        Self { owner, parameters: parameters.filter(|(name, _)| name != "cursor").collect() }
    }

    /// What the address of the next page carries besides its cursor.
    pub(super) fn parameters(&self) -> Vec<(&str, String)> {
        self.parameters.iter().map(|(name, value)| (name.as_str(), value.clone())).collect()
    }

    /// # Errors
    /// 500 where the place has no JSON form.
    pub(super) fn cursor(&self, place: &Place) -> Result<String, Problem> {
        let place = serde_json::to_vec(place).map_err(Problem::internal)?;
        let cursor = [self.digest(&place).as_slice(), &place].concat();
        Ok(BASE64_URL_SAFE_NO_PAD.encode(cursor))
    }

    /// The place that `cursor` stands for, where it is a cursor of this question.
    pub(super) fn place(&self, cursor: &str) -> Option<Place> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (digest, place) = bytes.split_at_checked(DIGEST)?;
        (digest == self.digest(place)).then(|| serde_json::from_slice(place).ok()).flatten()
    }

    fn digest(&self, place: &[u8]) -> Vec<u8> {
        // A client may change the size of its pages on the way.
        let mut asked: Vec<_> = self.parameters.iter().filter(|(name, _)| name != "limit").collect();
        asked.sort();
        let mut hasher = Sha256::new();
        hasher.update(self.owner);
        for text in asked.into_iter().flat_map(|(name, value)| [name, value]) {
            hasher.update(text.len().to_be_bytes());
            hasher.update(text);
        }
        hasher.update([0; 8]);
        hasher.update(place);
        hasher.finalize().iter().copied().take(DIGEST).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(owner: u128, query: &str) -> Question {
        Question::of(Uuid::from_u128(owner), query)
    }

    fn place() -> Place {
        Place { key: Key::Real(0.1_f64.to_bits()), id: Uuid::from_u128(7) }
    }

    #[test]
    fn a_cursor_comes_back_to_its_question_however_that_is_written() {
        let cursor = question(1, "tag=a%20b&sort=title&limit=5").cursor(&place()).unwrap();
        let again = question(1, &format!("sort=title&cursor={cursor}&limit=9&tag=a+b"));
        assert_eq!(again.place(&cursor), Some(place()));
    }

    #[test]
    fn a_cursor_of_another_question_or_account_is_none() {
        let cursor = question(1, "tag=a").cursor(&place()).unwrap();
        for (owner, query) in [(1, "tag=b"), (1, ""), (1, "tag=a&has=black"), (1, "taga="), (2, "tag=a")] {
            assert_eq!(question(owner, query).place(&cursor), None, "{query}");
        }
    }

    #[test]
    fn a_cursor_with_any_bit_changed_is_none() {
        let question = question(1, "");
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(question.cursor(&place()).unwrap()).unwrap();
        for at in 0..bytes.len() * 8 {
            let mut forged = bytes.clone();
            forged[at / 8] ^= 1 << (at % 8);
            assert_eq!(question.place(&BASE64_URL_SAFE_NO_PAD.encode(forged)), None);
        }
        for cursor in ["", "###", "AAAA", &"A".repeat(100_000)] {
            assert_eq!(question.place(cursor), None);
        }
    }
}
