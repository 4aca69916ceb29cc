//! The actor by itself: clients that hang up, and its death.

use std::net::{IpAddr, Ipv4Addr};

use actix::ActorContext;
use chrono::DateTime;
use entity::secret_text::SecretText;
use entity::user_db::session;
use futures_util::FutureExt;
use migration::user_db::Migrator;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ConnectionTrait, Database, EntityTrait};
use sea_orm_migration::MigratorTrait;
use service_kit::clock::ManualClock;
use service_kit::problem::Problem;

use super::*;
use crate::settings::Settings;
use crate::signing_keys::SigningKeys;

/// The actor's end, as a bug in it would bring it about.
#[derive(Message)]
#[rtype(result = "()")]
struct Die;

impl Handler<Die> for SessionActor {
    type Result = ();

    fn handle(&mut self, _: Die, context: &mut Self::Context) {
        context.stop();
    }
}

/// An actor on an empty database with one account.
async fn sessions() -> (Sessions, DatabaseConnection, Uuid) {
    let db = Database::connect("sqlite::memory:").await.unwrap();
    Migrator::up(&db, None).await.unwrap();
    let clock = ManualClock::at(DateTime::UNIX_EPOCH);
    let account_id = add_account(&db).await;
    let settings = Settings::load(None, std::iter::empty()).unwrap().tokens;
    let keys = Arc::new(SigningKeys::load_or_create(db.clone(), clock.clone(), &settings).await.unwrap());
    let sessions = Sessions::start(
        db.clone(),
        clock,
        AccessTokens::new(keys, &settings),
        RefreshTokens::new(&"secret".to_owned().into()),
        Lifetimes::from(&settings),
    );
    (sessions, db, account_id)
}

async fn add_account(db: &impl ConnectionTrait) -> Uuid {
    let id = Uuid::now_v7();
    let row = account::ActiveModel {
        id: Set(id),
        username: Set("ann".to_owned()),
        username_key: Set("ann".to_owned()),
        email: Set("ann@example.org".to_owned()),
        email_key: Set("ann@example.org".to_owned()),
        password_hash: Set(SecretText(String::new())),
        display_name: Set(None),
        created_at: Set(DateTime::UNIX_EPOCH),
        updated_at: Set(DateTime::UNIX_EPOCH),
        ..Default::default()
    };
    account::Entity::insert(row).exec_without_returning(db).await.unwrap();
    id
}

const FROM: ClientAddress = ClientAddress(IpAddr::V4(Ipv4Addr::LOCALHOST));

fn logout(account_id: Uuid) -> Entry {
    let who = Who::Owner(account_id);
    Entry { who, what: Action::Logout, from: Some(FROM), result: Outcome::Success }
}

fn new_session(account_id: Uuid) -> NewSession {
    NewSession {
        account_id,
        password_hash: SecretText(String::new()),
        scope: "profile:read".to_owned(),
        device: None,
        from: FROM,
    }
}

#[actix_web::test]
async fn a_command_is_carried_out_even_if_the_client_hangs_up() {
    let (sessions, _, account_id) = sessions().await;
    let grant = sessions.open(new_session(account_id)).await.unwrap();
    let caller = sessions.authenticate(&grant.access_token.text).await.unwrap();

    // Polled once and dropped, as the server does with a handler whose client has gone.
    assert!(
        sessions
            .end(Ending::One { id: caller.claims.sid, account: account_id }, logout(account_id))
            .now_or_never()
            .is_none()
    );
    let ended = async {
        while sessions.authenticate(&grant.access_token.text).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), ended).await.expect("the session has ended");
}

#[actix_web::test]
async fn a_session_is_opened_with_its_refresh_token_or_not_at_all() {
    let (sessions, db, account_id) = sessions().await;
    db.execute_unprepared("DROP TABLE refresh_token").await.unwrap();
    let outcome = sessions.open(new_session(account_id)).await;
    assert!(matches!(outcome, Err(SessionError::Database(_))));
    assert!(session::Entity::find().one(&db).await.unwrap().is_none());
}

#[actix_web::test]
async fn no_session_is_opened_with_a_password_that_was_replaced_since_it_was_proven() {
    let (sessions, db, account_id) = sessions().await;
    let mut late = new_session(account_id);
    late.password_hash = SecretText("another".to_owned());
    let outcome = sessions.open(late).await;
    assert!(matches!(outcome, Err(SessionError::Rejected(Rejection::NotProven))));
    let at = Some(DateTime::UNIX_EPOCH);
    let disabling = account::Entity::update_many().col_expr(account::Column::DisabledAt, Expr::value(at));
    disabling.exec(&db).await.unwrap();
    let outcome = sessions.open(new_session(account_id)).await;
    assert!(matches!(outcome, Err(SessionError::Rejected(Rejection::NotProven))));
    assert!(session::Entity::find().one(&db).await.unwrap().is_none());
}

#[actix_web::test]
async fn a_dead_actor_is_unready_and_a_503() {
    let (sessions, _, account_id) = sessions().await;
    assert!(sessions.ping().await.is_ok());
    assert!(sessions.ended().now_or_never().is_none());
    sessions.address.send(Die).await.unwrap();
    sessions.ended().await;
    assert!(sessions.ping().await.is_err());
    let error = sessions.open(new_session(account_id)).await.err().unwrap();
    assert_eq!(actix_web::ResponseError::status_code(&Problem::from(error)), 503);
}

#[actix_web::test]
async fn a_dead_actor_ends_the_application_with_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let variables = [("DATA_DIR", folder.path().to_str().unwrap()), ("HTTP__PORT", "0")];
    let variables = variables.map(|(name, value)| (format!("USER_SERVICE__{name}"), value.to_owned()));
    let settings = Settings::load(None, variables.into_iter()).unwrap();
    let application = crate::Application::build(&settings).await.unwrap();
    application.sessions.address.send(Die).await.unwrap();
    let error = application.run_until_stopped().await.unwrap_err();
    assert!(error.to_string().contains("session actor"), "{error}");
}
