//! How accounts end, and what their owners may take along.

use chrono::TimeDelta;
use entity::user_db::outbox::Kind;
use entity::user_db::{account, audit_event, personal_token, session};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, TransactionTrait};
use service_kit::client_address::ClientAddress;
use uuid::Uuid;

use super::Accounts;
use crate::audit::{Action, Entry, Outcome, Who};
use crate::outbox;

/// When Video Service is told a second time: by then everything has ended that was let in before the account was gone.
const SECOND_TIME: TimeDelta = TimeDelta::hours(1);

/// Everything that is kept about somebody besides the account itself.
pub(crate) struct Belongings {
    /// Where they logged in, the oldest first.
    pub(crate) sessions: Vec<session::Model>,
    /// The tokens of their programs, the oldest first.
    pub(crate) tokens: Vec<personal_token::Model>,
    /// What happened to the account, the oldest first.
    pub(crate) events: Vec<audit_event::Model>,
}

impl Accounts {
    /// Deletes an account with its sessions, and has Video Service delete its videos. The audit log stays.
    pub(crate) async fn delete(&self, id: Uuid, from: ClientAddress) -> Result<(), DbErr> {
        let now = self.clock.now();
        let transaction = self.db.begin().await?;
        let deleted = account::Entity::delete_by_id(id).exec(&transaction).await?;
        if deleted.rows_affected > 0 {
            let (who, what) = (Who::Owner(id), Action::AccountDelete);
            let entry = Entry { who, what, from: Some(from), result: Outcome::Success };
            self.audit.record(&transaction, entry).await?;
            for due in [now, now + SECOND_TIME] {
                outbox::add(&transaction, Kind::AccountDeleted, id, due, now).await?;
            }
        }
        transaction.commit().await?;
        self.bell.ring();
        Ok(())
    }

    /// What is kept about the account `id`; that somebody asked is kept as well.
    pub(crate) async fn belongings(&self, id: Uuid, from: ClientAddress) -> Result<Belongings, DbErr> {
        let (who, what) = (Who::Owner(id), Action::AccountExport);
        let entry = Entry { who, what, from: Some(from), result: Outcome::Success };
        self.audit.record(&self.db, entry).await?;
        let sessions = session::Entity::find()
            .filter(session::Column::AccountId.eq(id))
            .order_by_asc(session::Column::Id)
            .all(&self.db)
            .await?;
        let tokens = personal_token::Entity::find()
            .filter(personal_token::Column::AccountId.eq(id))
            .order_by_asc(personal_token::Column::Id)
            .all(&self.db)
            .await?;
        let events = audit_event::Entity::find()
            .filter(audit_event::Column::AccountId.eq(id))
            .order_by_asc(audit_event::Column::Id)
            .all(&self.db)
            .await?;
        Ok(Belongings { sessions, tokens, events })
    }
}
