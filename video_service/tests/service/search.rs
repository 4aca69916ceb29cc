//! Full-text search: `GET /videos?q=…`.

use rstest::rstest;
use serde_json::json;
use service_kit::testing::Backend;

use crate::support::{Kadr, Setup, User, next_of, red_then_blue, titles};

async fn found(user: &User<'_>, query: &str) -> Vec<String> {
    let query: String = form_urlencoded::byte_serialize(query.as_bytes()).collect();
    titles(&user.get(&format!("/videos?q={query}")).await.ok(200))
}

async fn library(backend: Backend) -> Kadr {
    Setup::on(backend).without_workers().start().await
}

#[rstest]
#[actix_web::test]
async fn title_description_and_tags_are_searched(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = library(backend).await;
    let (ada, bob) = (kadr.user("ada").await, kadr.user("bob").await);
    bob.post("/videos", json!({"title": "Bunny of somebody else"})).await.ok(201);
    for new in [
        json!({"title": "big_buck_bunny.mp4", "description": "A giant rabbit, three rodents"}),
        json!({"title": "Café Müller", "tags": ["night train", "rabbit"]}),
        json!({"title": "東京物語", "description": "It's 1953's “Tokyo Story”"}),
    ] {
        ada.post("/videos", new).await.ok(201);
    }
    assert_eq!(found(&ada, "bunny").await, ["big_buck_bunny.mp4"]);
    assert_eq!(found(&ada, "RABBIT").await, ["Café Müller", "big_buck_bunny.mp4"]);
    assert_eq!(found(&ada, "rabbit three").await, ["big_buck_bunny.mp4"], "every word must be there");
    assert_eq!(found(&ada, "bun gia").await, ["big_buck_bunny.mp4"], "words by their beginnings");
    assert_eq!(found(&ada, "unny").await, Vec::<String>::new());
    assert_eq!(found(&ada, "cafe muller").await, ["Café Müller"]);
    assert_eq!(found(&ada, "MÜLLER Train").await, ["Café Müller"]);
    assert_eq!(found(&ada, "東京").await, ["東京物語"]);
    assert_eq!(found(&ada, "tokyo-1953").await, ["東京物語"]);
    assert_eq!(found(&ada, &bob.account().await.replace('-', "")).await, Vec::<String>::new());
}

#[rstest]
#[actix_web::test]
async fn a_search_follows_changes_and_goes_with_filters_and_pages(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = library(backend).await;
    let ada = kadr.user("ada").await;
    let one = ada.video("Red one").await;
    ada.video("Red two").await;
    let tagged = ada.post("/videos", json!({"title": "Red three", "tags": ["sea"]})).await;
    let film = ("file", Some("crimson.mp4"), "video/mp4", red_then_blue());
    ada.send_form(&[film]).await.ok(201);
    assert_eq!(found(&ada, "crimson").await, ["crimson.mp4"], "a title that is the name of a file");

    ada.patch(&one, json!({"title": "Blue one"})).await.ok(200);
    assert_eq!(found(&ada, "red").await, ["Red three", "Red two"]);
    assert_eq!(found(&ada, "blue").await, ["Blue one"]);
    ada.patch(tagged.header("location"), json!({"tags": ["lake"]})).await.ok(200);
    assert_eq!((found(&ada, "sea").await, found(&ada, "lake").await), (vec![], vec!["Red three".to_owned()]));

    assert_eq!(titles(&ada.get("/videos?q=red&tag=lake").await.ok(200)), ["Red three"]);
    let first = ada.get("/videos?q=red&sort=title&limit=1").await;
    assert_eq!(titles(&first.ok(200)), ["Red three"]);
    assert_eq!(titles(&ada.get(&next_of(&first).unwrap()).await.ok(200)), ["Red two"]);
}

#[rstest]
#[actix_web::test]
async fn no_text_that_is_searched_for_is_an_error(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let kadr = library(backend).await;
    let ada = kadr.user("ada").await;
    ada.video("Bunny NEAR OR NOT").await;
    for hostile in [
        "",
        " ",
        "\"",
        "'",
        "\"\"\"",
        "bun*ny",
        "AND",
        "(",
        ")",
        "words:x",
        "^bunny zz",
        "-bunny zz",
        "bunny & zz",
        "bunny | zz",
        "<->",
        "bunny:*zz",
        "\\",
        "%",
        "_",
        "'; DROP TABLE video; --",
        "\u{0}",
        "a\u{0}b",
        "\u{feff}",
        "\u{1F600}",
        "ʼ",
        "{",
        "x:A",
        "$1",
        "?",
    ] {
        assert_eq!(found(&ada, hostile).await, Vec::<String>::new(), "{hostile:?}");
    }
    for found_anyway in [
        "bunny\u{0}",
        "bunny\"",
        "!bunny",
        "\"bunny\"",
        "bunny*",
        "-bunny",
        "NOT",
        "NEAR(bunny)",
        "bunny' OR",
    ] {
        let wanted = ["Bunny NEAR OR NOT"];
        assert_eq!(found(&ada, found_anyway).await, wanted, "{found_anyway:?}");
    }
    let endless = "x".repeat(201);
    let problem = ada.get(&format!("/videos?q={endless}")).await.problem(422, "validation-failed");
    assert_eq!(problem["errors"][0]["pointer"], "q");
    let words: Vec<_> = ('a'..='z').chain('0'..='9').map(String::from).collect();
    assert_eq!(found(&ada, &words.join(" ")).await, Vec::<String>::new());
    assert_eq!(ada.get("/videos").await.ok(200)["items"].as_array().map(Vec::len), Some(1));
}
