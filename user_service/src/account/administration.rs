//! What administrators do with the accounts of others.

use entity::user_db::account::{self, Model};
use sea_orm::sea_query::{Expr, ExprTrait, Func, LikeExpr};
use sea_orm::{
    ColumnTrait, Condition, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, TransactionTrait,
};
use service_kit::client_address::ClientAddress;
use uuid::Uuid;

use super::Accounts;
use crate::audit::{Action, Entry, Outcome, Who};

/// Which accounts.
#[derive(Debug)]
pub(crate) struct Search {
    /// Part of the user name or of the address, in any case.
    pub(crate) text: Option<String>,
    /// Only accounts older than this one.
    pub(crate) before: Option<Uuid>,
    /// How many at most.
    pub(crate) limit: u64,
}

impl Accounts {
    /// The account `id`.
    pub(crate) async fn read(&self, id: Uuid) -> Result<Option<Model>, DbErr> {
        account::Entity::find_by_id(id).one(&self.db).await
    }

    /// Accounts, the newest first.
    pub(crate) async fn search(&self, search: Search) -> Result<Vec<Model>, DbErr> {
        let mut query = account::Entity::find().order_by_desc(account::Column::Id).limit(search.limit);
        if let Some(text) = search.text {
            let part = || LikeExpr::new(format!("%{}%", escaped(&text.to_lowercase()))).escape('\\');
            query = query.filter(
                Condition::any()
                    .add(Expr::col(account::Column::UsernameKey).like(part()))
                    .add(Expr::col(account::Column::EmailKey).like(part()))
                    // Of addresses that are not verified the key may know nothing; databases fold ASCII at least.
                    .add(Expr::expr(Func::lower(Expr::col(account::Column::Email))).like(part())),
            );
        }
        if let Some(before) = search.before {
            query = query.filter(account::Column::Id.lt(before));
        }
        query.all(&self.db).await
    }

    /// Disables the account `id`, or enables it again; one that is so already stays as it is. None where there is none.
    pub(crate) async fn set_disabled(
        &self,
        id: Uuid,
        disabled: bool,
        administrator: Uuid,
        from: ClientAddress,
    ) -> Result<Option<Model>, DbErr> {
        let now = self.clock.now();
        let (what, is_other) = if disabled {
            (Action::AccountDisable, account::Column::DisabledAt.is_null())
        } else {
            (Action::AccountEnable, account::Column::DisabledAt.is_not_null())
        };
        let transaction = self.db.begin().await?;
        let changed = account::Entity::update_many()
            .col_expr(account::Column::DisabledAt, Expr::value(disabled.then_some(now)))
            .col_expr(account::Column::UpdatedAt, Expr::value(now))
            .filter(account::Column::Id.eq(id))
            .filter(is_other)
            .exec(&transaction)
            .await?;
        if changed.rows_affected > 0 {
            let who = Who::Administrator { id: administrator, account: id };
            let entry = Entry { who, what, from: Some(from), result: Outcome::Success };
            self.audit.record(&transaction, entry).await?;
        }
        let account = account::Entity::find_by_id(id).one(&transaction).await?;
        transaction.commit().await?;
        Ok(account)
    }
}

/// `text` without its meaning in a LIKE pattern.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}
