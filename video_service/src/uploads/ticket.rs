//! What an upload ticket is: an address that lets whoever has it upload one video's content.
//!
//! Nothing is kept of it: it says for which content of which video of whom it is, and until when, and is signed. It is
//! spent when the video has got content.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use entity::video_db::video;
use secrecy::SecretString;
use service_kit::problem::Problem;
use service_kit::signer::Signer;
use std::future::Future;
use std::pin::Pin;
use uuid::Uuid;

use super::sender::{Only, Sender};
use crate::auth::Caller;
use crate::state::State;
use crate::videos;

/// What tickets are signed for.
const PURPOSE: &str = "kadr upload ticket";
/// What a ticket says, in bytes.
const LENGTH: usize = 16 + 16 + 4 + 8;

/// Signs tickets, and knows them again.
#[derive(Clone)]
pub(crate) struct Tickets(Signer);

/// What a ticket says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Claims {
    video: Uuid,
    owner: Uuid,
    /// The version that the content had when the ticket was made.
    version: i32,
    /// In Unix seconds.
    expires: i64,
}

impl Claims {
    fn bytes(self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        let fields: [&[u8]; 4] = [
            self.video.as_bytes(),
            self.owner.as_bytes(),
            &self.version.to_be_bytes(),
            &self.expires.to_be_bytes(),
        ];
        for (place, byte) in bytes.iter_mut().zip(fields.concat()) {
            *place = byte;
        }
        bytes
    }

    fn of(bytes: &[u8]) -> Option<Self> {
        let (video, rest) = bytes.split_first_chunk::<16>()?;
        let (owner, rest) = rest.split_first_chunk::<16>()?;
        let (version, rest) = rest.split_first_chunk::<4>()?;
        Some(Self {
            video: Uuid::from_bytes(*video),
            owner: Uuid::from_bytes(*owner),
            version: i32::from_be_bytes(*version),
            expires: i64::from_be_bytes(rest.try_into().ok()?),
        })
    }
}

impl Tickets {
    pub(crate) fn new(key: &SecretString) -> Self {
        Self(Signer::new(key, PURPOSE))
    }

    /// A ticket for the next content of `video`.
    pub(super) fn sign(&self, video: &video::Model, expires_at: DateTime<Utc>) -> String {
        let claims = Claims {
            video: video.id,
            owner: video.owner_id,
            version: video.version,
            expires: expires_at.timestamp(),
        };
        let bytes = claims.bytes();
        format!("{}.{}", BASE64_URL_SAFE_NO_PAD.encode(bytes), self.0.sign(&[&bytes]))
    }

    fn read(&self, text: &str, now: DateTime<Utc>) -> Option<Claims> {
        let (claims, signature) = text.split_once('.')?;
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(claims).ok()?;
        let claims = self.0.verify(&[&bytes], signature).then(|| Claims::of(&bytes))??;
        (now.timestamp() < claims.expires).then_some(claims)
    }
}

/// Proof, as an argument of a handler, that the ticket in the path counts, and that the account it was made for is in
/// good standing.
///
/// Answers 404 for one that does not count, whatever the reason; 503 where User Service cannot say.
pub(super) struct Holder {
    /// In whose name, and for which video.
    pub(super) sender: Sender,
    /// The same video.
    pub(super) only: Only,
}

impl Holder {
    /// Asked again when the bytes are there, which may be long after the ticket was read.
    ///
    /// # Errors
    /// 404 where it does not count any more, 503 where User Service cannot say.
    pub(super) async fn is_still_good(&self, state: &State) -> Result<(), Problem> {
        self.unspent(state).await?;
        let good = state.standing.is_good(self.sender.caller.account_id).await?;
        good.then_some(()).ok_or_else(not_found)
    }

    /// The video, as long as the ticket is not spent.
    ///
    /// # Errors
    /// 404 where the video has content by now, or is gone.
    pub(super) async fn unspent(&self, state: &State) -> Result<video::Model, Problem> {
        let row = videos::owned(&state.db, self.only.id, &self.sender.caller)
            .await
            .map_err(|problem| if videos::is_not_found(&problem) { not_found() } else { problem })?;
        if row.version == self.only.version { Ok(row) } else { Err(not_found()) }
    }
}

impl FromRequest for Holder {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let text = request.match_info().get("ticket").unwrap_or_default().to_owned();
        let state = request.app_data::<web::Data<State>>().cloned();
        Box::pin(async move {
            let state =
                state.ok_or_else(|| Problem::internal("the application was built without a state"))?;
            let claims = state.tickets.read(&text, state.clock.now()).ok_or_else(not_found)?;
            if !state.standing.is_good(claims.owner).await? {
                return Err(not_found());
            }
            let only = Only { id: claims.video, version: claims.version };
            let sender = Sender {
                caller: Caller { account_id: claims.owner, scopes: Vec::new() },
                base: format!("/tickets/{text}/uploads"),
                video: Some(only),
            };
            Ok(Self { sender, only })
        })
    }
}

pub(super) fn not_found() -> Problem {
    Problem::not_found("upload ticket")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_says_what_was_signed_and_nothing_else_counts() {
        let tickets = Tickets::new(&"key".to_owned().into());
        let claims = Claims { video: Uuid::new_v4(), owner: Uuid::new_v4(), version: 3, expires: 1000 };
        let bytes = claims.bytes();
        assert_eq!(Claims::of(&bytes), Some(claims));
        assert_eq!(Claims::of(&bytes[1..]), None);
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        let text = format!("{}.{}", BASE64_URL_SAFE_NO_PAD.encode(bytes), tickets.0.sign(&[&bytes]));
        assert_eq!(tickets.read(&text, at(999)), Some(claims));
        assert_eq!(tickets.read(&text, at(1000)), None, "it has ended");
        let longer = Claims { expires: 2000, ..claims }.bytes();
        let forged = format!("{}.{}", BASE64_URL_SAFE_NO_PAD.encode(longer), tickets.0.sign(&[&bytes]));
        assert_eq!(tickets.read(&forged, at(999)), None);
        assert_eq!(Tickets::new(&"other".to_owned().into()).read(&text, at(999)), None);
        for nonsense in ["", ".", "a.b", &text.to_lowercase()] {
            assert_eq!(tickets.read(nonsense, at(999)), None, "{nonsense}");
        }
    }
}
