//! Tokens that do not count: whatever is wrong with them, they open nothing.

use actix_web::http::{Method, header};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use ed25519_dalek::VerifyingKey;
use ed25519_dalek::pkcs8::EncodePublicKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use entity::user_db::{account, signing_key};
use jsonwebtoken::{Algorithm, EncodingKey, Header, decode_header, encode};
use rstest::rstest;
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use service_kit::testing::Backend;

use crate::support::{TestService, read};

/// A service with one session, and what is needed to forge tokens of it.
struct Forge {
    service: TestService,
    claims: Value,
    header: Header,
    key: EncodingKey,
}

impl Forge {
    async fn new(backend: Backend) -> Self {
        let service = TestService::start(backend).await;
        let token = service.new_session("ann").await["access_token"].as_str().unwrap().to_owned();
        let row = signing_key::Entity::find().one(&service.database().await).await.unwrap().unwrap();
        let payload = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
        Self {
            service,
            claims: serde_json::from_slice(&payload).unwrap(),
            header: decode_header(&token).unwrap(),
            key: EncodingKey::from_ed_pem(row.private_key_pem.0.as_bytes()).unwrap(),
        }
    }

    fn sign(&self) -> String {
        encode(&self.header, &self.claims, &self.key).unwrap()
    }

    async fn assert_refused(&self, token: &str) {
        let answer = self.service.profile(token).await;
        answer.assert_problem(401, "invalid-token");
        assert!(answer.header(header::WWW_AUTHENTICATE).unwrap().contains("error=\"invalid_token\""));
        self.service
            .with_token(Method::POST, "/users/logout", token)
            .await
            .assert_problem(401, "invalid-token");
        let introspected = self.service.introspect(token).await;
        assert_eq!((introspected.status, introspected.body), (200, json!({"active": false})));
    }
}

/// Base64url of a JSON part of a token.
fn part(value: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(value.to_string())
}

#[rstest]
#[actix_web::test]
async fn the_forged_tokens_of_these_tests_would_count_if_nothing_were_wrong_with_them(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let forge = Forge::new(backend).await;
    assert_eq!(forge.service.profile(&forge.sign()).await.status, 200);
}

#[rstest]
#[case::another_issuer("iss", json!("http://evil.example"))]
#[case::another_audience("aud", json!("somebody-else"))]
#[case::expired("exp", json!(1_799_999_999))]
#[case::expiring_this_second("exp", json!(1_800_000_000))]
#[case::expiry_in_words("exp", json!("tomorrow"))]
#[case::unknown_session("sid", json!("00000000-0000-7000-8000-000000000000"))]
#[case::unknown_account("sub", json!("00000000-0000-7000-8000-000000000000"))]
#[case::no_subject("sub", Value::Null)]
#[case::session_that_is_none("sid", json!("' OR 1=1 --"))]
#[actix_web::test]
async fn a_token_that_says_something_else_does_not_count(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] claim: &str,
    #[case] value: Value,
) {
    let mut forge = Forge::new(backend).await;
    forge.claims[claim] = value;
    forge.assert_refused(&forge.sign()).await;
}

#[rstest]
#[actix_web::test]
async fn a_token_without_signature_does_not_count(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[values("none", "None", "EdDSA")] algorithm: &str,
) {
    let forge = Forge::new(backend).await;
    let header = json!({"alg": algorithm, "typ": "at+jwt", "kid": forge.header.kid});
    let unsigned = format!("{}.{}", part(&header), part(&forge.claims));
    for token in [format!("{unsigned}."), unsigned] {
        forge.assert_refused(&token).await;
    }
}

