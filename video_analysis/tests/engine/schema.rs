//! Reports are what their published schema says, and nothing else.

use crate::support::{clips, report, sample};
use serde_json::{Value, json};
use video_analysis::report::SCHEMA_VERSION;
use video_analysis::report_schema;

/// The schema with no member let pass that it does not name, but where a type is a part of another.
fn strict() -> Value {
    let mut schema = report_schema("urn:test");
    let text = schema.to_string();
    for (name, definition) in schema["$defs"].as_object_mut().unwrap() {
        let is_part = text.contains(&format!("\"allOf\":[{{\"$ref\":\"#/$defs/{name}\""));
        if !is_part && (definition["type"] == "object" || definition["allOf"].is_array()) {
            definition["unevaluatedProperties"] = false.into();
        }
    }
    schema["unevaluatedProperties"] = false.into();
    schema
}

#[test]
fn reports_of_all_kinds_of_files_are_valid() {
    let schema = strict();
    assert!(jsonschema::meta::is_valid(&schema), "{schema:#}");
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let fading = "testsrc2=s=320x180:r=25:d=4,fade=out:st=2:d=0.6;sine=440:d=2,apad=whole_dur=4,volume=0.5";
    let half = std::fs::read(sample()).unwrap();
    let cut_off = folder.path().join("cut_off.mp4");
    std::fs::write(&cut_off, &half[..half.len() / 2]).unwrap();
    let films = [
        sample(),
        cut_off,
        clips::make(folder.path(), "tone.flac", "-f lavfi -i sine=440:d=2"),
        clips::make(folder.path(), "fading.mkv", &format!("-filter_complex {fading} -c:v libx264 -c:a flac")),
        clips::VARIETIES[0].make(folder.path()),
    ];
    for film in films {
        let report = serde_json::to_value(report(&film)).unwrap();
        let wrong: Vec<String> = validator
            .iter_errors(&report)
            .map(|error| format!("{} {error}", error.instance_path()))
            .collect();
        assert!(wrong.is_empty(), "{}: {wrong:#?}", film.display());
    }
}

#[test]
fn the_schema_refuses_what_is_no_report() {
    let validator = jsonschema::draft202012::new(&report_schema("urn:test")).unwrap();
    let report = serde_json::to_value(report(&sample())).unwrap();
    assert!(validator.is_valid(&report));
    let changed = |pointer: &str, value: Value| {
        let mut report = report.clone();
        *report.pointer_mut(pointer).unwrap() = value;
        report
    };
    for (pointer, value) in [
        ("/schema_version", json!("9.0")),
        ("/frames", json!("720")),
        ("/shots/0/opened_by", json!("magic")),
        ("/shots/0/time_base", json!("1 / 25")),
        ("/streams/0/video", json!(5)),
        ("/loudness", json!([])),
    ] {
        assert!(!validator.is_valid(&changed(pointer, value)), "{pointer}");
    }
    let mut less = report.clone();
    less["shots"][0].as_object_mut().unwrap().remove("confidence");
    assert!(!validator.is_valid(&less));
    assert_eq!(report_schema("urn:x")["properties"]["schema_version"]["const"], SCHEMA_VERSION);
}

#[test]
fn every_member_of_the_report_is_described() {
    fn check(place: &str, schema: &Value) {
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let place = format!("{place}/{name}");
            // Of what may be null, the first of two alternatives is described.
            let property = property.pointer("/oneOf/0").unwrap_or(property);
            assert!(
                property["description"].as_str().is_some_and(|text| text.len() > 3),
                "{place}: {property}"
            );
        }
        schema["allOf"].as_array().into_iter().flatten().for_each(|part| check(place, part));
    }
    let schema = report_schema("urn:test");
    check("", &schema);
    schema["$defs"].as_object().unwrap().iter().for_each(|(name, definition)| check(name, definition));
}
