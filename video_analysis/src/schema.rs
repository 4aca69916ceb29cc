//! The published JSON Schemas (draft 2020-12): of the options, of the report, and of the preview.

use serde_json::{Map, Value, json};
use utoipa::{PartialSchema as _, ToSchema};

use crate::options::Options;
use crate::preview::{PREVIEW_VERSION, Preview};
use crate::report::{Report, SCHEMA_VERSION};

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
/// Where utoipa has the schemas of named types, and where a document of its own has them.
const COMPONENTS: &str = "#/components/schemas/";
const DEFINITIONS: &str = "#/$defs/";

/// The JSON Schema (draft 2020-12) of [`Options`]: every member with its meaning, range and default. What it takes,
/// [`Options::validate`] and the deserialization take, and nothing else.
///
/// `id` is the schema's own URI.
#[must_use]
pub fn options_schema(id: &str) -> Value {
    let mut schema = json!(Options::schema());
    add_defaults(&mut schema, &json!(Options::default()));
    let mut document = Map::new();
    begin(&mut document, id, "Options of an analysis");
    if let Value::Object(members) = schema {
        document.extend(members);
    }
    document.into()
}

/// The JSON Schema (draft 2020-12) of [`Report`] as this engine writes it, [`SCHEMA_VERSION`]: every member is always there,
/// `null` where there is nothing to say. A later minor version may have members besides, which this schema lets pass but
/// for the version itself.
///
/// `id` is the schema's own URI.
#[must_use]
pub fn report_schema(id: &str) -> Value {
    document::<Report>(id, "Report of an analysis", SCHEMA_VERSION)
}

/// The JSON Schema (draft 2020-12) of [`Preview`] as this engine writes it, [`PREVIEW_VERSION`]; the same applies as for
/// [`report_schema`].
///
/// `id` is the schema's own URI.
#[must_use]
pub fn preview_schema(id: &str) -> Value {
    let mut document = document::<Preview>(id, "Preview of a film", PREVIEW_VERSION);
    set_constant(&mut document, "exact", false.into());
    document
}

fn document<T: ToSchema>(id: &str, title: &str, version: &str) -> Value {
    let mut parts = Vec::new();
    T::schemas(&mut parts);
    let definitions: Map<String, Value> = parts.into_iter().map(|(name, part)| (name, json!(part))).collect();
    let mut document = Map::new();
    begin(&mut document, id, title);
    if let Value::Object(members) = json!(T::schema()) {
        document.extend(members);
    }
    document.insert("$defs".to_owned(), definitions.into());
    let mut document = Value::from(document);
    stand_alone(&mut document);
    set_constant(&mut document, "schema_version", version.into());
    document
}

/// A member that only has this value.
fn set_constant(document: &mut Value, member: &str, value: Value) {
    if let Some(schema) =
        document.pointer_mut(&format!("/properties/{member}")).and_then(Value::as_object_mut)
    {
        schema.insert("const".to_owned(), value);
    }
}

fn begin(document: &mut Map<String, Value>, id: &str, title: &str) {
    document.insert("$schema".to_owned(), DIALECT.into());
    document.insert("$id".to_owned(), id.into());
    document.insert("title".to_owned(), title.into());
}

/// References stay within the document, and members that may be `null` are there nevertheless.
fn stand_alone(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get_mut("$ref") {
                *reference = reference.replace(COMPONENTS, DEFINITIONS);
            }
            if let Some(Value::Object(properties)) = members.get("properties") {
                let names: Vec<Value> = properties.keys().cloned().map(Value::from).collect();
                members.insert("required".to_owned(), names.into());
            }
            members.values_mut().for_each(stand_alone);
        }
        Value::Array(items) => items.iter_mut().for_each(stand_alone),
        _ => {}
    }
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
