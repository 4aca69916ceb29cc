//! What `bench/videos.py` compares `GET /videos/{id}` with: a handler that makes one SELECT by key through sqlx and answers
//! fixed bytes, without tokens, limits or logs.
//!
//! `bare_record WORKERS DATABASE CONNECTIONS ANSWER` prints the port it listens on.

use std::net::SocketAddr;

use actix_web::{App, HttpResponse, HttpServer, web};
use sea_orm::sqlx::postgres::PgPoolOptions;
use sea_orm::sqlx::sqlite::SqlitePoolOptions;
use sea_orm::sqlx::{self, PgPool, SqlitePool};
use uuid::Uuid;

struct Bare<P> {
    pool: P,
    answer: String,
}

impl<P> Bare<P> {
    fn answer(&self, found: bool) -> HttpResponse {
        if found {
            HttpResponse::Ok().content_type("application/json").body(self.answer.clone())
        } else {
            HttpResponse::NotFound().finish()
        }
    }
}

async fn from_sqlite(bare: web::Data<Bare<SqlitePool>>, id: web::Path<Uuid>) -> HttpResponse {
    let query = sqlx::query("SELECT * FROM video WHERE id = ?").bind(id.into_inner());
    bare.answer(query.fetch_one(&bare.pool).await.is_ok())
}

async fn from_postgres(bare: web::Data<Bare<PgPool>>, id: web::Path<Uuid>) -> HttpResponse {
    let query = sqlx::query("SELECT * FROM video WHERE id = $1").bind(id.into_inner());
    bare.answer(query.fetch_one(&bare.pool).await.is_ok())
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [workers, database, connections, answer] = arguments.as_slice() else {
        return Err("usage: bare_record WORKERS DATABASE CONNECTIONS ANSWER".into());
    };
    let (workers, connections) = (workers.parse()?, connections.parse()?);
    let answer = answer.clone();
    let server = if database.starts_with("sqlite:") {
        let pool = SqlitePoolOptions::new().max_connections(connections).connect(database).await?;
        let bare = web::Data::new(Bare { pool, answer });
        let app = move || App::new().app_data(bare.clone()).route("/videos/{id}", web::get().to(from_sqlite));
        let server = HttpServer::new(app).workers(workers).bind(("127.0.0.1", 0))?;
        tell(&server.addrs())?;
        server.run()
    } else {
        let pool = PgPoolOptions::new().max_connections(connections).connect(database).await?;
        let bare = web::Data::new(Bare { pool, answer });
        let app =
            move || App::new().app_data(bare.clone()).route("/videos/{id}", web::get().to(from_postgres));
        let server = HttpServer::new(app).workers(workers).bind(("127.0.0.1", 0))?;
        tell(&server.addrs())?;
        server.run()
    };
    Ok(server.await?)
}

fn tell(addresses: &[SocketAddr]) -> Result<(), &'static str> {
    println!("{}", addresses.first().ok_or("no address")?.port());
    Ok(())
}