#[rstest]
#[actix_web::test]
async fn the_public_key_is_no_hmac_secret(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let mut forge = Forge::new(backend).await;
    let published = forge.service.get("/.well-known/jwks.json").await.body;
    let public = published["keys"][0]["x"].as_str().unwrap();
    let raw = BASE64_URL_SAFE_NO_PAD.decode(public).unwrap();
    let point: [u8; 32] = raw.as_slice().try_into().unwrap();
    let key = VerifyingKey::from_bytes(&point).unwrap();
    let pem = key.to_public_key_pem(LineEnding::LF).unwrap();
    let der = key.to_public_key_der().unwrap().into_vec();
    let jwk = published["keys"][0].to_string().into_bytes();
    let set = published.to_string().into_bytes();
    forge.header.alg = Algorithm::HS256;
    for secret in [public.as_bytes(), &raw, pem.as_bytes(), pem.trim_end().as_bytes(), &der, &jwk, &set] {
        forge.key = EncodingKey::from_secret(secret);
        forge.assert_refused(&forge.sign()).await;
    }
}

#[rstest]
#[actix_web::test]
async fn a_key_that_is_not_ours_signs_nothing(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let mut forge = Forge::new(backend).await;
    let other = Forge::new(backend).await;
    let honest = forge.sign();
    let (rest, signature) = honest.rsplit_once('.').unwrap();

    forge.key = other.key;
    forge.assert_refused(&forge.sign()).await;
    forge.header.kid = other.header.kid;
    forge.assert_refused(&forge.sign()).await;
    forge.header.kid = None;
    forge.assert_refused(&forge.sign()).await;

    let mut bytes = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    bytes[0] ^= 1;
    forge.assert_refused(&format!("{rest}.{}", BASE64_URL_SAFE_NO_PAD.encode(bytes))).await;
}

#[rstest]
#[case::unknown("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")]
#[case::empty("")]
#[case::path("../../../../etc/passwd")]
#[case::sql("' OR kid <> '")]
#[case::sql_of_a_key("x' UNION SELECT * FROM signing_key --")]
#[case::nul("\u{0}")]
#[case::address("http://evil.example/key")]
#[case::endless(&"k".repeat(2000))]
#[actix_web::test]
async fn a_key_that_is_none_of_ours_is_not_looked_for_anywhere_else(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] kid: &str,
) {
    let mut forge = Forge::new(backend).await;
    forge.header.kid = Some(kid.to_owned());
    forge.assert_refused(&forge.sign()).await;
}

#[rstest]
#[actix_web::test]
async fn each_key_counts_under_its_own_name_alone(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let mut forge = Forge::new(backend).await;
    let first = forge.header.kid.clone();
    forge.service.clock.advance(TimeDelta::days(90));
    // Both keys are ours, and both are published: another one signs from now on.
    let token = forge.service.login("ann").await.body["access_token"].as_str().unwrap().to_owned();
    assert_eq!(forge.service.profile(&token).await.status, 200);
    let header = decode_header(&token).unwrap();
    assert_ne!(header.kid, first);
    let payload = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    forge.claims = serde_json::from_slice(&payload).unwrap();
    assert_eq!(forge.service.profile(&forge.sign()).await.status, 200, "the first key still verifies");
    forge.header.kid = header.kid;
    forge.assert_refused(&forge.sign()).await;
}

#[rstest]
#[actix_web::test]
async fn a_key_that_comes_along_with_the_token_is_not_believed(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let mut forge = Forge::new(backend).await;
    let other = Forge::new(backend).await;
    let published = other.service.get("/.well-known/jwks.json").await.body;
    forge.key = other.key;
    let honest = forge.header.clone();
    for kid in [honest.kid.clone(), other.header.kid, None] {
        forge.header = Header { kid, ..honest.clone() };
        forge.header.jwk = Some(serde_json::from_value(published["keys"][0].clone()).unwrap());
        forge.assert_refused(&forge.sign()).await;
        forge.header.jwk = None;
        forge.header.jku = Some(other.service.url("/.well-known/jwks.json"));
        forge.assert_refused(&forge.sign()).await;
    }
}

