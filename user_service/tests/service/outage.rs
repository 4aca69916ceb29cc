//! The database goes away in the middle, and comes back.

use actix_web::http::{Method, header};
use actix_web::rt::net::{TcpListener, TcpStream};
use actix_web::rt::task::JoinHandle;
use serde_json::json;
use service_kit::testing::{Backend, TestDatabase};
use tokio::io::copy_bidirectional;
use tokio::task::JoinSet;

use crate::support::{Answer, TestService, read};

/// A way to the database that can be cut.
struct Cable {
    address: String,
    database: String,
    connections: JoinHandle<()>,
}

impl Cable {
    async fn to(database: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let connections = carry(listener, database.clone());
        Self { address, database, connections }
    }

    /// Ends every connection, and refuses others.
    async fn cut(&mut self) {
        self.connections.abort();
        let _ = (&mut self.connections).await;
    }

    async fn mend(&mut self) {
        let listener = TcpListener::bind(&self.address).await.unwrap();
        self.connections = carry(listener, self.database.clone());
    }
}

/// Connects whoever comes. The connections end with the task.
fn carry(listener: TcpListener, database: String) -> JoinHandle<()> {
    actix_web::rt::spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((mut client, _)) = listener.accept().await {
            let mut server = TcpStream::connect(&database).await.unwrap();
            connections.spawn(async move { copy_bidirectional(&mut client, &mut server).await });
        }
    })
}

#[track_caller]
fn assert_away(answer: &Answer) {
    answer.assert_problem(503, "unavailable");
    assert_eq!(answer.header(header::RETRY_AFTER), Some("5"));
}

#[actix_web::test]
async fn without_its_database_the_service_says_so_and_recovers_by_itself() {
    let database = TestDatabase::create(Backend::Postgres).await.unwrap();
    let authority = database.url().split('@').nth(1).unwrap().split('/').next().unwrap();
    let mut cable = Cable::to(authority.to_owned()).await;
    let url = database.url().replace(authority, &cable.address);
    let variables = [("DATABASE__URL", url.as_str()), ("DATABASE__ACQUIRE_TIMEOUT_SECONDS", "1")];
    let service = TestService::start_with(Backend::Sqlite, &variables).await;
    let session = service.new_session("ann").await;
    let token = session["access_token"].as_str().unwrap();

    cable.cut().await;
    assert_away(&service.profile(token).await);
    assert_away(&service.login("ann").await);
    assert_away(&service.refresh(&session["refresh_token"]).await);
    assert_away(&service.register("bob").await);
    assert_away(&service.introspect(token).await);
    let ready = read(service.request(Method::GET, "/readyz").send()).await;
    assert_eq!((ready.status, &ready.body["checks"]["database"]), (503, &json!("unavailable")));
    assert_eq!(service.get("/healthz").await.status, 200);

    cable.mend().await;
    assert_eq!(service.profile(token).await.status, 200);
    assert_eq!(service.refresh(&session["refresh_token"]).await.status, 200, "the token was not used up");
    assert_eq!(service.login("ann").await.status, 200);
    assert_eq!(service.register("bob").await.status, 201, "nothing was half done");
    assert_eq!(service.get("/readyz").await.status, 200);
}
