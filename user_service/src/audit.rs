//! The audit log: who did what, from where, and whether they were let. Events are added and never changed, which the
//! database itself enforces; they hold no secret and nothing that a client made up.

use entity::user_db::audit_event;
pub(crate) use entity::user_db::audit_event::{Action, Outcome};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use service_kit::client_address::ClientAddress;
use service_kit::clock::SharedClock;
use uuid::Uuid;

/// Writes events.
#[derive(Clone)]
pub(crate) struct Audit {
    clock: SharedClock,
}

/// One event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) who: Who,
    pub(crate) what: Action,
    /// None where the operator did it at the machine itself.
    pub(crate) from: Option<ClientAddress>,
    pub(crate) result: Outcome,
}

/// Who did something, and to whose account.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Who {
    /// Somebody unknown, to no account; without an address, the operator.
    Nobody,
    /// Somebody who did not prove to be the owner of this account.
    Stranger { account: Uuid },
    /// The owner of the account.
    Owner(Uuid),
    /// Somebody who administers accounts, their own perhaps.
    Administrator { id: Uuid, account: Uuid },
    /// Whoever may run commands on the machine.
    Operator { account: Uuid },
    /// The same, or the service by itself, about what is no account's.
    Machine,
}

impl Audit {
    pub(crate) fn new(clock: SharedClock) -> Self {
        Self { clock }
    }

    /// Adds `entry`: in the transaction of what it tells of, where there is one.
    pub(crate) async fn record(&self, db: &impl ConnectionTrait, entry: Entry) -> Result<(), DbErr> {
        let (account_id, actor_id) = match entry.who {
            Who::Nobody | Who::Machine => (None, None),
            Who::Stranger { account } | Who::Operator { account } => (Some(account), None),
            Who::Administrator { id, account } => (Some(account), Some(id)),
            Who::Owner(account) => (Some(account), Some(account)),
        };
        let row = audit_event::ActiveModel {
            id: Set(Uuid::now_v7()),
            at: Set(self.clock.now()),
            account_id: Set(account_id),
            actor_id: Set(actor_id),
            action: Set(entry.what),
            address: Set(entry.from.map(|address| address.to_string())),
            outcome: Set(entry.result),
        };
        audit_event::Entity::insert(row).exec_without_returning(db).await?;
        Ok(())
    }
}

/// Up to `limit` events, the newest first: those about `account` (all without one) that came before the event `before`.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    account: Option<Uuid>,
    before: Option<Uuid>,
    limit: u64,
) -> Result<Vec<audit_event::Model>, DbErr> {
    let mut query = audit_event::Entity::find().order_by_desc(audit_event::Column::Id).limit(limit);
    if let Some(account) = account {
        query = query.filter(audit_event::Column::AccountId.eq(account));
    }
    if let Some(before) = before {
        query = query.filter(audit_event::Column::Id.lt(before));
    }
    query.all(db).await
}
