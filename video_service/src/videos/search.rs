//! Full-text search in titles, descriptions and tags.
//!
//! Text is cut into words here, in one way for what is kept and for what is asked: neither database's own rules decide
//! what a word is, so both find the same, and no query text has a meaning to them. The owner's id is the first word of
//! what is kept: a search looks at nobody else's videos.

use std::collections::BTreeSet;

use entity::video_db::{video, video_text};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveValue::Set, ConnectionTrait, DbBackend, DbErr, EntityTrait};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use uuid::Uuid;

/// Longest word that is told from others, in characters: what is longer is no word of a language.
const MAX_WORD: usize = 64;
/// Longest query, in characters.
const MAX_QUERY: usize = 200;

/// Keeps what is searched of `row`.
pub(super) async fn write(db: &impl ConnectionTrait, row: &video::Model) -> Result<(), DbErr> {
    let texts = [row.title.as_str(), row.description.as_deref().unwrap_or_default()];
    let tags = row.tags.0.iter().map(String::as_str);
    let words: BTreeSet<String> = texts.into_iter().chain(tags).flat_map(words).collect();
    let words: Vec<String> = std::iter::once(word_of(row.owner_id)).chain(words).collect();
    let text =
        video_text::ActiveModel { video_id: Set(row.id), words: Set(words.join(" ")), ..Default::default() };
    video_text::Entity::insert(text)
        .on_conflict(
            OnConflict::column(video_text::Column::VideoId)
                .update_column(video_text::Column::Words)
                .to_owned(),
        )
        .exec_without_returning(db)
        .await
        .map(|_| ())
}

/// That a video of `owner` has, for each word of `query`, one that begins so.
pub(super) fn condition(owner: Uuid, query: &str, backend: DbBackend) -> Result<Expr, String> {
    if query.chars().count() > MAX_QUERY {
        return Err(format!("must have at most {MAX_QUERY} characters"));
    }
    let words: BTreeSet<String> = words(query).collect();
    if words.is_empty() {
        // Nothing was asked that could be found.
        return Ok(Expr::value(false));
    }
    let owner = word_of(owner);
    let (sql, query) = if backend == DbBackend::Sqlite {
        let words =
            words.iter().fold(format!("\"{owner}\""), |query, word| format!("{query} AND \"{word}\"*"));
        (SQLITE, words)
    } else {
        let words = words.iter().fold(format!("'{owner}'"), |query, word| format!("{query} & '{word}':*"));
        (POSTGRES, words)
    };
    Ok(Expr::cust_with_values(sql, [query]))
}

const SQLITE: &str = "video.id IN (SELECT video_id FROM video_text WHERE video_text.id IN \
                      (SELECT rowid FROM video_fts WHERE video_fts MATCH ?))";
/// The expression of the index, word for word. The cast takes lexemes as they are.
const POSTGRES: &str = "video.id IN (SELECT video_id FROM video_text WHERE \
                        array_to_tsvector(string_to_array(words, ' ')) @@ CAST($1 AS tsquery))";

/// The words of a text: letters and digits, without case and accents. Nothing in them needs quoting anywhere.
fn words(text: &str) -> impl Iterator<Item = String> {
    let plain: String = text.nfkd().filter(|character| !is_combining_mark(*character)).collect();
    let words: Vec<String> = plain
        .to_lowercase()
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| word.chars().take(MAX_WORD).collect())
        .collect();
    words.into_iter()
}

fn word_of(owner: Uuid) -> String {
    owner.simple().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<String> {
        words(text).collect()
    }

    #[test]
    fn words_have_neither_case_nor_accents_nor_signs() {
        assert_eq!(cut("Café-Szene: big_BUCK.bunny.mp4"), ["cafe", "szene", "big", "buck", "bunny", "mp4"]);
        assert_eq!(cut("ÉTÉ e\u{301}te\u{301} ﬁlm 東京"), ["ete", "ete", "film", "東京"]);
        assert_eq!(cut("' \" * ( ) & | ! : \\ \u{0} --"), Vec::<String>::new());
    }

    #[test]
    fn a_word_is_no_longer_than_words_are() {
        assert_eq!(cut(&"x".repeat(5_000)), ["x".repeat(MAX_WORD)]);
    }
}
