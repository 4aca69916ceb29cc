//! The description of the API (OpenAPI 3.1).

use actix_web::http::Method;
use service_kit::endpoint::Endpoint;
use service_kit::openapi;
use utoipa::OpenApi;

use crate::{accounts, analyses, outputs, quota, shares, uploads, videos, webhooks};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Kadr Video Service",
        description = "Videos, their analysis, its results. Requests carry a bearer token of User Service.",
    ),
    tags(
        (name = "videos", description = "Records and bytes"),
        (name = "uploads", description = "Uploads that go on where they broke off (tus 1.0.0)"),
        (name = "analyses", description = "Jobs and their reports"),
        (name = "shares", description = "Videos for people without an account, and for players"),
        (name = "queue", description = "For administrators"),
        (name = "webhooks", description = "Who else is told of events"),
        (name = "internal", description = "For User Service"),
        (name = "health", description = "For whoever runs the service"),
    ),
    security(("bearer" = [])),
)]
struct Document;

/// The whole document.
pub(crate) fn document() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    document.merge(videos::Api::openapi());
    document.merge(uploads::Api::openapi());
    document.merge(quota::Api::openapi());
    document.merge(analyses::Api::openapi());
    document.merge(outputs::Api::openapi());
    document.merge(shares::Api::openapi());
    document.merge(webhooks::Api::openapi());
    document.merge(accounts::Api::openapi());
    openapi::complete(document)
}

/// Everything that is answered besides what every service answers.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    let mut endpoints = videos::endpoints();
    endpoints.extend(uploads::endpoints());
    endpoints.push(Endpoint::new(Method::GET, "/usage", quota::usage));
    endpoints.extend(analyses::endpoints());
    endpoints.extend(outputs::endpoints());
    endpoints.extend(shares::endpoints());
    endpoints.extend(webhooks::endpoints());
    endpoints.extend(accounts::endpoints());
    endpoints
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    fn described() -> Value {
        serde_json::to_value(document()).unwrap()
    }

    #[test]
    fn every_endpoint_is_described_and_nothing_else() {
        let document = described();
        let paths = document["paths"].as_object().unwrap();
        let described: BTreeSet<String> = paths
            .iter()
            .flat_map(|(path, item)| {
                item.as_object().unwrap().iter().map(move |(method, operation)| {
                    let parameters = operation["parameters"].as_array();
                    let takes_query = parameters.into_iter().flatten().any(|one| one["in"] == "query");
                    format!("{} {path}{}", method.to_uppercase(), if takes_query { "?" } else { "" })
                })
            })
            .filter(|operation| !operation.ends_with('z'))
            .collect();
        let answered = endpoints().iter().map(|endpoint| format!("{endpoint:?}")).collect();
        assert_eq!(described, answered);
    }

    #[test]
    fn it_is_openapi_3_1_and_every_operation_may_answer_a_problem() {
        let document = described();
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let problem = &operation["responses"]["default"]["content"]["application/problem+json"];
                assert!(problem.is_object(), "{method} {path}");
            }
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn references(value: &Value, found: &mut Vec<String>) {
            match value {
                Value::Object(members) => {
                    found.extend(members.get("$ref").and_then(Value::as_str).map(ToOwned::to_owned));
                    members.values().for_each(|member| references(member, found));
                }
                Value::Array(items) => items.iter().for_each(|item| references(item, found)),
                _ => {}
            }
        }
        let document = described();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(!found.is_empty());
        for reference in found {
            assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
        }
    }
}
