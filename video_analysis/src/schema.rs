//! The published JSON Schema of the options.

use serde_json::{Map, Value, json};
use utoipa::PartialSchema as _;

use crate::options::Options;

/// The JSON Schema (draft 2020-12) of [`Options`]: every member with its meaning, range and default. What it takes,
/// [`Options::validate`] and the deserialization take, and nothing else.
///
/// `id` is the schema's own URI.
#[must_use]
pub fn options_schema(id: &str) -> Value {
    let mut schema = json!(Options::schema());
    add_defaults(&mut schema, &json!(Options::default()));
    let mut document = Map::new();
    document.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
    document.insert("$id".to_owned(), id.into());
    document.insert("title".to_owned(), "Options of an analysis".into());
    if let Value::Object(members) = schema {
        document.extend(members);
    }
    document.into()
}

/// Every member that may be left out says what it is then.
fn add_defaults(schema: &mut Value, default: &Value) {
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    for (name, member) in properties.into_iter().flatten() {
        let Some(default) = default.get(name) else { continue };
        join_parts(member);
        add_defaults(member, default);
        if let Some(member) = member.as_object_mut() {
            member.insert("default".to_owned(), default.clone());
        }
    }
}

/// utoipa describes a member and its type as two parts that both hold; readers look for one.
fn join_parts(schema: &mut Value) {
    let Some(schema) = schema.as_object_mut() else { return };
    if let Some(Value::Array(parts)) = schema.remove("allOf") {
        for (name, value) in parts.into_iter().filter_map(|part| part.as_object().cloned()).flatten() {
            schema.entry(name).or_insert(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_has_its_default_however_deep() {
        let schema = options_schema("urn:test");
        let group = &schema["properties"]["black"];
        assert_eq!(group["properties"]["min_seconds"]["default"], 0.25, "{schema:#}");
        assert_eq!(
            (&group["additionalProperties"], &group["default"]["min_seconds"]),
            (&false.into(), &0.25.into())
        );
    }
}
