//! The description of the service, and whether it is true.

use std::collections::BTreeSet;

use actix_web::http::Method;
use rstest::rstest;
use serde_json::{Value, json};
use service_kit::testing::Backend;
use user_service::endpoints;

use crate::authenticator::Authenticator;
use crate::support::{Answer, PASSWORD, TestService};

const METHODS: [&str; 5] = ["get", "put", "post", "patch", "delete"];

/// The document, with help to compare answers with it.
struct Description(Value);

impl Description {
    async fn of(service: &TestService) -> Self {
        Self(service.get("/openapi.json").await.body)
    }

    fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(reference) => self.resolve(target(&self.0, reference).expect(reference)),
            None => schema,
        }
    }

    /// Required members and all members, those of parts included.
    fn members(&self, schema: &Value) -> (BTreeSet<String>, BTreeSet<String>) {
        let schema = self.resolve(schema);
        let texts = |value: &Value| -> BTreeSet<String> {
            value.as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
        };
        let mut required = texts(&schema["required"]);
        let mut all: BTreeSet<String> = schema["properties"]
            .as_object()
            .into_iter()
            .flat_map(|members| members.keys().cloned())
            .collect();
        for part in schema["allOf"].as_array().into_iter().flatten() {
            let (part_required, part_all) = self.members(part);
            required.extend(part_required);
            all.extend(part_all);
        }
        // Of alternatives, as an optional part is one, nothing is certain.
        for part in schema["oneOf"].as_array().into_iter().flatten() {
            all.extend(self.members(part).1);
        }
        (required, all)
    }

    #[track_caller]
    fn assert_describes(&self, method: &str, path: &str, answer: &Answer) {
        let responses = &self.0["paths"][path][method]["responses"];
        let response = match &responses[answer.status.to_string()] {
            Value::Null => &responses["default"],
            exact => exact,
        };
        let media_type = answer.header("content-type").unwrap_or_default();
        let schema = &response["content"][media_type]["schema"];
        assert!(!schema.is_null(), "{method} {path} {} {media_type} is not described", answer.status);
        let (required, all) = self.members(schema);
        let real: BTreeSet<String> = answer.body.as_object().unwrap().keys().cloned().collect();
        assert!(required.is_subset(&real), "{method} {path}: {required:?} are required, {real:?} came");
        assert!(real.is_subset(&all), "{method} {path}: {real:?} came, {all:?} are described");
    }
}

/// What a reference within the document leads to.
fn target<'a>(document: &'a Value, reference: &str) -> Option<&'a Value> {
    document.pointer(reference.strip_prefix('#')?)
}

#[rstest]
#[actix_web::test]
async fn it_is_openapi_3_1_and_describes_exactly_what_there_is(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    let description = Description::of(&service).await.0;
    assert!(description["openapi"].as_str().unwrap().starts_with("3.1."));

    let mut described = BTreeSet::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if METHODS.contains(&method.as_str()) {
                let parameters = operation["parameters"].as_array();
                let takes_query = parameters.into_iter().flatten().any(|one| one["in"] == "query");
                let query = if takes_query { "?" } else { "" };
                described.insert(format!("{} {path}{query}", method.to_uppercase()));
            }
        }
    }
    let mut real: BTreeSet<_> = endpoints().iter().map(|endpoint| format!("{endpoint:?}")).collect();
    real.extend(["GET /healthz", "GET /readyz"].map(str::to_owned));
    assert_eq!(described, real);
}

#[rstest]
#[actix_web::test]
async fn every_reference_leads_somewhere(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str));
                members.values().for_each(|member| references(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let service = TestService::start(backend).await;
    let document = Description::of(&service).await.0;
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(!found.is_empty());
    for reference in found {
        assert!(target(&document, reference).is_some(), "{reference}");
    }
    let schemes = &document["components"]["securitySchemes"];
    assert!(schemes["bearer"].is_object() && schemes["client"].is_object());
}

#[rstest]
#[actix_web::test]
async fn real_answers_have_the_members_that_are_described(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let service = TestService::start(backend).await;
    let description = Description::of(&service).await;

    let registered = service.register("ann").await;
    assert_eq!(registered.status, 201);
    description.assert_describes("post", "/users/register", &registered);
    description.assert_describes("post", "/users/register", &service.register("ann").await);
    description.assert_describes(
        "post",
        "/users/register",
        &service.post("/users/register", &json!({})).await,
    );
    let weak = json!({"username": "bob", "email": "b@example.org", "password": "password"});
    description.assert_describes("post", "/users/register", &service.post("/users/register", &weak).await);
    let admin = service.new_administrator("root").await;
    let list = service.with_token(Method::GET, "/admin/users", &admin).await;
    description.assert_describes("get", "/admin/users", &list);
    let invite = service.send(Method::POST, "/admin/invites", &admin, &[], &json!({})).await;
    description.assert_describes("post", "/admin/invites", &invite);
    let list = service.with_token(Method::GET, "/admin/invites", &admin).await;
    description.assert_describes("get", "/admin/invites", &list);
    let unsent = json!({"email": "ann@example.org"});
    let unsent = service.post("/users/password/reset-request", &unsent).await;
    description.assert_describes("post", "/users/password/reset-request", &unsent);
    let login = service.login("ann").await;
    description.assert_describes("post", "/users/login", &login);
    description.assert_describes("post", "/users/login", &service.login("bob").await);
    let token = login.body["access_token"].as_str().unwrap();
    description.assert_describes("get", "/users/profile", &service.profile(token).await);
    description.assert_describes("get", "/users/profile", &service.profile("x").await);
    let export = service.with_token(Method::GET, "/users/profile/export", token).await;
    description.assert_describes("get", "/users/profile/export", &export);
    let changed = service.send(Method::PATCH, "/users/profile", token, &[], &json!({"locale": "cs"})).await;
    description.assert_describes("patch", "/users/profile", &changed);
    for path in ["/users/second-factor", "/users/second-factor/recovery-codes"] {
        let answer = service.send(Method::POST, path, token, &[], &json!({"current_password": "x"})).await;
        description.assert_describes("post", path, &answer);
    }
    let second_factor = service.with_token(Method::GET, "/users/second-factor", token).await;
    description.assert_describes("get", "/users/second-factor", &second_factor);
    let begun = json!({"current_password": PASSWORD});
    let begun = service.send(Method::POST, "/users/second-factor", token, &[], &begun).await;
    description.assert_describes("post", "/users/second-factor", &begun);
    let confirmed = Authenticator::begin(&service, token).await.confirm(&service, token).await;
    assert_eq!(confirmed.status, 200);
    description.assert_describes("post", "/users/second-factor/confirm", &confirmed);
    description.assert_describes("post", "/users/login", &service.login("ann").await);
    let weak = json!({"current_password": "x", "new_password": "x"});
    let weak = service.send(Method::POST, "/users/password", token, &[], &weak).await;
    description.assert_describes("post", "/users/password", &weak);
    description.assert_describes(
        "post",
        "/users/refresh",
        &service.refresh(&login.body["refresh_token"]).await,
    );
    description.assert_describes("post", "/users/refresh", &service.refresh(&"x".into()).await);
    description.assert_describes("post", "/oauth/introspect", &service.introspect(token).await);
    description.assert_describes("post", "/oauth/introspect", &service.introspect("x").await);
    description.assert_describes(
        "post",
        "/oauth/introspect",
        &service.with_token(Method::POST, "/oauth/introspect", token).await,
    );
    for path in ["/.well-known/jwks.json", "/.well-known/oauth-authorization-server", "/healthz", "/readyz"] {
        description.assert_describes("get", path, &service.get(path).await);
    }
}
