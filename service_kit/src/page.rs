//! Lists: pages, cursors and the links between them (RFC 8288).

use actix_web::HttpResponse;
use actix_web::http::header;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::{FieldError, Problem};

/// How many items a page has where the client does not say.
pub const DEFAULT_LIMIT: u64 = 50;
/// The most items of a page.
pub const MAX_LIMIT: u64 = 200;

/// What an item has as JSON, for the most part, in bytes.
const USUAL_BYTES: usize = 1024;

/// One page of a list.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// What is on it, in the list's order.
    pub items: Vec<T>,
    /// The `cursor` of the next page; null on the last one.
    pub next_cursor: Option<String>,
}

impl<T: Serialize> Page<T> {
    /// The page of `rows`, of which `limit` + 1 were asked for: the one too many tells that there is a next page, which
    /// begins after the `place` of this one's last row.
    ///
    /// # Errors
    /// 500 where the place has no JSON form.
    pub fn of<R, P>(mut rows: Vec<R>, limit: u64, place: impl Fn(&R) -> P) -> Result<Self, Problem>
    where
        T: From<R>,
        P: Serialize,
    {
        let full = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > full;
        rows.truncate(full);
        let last = rows.last().filter(|_| has_more);
        let next_cursor = last.map(|row| to_cursor(&place(row))).transpose()?;
        Ok(Self { items: rows.into_iter().map(T::from).collect(), next_cursor })
    }

    /// The response, with a `Link` to the next page at `path`; `filters` is what else its address carries.
    ///
    /// # Errors
    /// 500 where the address cannot be written.
    pub fn response(&self, path: &str, filters: &[(&str, String)]) -> Result<HttpResponse, Problem> {
        let mut response = HttpResponse::Ok();
        if let Some(cursor) = &self.next_cursor {
            let mut query = filters.to_vec();
            query.push(("cursor", cursor.clone()));
            let query = serde_urlencoded::to_string(query).map_err(Problem::internal)?;
            response.insert_header((header::LINK, format!("<{path}?{query}>; rel=\"next\"")));
        }
        // Grown from nothing, it would be copied ten times.
        let mut body = Vec::with_capacity(USUAL_BYTES * (self.items.len() + 1));
        serde_json::to_writer(&mut body, self).map_err(Problem::internal)?;
        Ok(response.content_type(mime::APPLICATION_JSON).body(body))
    }
}

/// The page size a client asked for.
///
/// # Errors
/// 422 where it is none.
pub fn limit(asked: Option<u64>) -> Result<u64, Problem> {
    match asked.unwrap_or(DEFAULT_LIMIT) {
        limit @ 1..=MAX_LIMIT => Ok(limit),
        _ => Err(Problem::invalid(vec![FieldError::new("limit", format!("must be 1 to {MAX_LIMIT}"))])),
    }
}

/// A place in a list, as text that clients hand back unread.
///
/// # Errors
/// 500 where `place` has no JSON form.
pub fn to_cursor(place: &impl Serialize) -> Result<String, Problem> {
    serde_json::to_vec(place).map(|json| BASE64_URL_SAFE_NO_PAD.encode(json)).map_err(Problem::internal)
}

/// The place that a client handed back.
///
/// # Errors
/// 422 where it is none of ours.
pub fn from_cursor<T: DeserializeOwned>(cursor: &str) -> Result<T, Problem> {
    let unknown = || Problem::invalid(vec![FieldError::new("cursor", "is not one of this list's")]);
    let json = BASE64_URL_SAFE_NO_PAD.decode(cursor).map_err(|_| unknown())?;
    serde_json::from_slice(&json).map_err(|_| unknown())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_was() {
        let cursor = to_cursor(&(7, "x")).unwrap();
        assert_eq!(from_cursor::<(i32, String)>(&cursor).unwrap(), (7, "x".to_owned()));
    }

    #[test]
    fn a_forged_cursor_is_refused() {
        assert!(from_cursor::<i32>("###").is_err());
        assert!(from_cursor::<i32>("e30").is_err());
    }

    #[test]
    fn a_full_page_leads_on_only_where_there_is_more() {
        let page = |rows| Page::<i32>::of(rows, 2, |row: &i32| *row).unwrap();
        let (last, full) = (page(vec![1, 2]), page(vec![1, 2, 3]));
        assert_eq!((last.items, last.next_cursor), (vec![1, 2], None));
        assert_eq!(full.items, [1, 2]);
        assert_eq!(from_cursor::<i32>(&full.next_cursor.unwrap()).unwrap(), 2);
    }

    #[test]
    fn a_page_has_a_bounded_size() {
        assert_eq!(limit(None).unwrap(), DEFAULT_LIMIT);
        assert!(limit(Some(0)).is_err());
        assert!(limit(Some(MAX_LIMIT + 1)).is_err());
    }
}
