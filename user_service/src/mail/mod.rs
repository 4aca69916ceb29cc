//! Mail: what is to be sent is written in the transaction of what it tells of ([`Post`]), and sent apart from any request,
//! at least once, by a [`Courier`].
//!
//! A message in the database says to whom and what about, and has no token yet. Its courier makes one when it sends, and
//! stores its digest before the server hears of it. So the database never knows a token that counts, no secret has to be
//! shared between instances, and a token's life begins when it is sent, however long the server was away. A message that
//! is sent again has another token.

mod courier;
mod letter;
mod smtp;
pub(crate) mod token;

use actix_web::http::StatusCode;
use entity::user_db::mail;
pub(crate) use entity::user_db::mail::Kind;
use sea_orm::{ActiveValue::Set, ConnectionTrait, DbErr, EntityTrait};
use service_kit::clock::SharedClock;
use service_kit::problem::Problem;
use uuid::Uuid;

pub(crate) use self::courier::Courier;
pub(crate) use self::smtp::Smtp;
use crate::account::Email;
use crate::outbox::Bell;

/// Takes messages that are to be sent.
#[derive(Clone)]
pub(crate) struct Post {
    is_open: bool,
    clock: SharedClock,
    bell: Bell,
}

/// No server is configured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NotConfigured;

impl Post {
    /// With a courier who hears `bell`; one that is not open takes nothing.
    pub(crate) fn new(is_open: bool, clock: SharedClock, bell: Bell) -> Self {
        Self { is_open, clock, bell }
    }

    /// Makes sure that messages are sent at all.
    pub(crate) fn require(&self) -> Result<(), NotConfigured> {
        if self.is_open { Ok(()) } else { Err(NotConfigured) }
    }

    /// Adds a message, in the transaction of what it tells of; where nothing is mailed, none.
    pub(crate) async fn add(
        &self,
        db: &impl ConnectionTrait,
        kind: Kind,
        account: Option<Uuid>,
        recipient: &Email,
    ) -> Result<(), DbErr> {
        if !self.is_open {
            return Ok(());
        }
        let now = self.clock.now();
        let row = mail::ActiveModel {
            id: Set(Uuid::now_v7()),
            kind: Set(kind),
            account_id: Set(account),
            recipient: Set(recipient.as_str().to_owned()),
            recipient_key: Set(recipient.key()),
            attempts: Set(0),
            available_at: Set(now),
            created_at: Set(now),
            sent_at: Set(None),
        };
        mail::Entity::insert(row).exec_without_returning(db).await?;
        Ok(())
    }

    /// Has what was added looked at now: once it is committed.
    pub(crate) fn ring(&self) {
        self.bell.ring();
    }
}

impl From<NotConfigured> for Problem {
    fn from(_: NotConfigured) -> Self {
        Self::new(StatusCode::NOT_IMPLEMENTED, "mail-not-configured", "Nothing is mailed here")
            .detail("the operator has configured no mail server")
    }
}
