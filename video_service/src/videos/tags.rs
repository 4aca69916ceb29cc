//! Tags: short names that videos share.

use entity::video_db::video::Tags;
use entity::video_db::{video, video_tag};
use sea_orm::{ActiveValue::Set, ConnectionTrait, DbErr, EntityTrait, QueryFilter};
use service_kit::problem::FieldError;
use unicode_normalization::UnicodeNormalization;

/// Most tags of a video.
const MAX_TAGS: usize = 32;
/// Longest tag, in characters.
const MAX_TAG: usize = 64;

/// The tags that a client named, each once, in its order; `errors` learns which are none.
pub(super) fn parse(given: &[String], errors: &mut Vec<FieldError>) -> Tags {
    let mut tags: Vec<String> = Vec::new();
    if given.len() > MAX_TAGS {
        errors.push(FieldError::new("/tags", format!("must be at most {MAX_TAGS}")));
        return Tags(tags);
    }
    for (place, text) in given.iter().enumerate() {
        match normalize(text) {
            Ok(tag) if tags.contains(&tag) => {}
            Ok(tag) => tags.push(tag),
            Err(detail) => errors.push(FieldError::new(format!("/tags/{place}"), detail)),
        }
    }
    Tags(tags)
}

/// The one form of a tag: NFC, lower case, single spaces.
pub(super) fn normalize(text: &str) -> Result<String, String> {
    // Before it is worked on: what is far too long shall cost nothing.
    if text.chars().count() > 2 * MAX_TAG {
        return Err(format!("must have at most {MAX_TAG} characters"));
    }
    let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    let tag: String = words.join(" ").to_lowercase().nfc().collect();
    if tag.is_empty() {
        return Err("must not be empty".to_owned());
    }
    if tag.chars().count() > MAX_TAG {
        return Err(format!("must have at most {MAX_TAG} characters"));
    }
    // A comma separates tags in forms and filters.
    if tag.chars().any(|character| character.is_control() || character == ',') {
        return Err("must contain neither commas nor control characters".to_owned());
    }
    Ok(tag)
}

/// Makes the tags that filters see those of `row`.
pub(super) async fn write(db: &impl ConnectionTrait, row: &video::Model) -> Result<(), DbErr> {
    video_tag::Entity::delete_many().filter(video_tag::COLUMN.video_id.eq(row.id)).exec(db).await?;
    if row.tags.0.is_empty() {
        return Ok(());
    }
    let tags = row.tags.0.iter().map(|tag| video_tag::ActiveModel {
        owner_id: Set(row.owner_id),
        tag: Set(tag.clone()),
        video_id: Set(row.id),
    });
    video_tag::Entity::insert_many(tags).exec_without_returning(db).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(given: &[&str]) -> (Vec<String>, Vec<String>) {
        let given: Vec<String> = given.iter().map(|&tag| tag.to_owned()).collect();
        let mut errors = Vec::new();
        let tags = parse(&given, &mut errors).0;
        (tags, errors.into_iter().map(|error| error.pointer).collect())
    }

    #[test]
    fn a_tag_has_one_form_and_is_kept_once() {
        let (tags, errors) = parsed(&["  Big   Bunny ", "E\u{301}te\u{301}", "big bunny", "ÉTÉ"]);
        assert_eq!((tags, errors.len()), (vec!["big bunny".to_owned(), "été".to_owned()], 0));
    }

    #[test]
    fn every_wrong_tag_is_named() {
        let long = "x".repeat(65);
        let (tags, errors) = parsed(&["fine", " ", "a,b", "a\nb", &long]);
        assert_eq!(
            (tags, errors.join(" ")),
            (vec!["fine".to_owned()], "/tags/1 /tags/2 /tags/3 /tags/4".into())
        );
        let many: Vec<_> = (0..33).map(|number| number.to_string()).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        assert_eq!(parsed(&many).1, ["/tags"]);
    }
}
