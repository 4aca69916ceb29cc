//! Lists: filters, orders and cursors.

use rstest::rstest;
use serde_json::{Value, json};
use service_kit::testing::Backend;

use crate::support::{Kadr, Setup, User, black_then_loud, next_of, only_sound, red_then_blue, titles};

#[rstest]
#[actix_web::test]
async fn a_list_is_narrowed_by_what_the_record_says(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let (ada, bob) = (kadr.user("ada").await, kadr.user("bob").await);
    bob.post("/videos", json!({"title": "Not hers", "tags": ["a"]})).await.ok(201);
    ada.post("/videos", json!({"title": "One", "tags": ["a", "b"], "external_id": "x/1"})).await.ok(201);
    let two = ada.post("/videos", json!({"title": "Two", "tags": ["a"]})).await.ok(201);
    ada.post("/videos", json!({"title": "Three", "tags": ["b", "ä ö"]})).await.ok(201);
    let moment = two["created_at"].as_str().unwrap();

    let found = async |query: &str| titles(&ada.get(&format!("/videos?{query}")).await.ok(200));
    assert_eq!(found("tag=a").await, ["Two", "One"]);
    assert_eq!(found("tag=B,A").await, ["One"]);
    assert_eq!(found("tag=%C3%84%20%20%C3%96").await, ["Three"], "in the one form of a tag");
    assert_eq!(found("tag=c").await, Vec::<String>::new());
    assert_eq!(found("external_id=x/1").await, ["One"]);
    assert_eq!(found(&format!("created_after={moment}")).await, ["Three"]);
    assert_eq!(found(&format!("created_before={moment}&tag=a")).await, ["One"]);
    assert_eq!(found("status=ready").await, Vec::<String>::new());
    assert_eq!(found("duration_gt=0").await, Vec::<String>::new(), "what is not known is not found");
}

#[rstest]
#[actix_web::test]
async fn a_list_is_narrowed_by_what_the_analysis_found(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Kadr::start(backend).await;
    let ada = kadr.user("ada").await;
    for (title, film) in [("Colours", red_then_blue()), ("Sound", only_sound()), ("Black", black_then_loud())]
    {
        let path = ada.upload(film).await;
        ada.patch(&path, json!({ "title": title })).await.ok(200);
        assert_eq!(ada.ended_analysis(&path).await["status"], "succeeded");
    }
    let found = async |query: &str| titles(&ada.get(&format!("/videos?{query}")).await.ok(200));
    assert_eq!(found("has=black").await, ["Black"]);
    assert_eq!(found("has=silence").await, ["Black"]);
    assert_eq!(found("has=video,audio").await, ["Black", "Colours"]);
    assert_eq!(found("has=audio").await, ["Black", "Sound", "Colours"]);
    assert_eq!(found("true_peak_gt=-1").await, ["Black"]);
    assert_eq!(found("true_peak_lt=-1").await, ["Sound", "Colours"]);
    assert_eq!(found("loudness_gt=-10").await, ["Black"]);
    assert_eq!(found("shots_gt=1&loudness_lt=-10").await, ["Colours"]);
    assert_eq!(found("duration_lt=1.5").await, ["Sound"]);
    assert_eq!(found("duration_gt=1.5&codec=h264").await, ["Black", "Colours"]);
    assert_eq!(found("codec=aac").await, ["Black", "Sound", "Colours"]);
    assert_eq!(found("sort=duration_seconds").await, ["Sound", "Colours", "Black"]);
    assert_eq!(found("sort=-duration_seconds&limit=2").await, ["Black", "Colours"]);
}