#[rstest]
#[actix_web::test]
async fn what_was_changed_after_it_was_signed_does_not_count(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let mut forge = Forge::new(backend).await;
    let honest = forge.sign();
    let parts: Vec<_> = honest.split('.').map(ToOwned::to_owned).collect();
    forge.claims["scope"] = json!("profile:read admin");
    let claims = part(&forge.claims);
    forge.assert_refused(&format!("{}.{claims}.{}", parts[0], parts[2])).await;
    let header = part(&json!({"alg": "EdDSA", "typ": "at+jwt", "kid": forge.header.kid}));
    assert_ne!(header, parts[0], "the same header, in another order");
    forge.assert_refused(&format!("{header}.{}.{}", parts[1], parts[2])).await;
    forge.assert_refused(&format!("{honest}=")).await;
    forge.assert_refused(&format!("{honest}.")).await;
}

#[rstest]
#[actix_web::test]
async fn a_token_of_another_type_is_no_access_token(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let mut forge = Forge::new(backend).await;
    for kind in [None, Some("JWT".to_owned()), Some("dpop+jwt".to_owned())] {
        forge.header.typ = kind;
        forge.assert_refused(&forge.sign()).await;
    }
}

#[rstest]
#[actix_web::test]
async fn a_token_expires(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let forge = Forge::new(backend).await;
    let token = forge.sign();
    forge.service.clock.advance(TimeDelta::seconds(899));
    assert_eq!(forge.service.profile(&token).await.status, 200);
    forge.service.clock.advance(TimeDelta::seconds(1));
    forge.assert_refused(&token).await;
}

#[rstest]
#[actix_web::test]
async fn a_token_of_an_instance_whose_clock_is_ahead_counts_until_it_expires(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let mut forge = Forge::new(backend).await;
    let hour = 3600;
    for time in ["iat", "exp"] {
        forge.claims[time] = (forge.claims[time].as_i64().unwrap() + hour).into();
    }
    let token = forge.sign();
    assert_eq!(forge.service.profile(&token).await.status, 200);
    forge.service.clock.advance(TimeDelta::seconds(hour + 900));
    forge.assert_refused(&token).await;
}

#[rstest]
#[actix_web::test]
async fn a_clock_that_was_set_back_loses_no_session(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    let session = service.new_session("ann").await;
    service.clock.advance(TimeDelta::hours(-1));
    assert_eq!(service.profile(session["access_token"].as_str().unwrap()).await.status, 200);
    let next = service.refresh(&session["refresh_token"]).await;
    assert_eq!(next.status, 200);
    assert_eq!(service.profile(next.body["access_token"].as_str().unwrap()).await.status, 200);
}

#[rstest]
#[actix_web::test]
async fn the_tokens_of_a_deleted_account_do_not_count(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let forge = Forge::new(backend).await;
    let refresh_token = forge.service.login("ann").await.body["refresh_token"].clone();
    account::Entity::delete_many().exec(&forge.service.database().await).await.unwrap();
    forge.assert_refused(&forge.sign()).await;
    forge.service.refresh(&refresh_token).await.assert_problem(401, "invalid-token");
}

#[rstest]
#[case::words("garbage")]
#[case::dots("..")]
#[case::many_dots("a.b.c.d")]
#[case::not_base64("%%%.%%%.%%%")]
#[case::endless(&"x".repeat(5000))]
#[actix_web::test]
async fn garbage_does_not_count(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] token: &str,
) {
    Forge::new(backend).await.assert_refused(token).await;
}

#[rstest]
#[case::no_header(None)]
#[case::another_scheme(Some("Basic YW5uOnNlY3JldA=="))]
#[actix_web::test]
async fn no_token_is_answered_with_a_challenge_that_blames_nobody(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] authorization: Option<&str>,
) {
    let service = TestService::start(backend).await;
    let mut request = service.request(Method::GET, "/users/profile");
    if let Some(value) = authorization {
        request = request.insert_header((header::AUTHORIZATION, value));
    }
    let answer = read(request.send()).await;
    answer.assert_problem(401, "authentication-required");
    assert_eq!(answer.header(header::WWW_AUTHENTICATE), Some("Bearer realm=\"kadr\""));
}
