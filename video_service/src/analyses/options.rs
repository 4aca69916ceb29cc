//! `GET /analysis/options.schema.json`, and options that are what it says.

use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use service_kit::json::OptionalJson;
use service_kit::problem::{FieldError, Problem};
use video_analysis::{Options, options_schema};

/// What the schema calls itself: services have no common address.
const SCHEMA_ID: &str = "urn:kadr:schema:analysis-options";
/// JSON Schema Core (draft 2020-12), section 14.1.
const MEDIA_TYPE: &str = "application/schema+json";

/// The options of an analysis
///
/// Their JSON Schema (draft 2020-12): every member with its meaning, range and default. Exactly what it takes is taken by
/// `POST /videos/{id}/analysis`. Needs no token.
#[utoipa::path(
    get, path = "/analysis/options.schema.json", tag = "analyses", security(()),
    responses((status = 200, body = inline(serde_json::Value), content_type = "application/schema+json")),
)]
pub(super) async fn schema() -> HttpResponse {
    HttpResponse::Ok()
        .content_type(MEDIA_TYPE)
        // It changes with the program alone.
        .insert_header((header::CACHE_CONTROL, "public, max-age=3600"))
        .json(options_schema(SCHEMA_ID))
}

/// The options of the body; the defaults where there is none.
pub(super) async fn of_body(request: &HttpRequest, body: web::Payload) -> Result<Options, Problem> {
    let OptionalJson(options) =
        OptionalJson::<Options>::from_request(request, &mut body.into_inner()).await?;
    checked(options)
}

fn checked(options: Options) -> Result<Options, Problem> {
    match options.validate() {
        Ok(()) => Ok(options),
        Err(wrong) => {
            let errors = wrong.0.iter().map(|wrong| FieldError::new(wrong.pointer, wrong.message));
            Err(Problem::invalid(errors.collect()))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use actix_web::ResponseError;
    use actix_web::body::MessageBody;
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::*;

    /// The pointers that the service names; none where it takes `instance`.
    fn refused(instance: &Value) -> Vec<String> {
        let Err(problem) = service_kit::json::parse(instance.to_string().as_bytes()).and_then(checked) else {
            return Vec::new();
        };
        assert_eq!(problem.status_code(), 422, "{instance}");
        let body = problem.error_response().into_body().try_into_bytes().unwrap();
        let problem: Value = serde_json::from_slice(&body).unwrap();
        let errors = problem["errors"].as_array().unwrap();
        errors.iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect()
    }

    /// The pointers that the schema names; a member that it does not know is named by whom it is in.
    fn refused_by_schema(instance: &Value) -> Vec<String> {
        static SCHEMA: LazyLock<jsonschema::Validator> =
            LazyLock::new(|| jsonschema::draft202012::new(&options_schema(SCHEMA_ID)).unwrap());
        SCHEMA.iter_errors(instance).map(|error| error.instance_path().to_string()).collect()
    }

    fn number() -> impl Strategy<Value = Value> {
        let edges: Vec<Value> = [
            "-201",
            "-200.00001",
            "-200",
            "-60",
            "-1e-9",
            "-0.0",
            "0",
            "0.0",
            "1e-9",
            "0.5",
            "1",
            "1.0",
            "1.00001",
            "2",
            "2.0",
            "2.5",
            "4",
            "255",
            "255.00001",
            "1000",
            "1000.0",
            "1001",
            "86400",
            "86400.5",
            "4294967296",
            "18446744073709551616",
            "1e300",
        ]
        .map(|text| serde_json::from_str(text).unwrap())
        .to_vec();
        prop_oneof![prop::sample::select(edges), (-300.0..1100.0).prop_map(Value::from)]
    }

    fn member() -> impl Strategy<Value = Value> {
        let other = [
            json!(null),
            json!(true),
            json!("4"),
            json!([]),
            json!([4]),
            json!({}),
            json!({"min_change": 4}),
        ];
        prop_oneof![9 => number(), 1 => prop::sample::select(other.to_vec())]
    }

    fn group() -> impl Strategy<Value = Value> {
        let names = [
            "min_change",
            "min_contrast",
            "min_fade_frames",
            "max_dissolve_frames",
            "max_dissolve_misfit",
            "pixel_threshold",
            "min_coverage",
            "min_seconds",
            "threshold_dbfs",
            "",
            "shots",
        ];
        let members = prop::collection::hash_map(prop::sample::select(names.to_vec()), member(), 0..3);
        let members = members.prop_map(|members| {
            members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>().into()
        });
        prop_oneof![9 => members, 1 => member()]
    }

    fn detectors() -> impl Strategy<Value = Value> {
        let name = prop::sample::select(vec!["shots", "black", "channels", "Shots", "", "faces"]);
        let names = prop::collection::vec(name.prop_map(Value::from), 0..3);
        prop_oneof![9 => names.prop_map(Value::from), 1 => member()]
    }

    fn instance() -> impl Strategy<Value = Value> {
        let names = prop_oneof![
            9 => prop::sample::select(vec!["shots", "black", "silence"]),
            1 => prop::sample::select(vec!["shotz", "a/b", "~"]),
        ];
        let groups = prop::collection::hash_map(names, group(), 0..3);
        let groups = (groups, prop::option::of(detectors())).prop_map(|(groups, detectors)| {
            let groups = groups.into_iter().map(|(name, value)| (name.to_owned(), value));
            groups.chain(detectors.map(|names| ("detectors".to_owned(), names))).collect::<Map<_, _>>().into()
        });
        prop_oneof![19 => groups, 1 => member()]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 5000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_service_refuses_what_the_published_schema_refuses_and_nothing_else(instance in instance()) {
            let (ours, schemas) = (refused(&instance), refused_by_schema(&instance));
            prop_assert_eq!(ours.is_empty(), schemas.is_empty(), "{}: {:?} {:?}", instance, ours, schemas);
            for pointer in ours {
                let owner = pointer.rsplit_once('/').map_or("", |(owner, _)| owner);
                prop_assert!(
                    schemas.iter().any(|named| *named == pointer || named == owner),
                    "{}: {} is not in {:?}", instance, pointer, schemas
                );
            }
        }
    }

    #[test]
    fn every_member_says_what_it_is_its_range_and_its_default() {
        let schema = options_schema(SCHEMA_ID);
        assert!(jsonschema::meta::is_valid(&schema), "{schema}");
        let defaults = json!(Options::default());
        assert_eq!(refused_by_schema(&defaults), Vec::<String>::new());
        assert_eq!(schema["properties"]["detectors"]["default"], defaults["detectors"]);
        for (group, members) in defaults.as_object().unwrap() {
            let Some(members) = members.as_object() else { continue };
            let properties = schema["properties"][group]["properties"].as_object().unwrap();
            assert!(properties.keys().eq(members.keys()), "{group}");
            for (name, property) in properties {
                assert_eq!(property["default"], defaults[group][name], "{group}/{name}");
                assert!(property["description"].as_str().is_some_and(|text| text.len() > 10), "{property}");
                assert!(property["minimum"].is_number(), "{property}");
                assert!(
                    property["maximum"].is_number() || property["exclusiveMaximum"].is_number(),
                    "{property}"
                );
            }
        }
    }

    #[test]
    fn all_that_is_out_of_range_is_named_at_once() {
        let wrong =
            json!({"shots": {"min_change": 256, "min_fade_frames": 1}, "silence": {"threshold_dbfs": 0}});
        assert_eq!(
            refused(&wrong),
            ["/shots/min_change", "/shots/min_fade_frames", "/silence/threshold_dbfs"]
        );
    }
}
