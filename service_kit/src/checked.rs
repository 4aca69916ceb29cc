//! Members of a body that are read whatever they hold, so that one answer can name everything that is wrong.

use std::fmt::Display;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::problem::FieldError;

/// A text member parsed into `T`, or why that was not possible. Reading one never fails: a request with three wrong
/// members is refused once, with three pointers.
///
/// With `#[serde(default)]` a member that is missing is wrong like any other; an optional member is an
/// `Option<Checked<T>>`.
#[derive(Clone, Debug)]
pub struct Checked<T>(Result<T, String>);

impl<T> Checked<T> {
    /// The value; where there is none, `errors` learns why the member at `pointer` is wrong.
    pub fn take(self, pointer: &str, errors: &mut Vec<FieldError>) -> Option<T> {
        self.0.map_err(|reason| errors.push(FieldError::new(pointer, reason))).ok()
    }
}

impl<T> Default for Checked<T> {
    fn default() -> Self {
        Self(Err("is required".to_owned()))
    }
}

impl<'de, T> Deserialize<'de> for Checked<T>
where
    T: TryFrom<String, Error: Display>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match Value::deserialize(deserializer)? {
            Value::String(text) => T::try_from(text).map_err(|reason| reason.to_string()),
            _ => Err("must be a string".to_owned()),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Short(String);

    impl TryFrom<String> for Short {
        type Error = &'static str;

        fn try_from(text: String) -> Result<Self, Self::Error> {
            if text.len() <= 3 { Ok(Self(text)) } else { Err("is too long") }
        }
    }

    #[derive(Deserialize)]
    struct Body {
        #[serde(default)]
        title: Checked<Short>,
        #[serde(default)]
        note: Option<Checked<Short>>,
    }

    fn read(json: &str) -> (Option<Short>, Option<Short>, Vec<String>) {
        let body: Body = serde_json::from_str(json).unwrap();
        let mut errors = Vec::new();
        let title = body.title.take("/title", &mut errors);
        let note = body.note.and_then(|note| note.take("/note", &mut errors));
        (title, note, errors.iter().map(|error| format!("{} {}", error.pointer, error.detail)).collect())
    }

    #[test]
    fn what_is_right_is_taken() {
        let (title, note, errors) = read(r#"{"title":"abc","note":"x"}"#);
        assert_eq!((title, note), (Some(Short("abc".into())), Some(Short("x".into()))));
        assert!(errors.is_empty());
    }

    #[test]
    fn everything_wrong_is_named_at_once() {
        let (_, _, errors) = read(r#"{"title":7,"note":"longer"}"#);
        assert_eq!(errors, ["/title must be a string", "/note is too long"]);
    }

    #[test]
    fn only_a_required_member_may_not_be_missing() {
        assert_eq!(read("{}").2, ["/title is required"]);
        assert!(read(r#"{"title":"x","note":null}"#).2.is_empty());
    }
}