#[rstest]
#[case("title", ["Alpha", "alpha", "Beta", "beta", "Ärger"])]
#[case("-title", ["Ärger", "beta", "Beta", "alpha", "Alpha"])]
#[case("created_at", ["Beta", "Ärger", "Alpha", "beta", "alpha"])]
#[case("-created_at", ["alpha", "beta", "Alpha", "Ärger", "Beta"])]
#[case("bytes", ["Beta", "Alpha", "beta", "Ärger", "alpha"])]
#[case("-bytes", ["alpha", "Ärger", "beta", "Alpha", "Beta"])]
#[case("duration_seconds", ["Beta", "Ärger", "Alpha", "beta", "alpha"])]
#[actix_web::test]
async fn every_order_is_the_same_on_both_databases_whatever_the_size_of_pages(
    #[case] sort: &str,
    #[case] expected: [&str; 5],
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let ada = kadr.user("ada").await;
    // Equal titles but for case, equal sizes, and one without any.
    for (title, bytes) in [("Beta", 0), ("Ärger", 9), ("Alpha", 3), ("beta", 3), ("alpha", 70)] {
        let path = ada.video(title).await;
        if bytes > 0 {
            ada.put(&format!("{path}/content?analyze=false"), vec![7; bytes]).await.ok(201);
        }
    }
    for limit in [1, 2, 5] {
        assert_eq!(walk(&ada, &format!("/videos?limit={limit}&sort={sort}")).await, expected, "{limit}");
    }
}

#[rstest]
#[actix_web::test]
async fn a_cursor_counts_only_for_the_question_it_came_with(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = Setup::on(backend).without_workers().start().await;
    let (ada, bob) = (kadr.user("ada").await, kadr.user("bob").await);
    for user in [&ada, &bob] {
        for title in ["One", "Two", "Three"] {
            user.post("/videos", json!({"title": title, "tags": ["a"]})).await.ok(201);
        }
    }
    let question = "sort=title&tag=a";
    let page = ada.get(&format!("/videos?limit=1&{question}")).await.ok(200);
    let cursor = page["next_cursor"].as_str().unwrap();
    let next = ada.get(&format!("/videos?limit=5&{question}&cursor={cursor}")).await.ok(200);
    assert_eq!((titles(&next), &next["next_cursor"]), (vec!["Three".into(), "Two".into()], &Value::Null));

    for other in ["sort=-title&tag=a", "sort=title", "sort=title&tag=b", "sort=bytes&tag=a", ""] {
        let answer = ada.get(&format!("/videos?{other}&cursor={cursor}")).await;
        answer.problem(400, "invalid-cursor");
    }
    bob.get(&format!("/videos?{question}&cursor={cursor}")).await.problem(400, "invalid-cursor");
    let mut forged = cursor.to_owned().into_bytes();
    forged[30] = if forged[30] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).unwrap();
    for cursor in [forged.as_str(), "garbage", "", "%00", "e30", &"A".repeat(2_000)] {
        ada.get(&format!("/videos?{question}&cursor={cursor}")).await.problem(400, "invalid-cursor");
    }
}

#[rstest]
#[case("true_peak_gt=NaN", "true_peak_gt")]
#[case("loudness_lt=-inf", "loudness_lt")]
#[case("duration_gt=long", "duration_gt")]
#[case("has=horses", "has")]
#[case("tag=", "tag")]
#[case("tag=a,%00", "tag")]
#[case("codec=%00", "codec")]
#[case("external_id=%0A", "external_id")]
#[case("sort=owner_id", "sort")]
#[case("created_after=yesterday", "created_after")]
#[case("created_after=-262143-01-01T00:00:00Z", "created_after")]
#[case("created_before=%2B10000-01-01T00:00:00Z", "created_before")]
#[case("shots_gt=99999999999", "shots_gt")]
#[actix_web::test]
async fn a_filter_that_makes_no_sense_is_named(#[case] query: &str, #[case] name: &str) {
    let kadr = Setup::on(Backend::Sqlite).without_workers().start().await;
    let ada = kadr.user("ada").await;
    let problem = ada.get(&format!("/videos?{query}")).await.problem(422, "validation-failed");
    assert_eq!(problem["errors"][0]["pointer"], name);
}

/// The titles of all pages from `address` on.
async fn walk(user: &User<'_>, address: &str) -> Vec<String> {
    let (mut seen, mut next) = (Vec::new(), Some(address.to_owned()));
    while let Some(address) = next {
        let page = user.get(&address).await;
        seen.extend(titles(&page.ok(200)));
        next = next_of(&page);
    }
    seen
}
