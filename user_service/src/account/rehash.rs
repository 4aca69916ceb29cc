//! Password hashes that follow the configured cost.

use entity::secret_text::SecretText;
use entity::user_db::account::{self, Model};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter};

use super::Accounts;

impl Accounts {
    /// Keeps `hash`, of the same password, in the place of the one in `before`, and says so; not if that one was replaced
    /// since. To the owner nothing changes.
    pub(crate) async fn renew_hash(&self, before: &Model, hash: SecretText) -> Result<bool, DbErr> {
        let written = account::Entity::update_many()
            .col_expr(account::Column::PasswordHash, Expr::value(hash))
            .filter(account::Column::Id.eq(before.id))
            .filter(account::Column::PasswordHash.eq(before.password_hash.clone()))
            .exec(&self.db)
            .await?;
        Ok(written.rows_affected == 1)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::DateTime;
    use entity::user_db::account::Role;
    use migration::user_db::Migrator;
    use rstest::rstest;
    use sea_orm::Database;
    use sea_orm_migration::MigratorTrait;
    use service_kit::clock::{ManualClock, SharedClock};
    use service_kit::testing::{Backend, TestDatabase};

    use super::*;
    use crate::account::{Applicant, Email, NewAccount, Username};
    use crate::mail::Post;
    use crate::outbox::Bell;

    #[rstest]
    #[actix_web::test]
    async fn a_password_that_was_changed_meanwhile_stays(
        #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    ) {
        let database = TestDatabase::create(backend).await.unwrap();
        let db = Database::connect(database.url()).await.unwrap();
        Migrator::up(&db, None).await.unwrap();
        let clock: SharedClock = ManualClock::at(DateTime::UNIX_EPOCH);
        let post = Post::new(false, Arc::clone(&clock), Bell::default());
        let accounts = Accounts::new(db.clone(), clock, Bell::default(), post, false);
        let new = NewAccount {
            username: Username::try_from("ann".to_owned()).unwrap(),
            email: Email::try_from("ann@example.org".to_owned()).unwrap(),
            display_name: None,
            role: Role::User,
        };
        let hash = |text: &str| SecretText(text.to_owned());
        let read = accounts.create(new, hash("first"), Applicant::Operator).await.unwrap();
        assert!(accounts.renew_hash(&read, hash("first, renewed")).await.unwrap());
        let renewed = accounts.read(read.id).await.unwrap().unwrap();
        assert_eq!(renewed.password_hash.0, "first, renewed");
        assert_eq!(renewed.revision, read.revision);

        let change = account::Entity::update_many();
        let change = change.col_expr(account::Column::PasswordHash, Expr::value(hash("second")));
        change.exec(&db).await.unwrap();
        assert!(!accounts.renew_hash(&renewed, hash("first, renewed again")).await.unwrap());
        assert_eq!(accounts.read(read.id).await.unwrap().unwrap().password_hash.0, "second");
    }
}
