//! Keys that take turns, and what becomes of tokens meanwhile.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use entity::user_db::{audit_event, signing_key};
use jsonwebtoken::decode_header;
use rstest::rstest;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use service_kit::testing::Backend;

use crate::support::TestService;

fn kid(token: &str) -> String {
    decode_header(token).unwrap().kid.unwrap()
}

async fn published(service: &TestService) -> BTreeSet<String> {
    let answer = service.get("/.well-known/jwks.json").await;
    assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
    let keys = answer.body["keys"].as_array().unwrap().iter();
    keys.map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

async fn token(service: &TestService) -> String {
    service.login("ann").await.body["access_token"].as_str().unwrap().to_owned()
}

#[rstest]
#[actix_web::test]
async fn tokens_count_until_they_expire_though_another_key_signs(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start_with(backend, &[("TOKENS__SIGNING_KEY_DAYS", "1")]).await;
    service.register("ann").await;
    service.clock.advance(TimeDelta::days(1) - TimeDelta::seconds(1));
    let before = token(&service).await;
    service.clock.advance(TimeDelta::seconds(1));
    // Nobody has looked for less than the ten seconds within which instances follow.
    assert_eq!(kid(&token(&service).await), kid(&before));
    service.clock.advance(TimeDelta::seconds(10));
    let after = token(&service).await;
    assert_ne!(kid(&before), kid(&after));
    assert_eq!(published(&service).await, BTreeSet::from([kid(&before), kid(&after)]));
    for token in [&before, &after] {
        assert_eq!(service.profile(token).await.status, 200);
        assert_eq!(service.introspect(token).await.body["active"], true);
    }

    service.clock.advance(TimeDelta::seconds(888));
    assert_eq!(service.profile(&before).await.status, 200, "its last second");
    service.clock.advance(TimeDelta::seconds(1));
    service.profile(&before).await.assert_problem(401, "invalid-token");
    assert_eq!(service.profile(&after).await.status, 200);
    service.clock.advance(TimeDelta::seconds(72));
    assert_eq!(published(&service).await, BTreeSet::from([kid(&after)]));
    assert_eq!(signing_key::Entity::find().all(&service.database().await).await.unwrap().len(), 1);
}

#[rstest]
#[actix_web::test]
async fn instances_believe_each_others_keys_at_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    service.register("ann").await;
    let first = token(&service).await;
    let (service, other) = service.with_another_instance(&[]).await;
    service.clock.advance(TimeDelta::days(90));
    let new = token(&other).await;
    assert_ne!(kid(&first), kid(&new));
    assert_eq!(service.profile(&new).await.status, 200);
    assert_eq!(kid(&token(&service).await), kid(&new), "and no second one is made");
    let rotations = audit_event::Entity::find()
        .filter(audit_event::Column::Action.eq(audit_event::Action::SigningKeyRotate));
    let rotations = rotations.all(&service.database().await).await.unwrap();
    assert_eq!(rotations.len(), 1);
}
