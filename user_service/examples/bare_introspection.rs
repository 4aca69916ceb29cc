//! What `bench/accounts.py` compares introspection with: a handler that verifies the token with jsonwebtoken and answers
//! fixed bytes, without database, client authentication, limits or logs.
//!
//! `bare_introspection WORKERS JWKS ISSUER AUDIENCE ANSWER` prints the port it listens on.

use actix_web::{App, HttpResponse, HttpServer, web};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::Deserialize;

#[derive(Deserialize)]
struct Question {
    token: String,
}

struct Bare {
    key: DecodingKey,
    validation: Validation,
    answer: String,
}

async fn introspect(bare: web::Data<Bare>, question: web::Form<Question>) -> HttpResponse {
    match decode::<serde_json::Value>(&question.token, &bare.key, &bare.validation) {
        Ok(_) => HttpResponse::Ok().content_type("application/json").body(bare.answer.clone()),
        Err(_) => HttpResponse::Unauthorized().finish(),
    }
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [workers, jwks, issuer, audience, answer] = arguments.as_slice() else {
        return Err("usage: bare_introspection WORKERS JWKS ISSUER AUDIENCE ANSWER".into());
    };
    let keys: JwkSet = serde_json::from_str(jwks)?;
    let key = DecodingKey::from_jwk(keys.keys.first().ok_or("no key")?)?;
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_issuer(&[issuer]);
    validation.set_audience(&[audience]);
    let bare = web::Data::new(Bare { key, validation, answer: answer.clone() });
    let server = HttpServer::new(move || {
        App::new().app_data(bare.clone()).route("/oauth/introspect", web::post().to(introspect))
    });
    let server = server.workers(workers.parse()?).bind(("127.0.0.1", 0))?;
    println!("{}", server.addrs().first().ok_or("no address")?.port());
    Ok(server.run().await?)
}
