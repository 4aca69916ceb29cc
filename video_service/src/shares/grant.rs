//! Grants: what whoever knew the password of a link shows from then on, in place of it. A grant is
//! `<end in Unix seconds>.<signature>`, for one link, and may stand in the address of a picture or a film.

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use service_kit::signer::Signer;
use uuid::Uuid;

/// What they are signed for.
const PURPOSE: &str = "kadr grant of a share link";

/// Makes grants and knows them again.
pub(super) struct Grants(Signer);

impl Grants {
    pub(super) fn new(key: &SecretString) -> Self {
        Self(Signer::new(key, PURPOSE))
    }

    /// Opens the link `share` until `expires_at`.
    pub(super) fn make(&self, share: Uuid, expires_at: DateTime<Utc>) -> String {
        let end = expires_at.timestamp();
        format!("{end}.{}", self.0.sign(&[share.as_bytes(), &end.to_be_bytes()]))
    }

    /// Whether `grant` opens the link `share` now.
    pub(super) fn opens(&self, grant: &str, share: Uuid, now: DateTime<Utc>) -> bool {
        let Some((end, signature)) = grant.split_once('.') else { return false };
        let Ok(end) = end.parse::<i64>() else { return false };
        self.0.verify(&[share.as_bytes(), &end.to_be_bytes()], signature) && now.timestamp() < end
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    const SHARE: Uuid = Uuid::from_u128(1);

    fn grants() -> Grants {
        Grants::new(&"key".to_owned().into())
    }

    #[test]
    fn a_grant_opens_its_link_until_its_end() {
        let now = DateTime::UNIX_EPOCH;
        let grant = grants().make(SHARE, now + TimeDelta::seconds(60));
        assert!(grants().opens(&grant, SHARE, now + TimeDelta::milliseconds(59_999)));
        assert!(!grants().opens(&grant, SHARE, now + TimeDelta::seconds(60)));
        assert!(!grants().opens(&grant, Uuid::from_u128(2), now));
    }

    #[test]
    fn a_grant_cannot_be_made_longer_nor_up() {
        let now = DateTime::UNIX_EPOCH;
        let grant = grants().make(SHARE, now + TimeDelta::seconds(60));
        let (_, signature) = grant.split_once('.').unwrap();
        let other_key =
            Grants::new(&"another key".to_owned().into()).make(SHARE, now + TimeDelta::seconds(60));
        for forged in
            [&format!("61.{signature}"), &format!("-60.{signature}"), "60.", "60", "", ".", "x.y", &other_key]
        {
            assert!(!grants().opens(forged, SHARE, now), "{forged}");
        }
    }
}
