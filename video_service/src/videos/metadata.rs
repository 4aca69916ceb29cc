//! `metadata`: a JSON object that its owner keeps beside a video, and nobody here looks into.

use serde_json::{Map, Value};

/// Largest, as JSON text, in bytes.
const MAX_BYTES: usize = 16 * 1024;
/// How deep values may be nested, the object itself included.
const MAX_DEPTH: usize = 16;

/// What a record may keep.
pub(super) fn check(members: Map<String, Value>) -> Result<Value, String> {
    let value = Value::Object(members);
    if deeper_than(&value, MAX_DEPTH) {
        return Err(format!("must be nested at most {MAX_DEPTH} deep"));
    }
    let text = value.to_string();
    if text.len() > MAX_BYTES {
        return Err(format!("must have at most {MAX_BYTES} bytes"));
    }
    // PostgreSQL keeps it in no text, JSON or not. An escaped backslash before `u0000` is refused as well: harmless.
    if text.contains("\\u0000") {
        return Err("must not contain NUL characters".to_owned());
    }
    Ok(value)
}

/// The object in the text of a form's part.
pub(super) fn parse(text: &str) -> Result<Map<String, Value>, String> {
    // serde_json gives up at a depth of 128, so that no text is too deep for the stack.
    serde_json::from_str(text).map_err(|_| "must be a JSON object".to_owned())
}

/// Looks no deeper than it must.
fn deeper_than(value: &Value, limit: usize) -> bool {
    let mut inner: Box<dyn Iterator<Item = &Value>> = match value {
        Value::Array(items) => Box::new(items.iter()),
        Value::Object(members) => Box::new(members.values()),
        _ => return false,
    };
    limit == 0 || inner.any(|value| deeper_than(value, limit - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(depth: usize) -> String {
        format!("{}{}{}", "{\"a\":".repeat(depth - 1), "{}", "}".repeat(depth - 1))
    }

    fn kept(text: &str) -> bool {
        parse(text).and_then(check).is_ok()
    }

    #[test]
    fn an_object_of_bounded_depth_and_size_is_kept() {
        assert!(kept(&nested(16)));
        for depth in [17, 127, 128, 1_000, 100_000] {
            assert!(!kept(&nested(depth)), "{depth}");
        }
        assert!(kept(&format!("{{\"a\":\"{}\"}}", "x".repeat(MAX_BYTES - 8))));
        assert!(!kept(&format!("{{\"a\":\"{}\"}}", "x".repeat(MAX_BYTES - 7))));
    }

    #[test]
    fn no_text_in_it_has_a_nul() {
        for text in [r#"{"a":"\u0000"}"#, r#"{"\u0000":1}"#, r#"{"a":[{"b":"x\u0000"}]}"#] {
            assert!(!kept(text), "{text}");
        }
        assert!(kept(r#"{"a":"u0000\t"}"#));
    }

    #[test]
    fn nothing_but_an_object_is() {
        for text in ["[]", "7", "null", "\"x\"", "{", ""] {
            assert!(!kept(text), "{text}");
        }
    }
}
