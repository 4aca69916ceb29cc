//! `/healthz`: the process lives. `/readyz`: so does everything it needs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::{HttpResponse, web};
use futures_util::future::{LocalBoxFuture, join_all};
use serde::Serialize;
use utoipa::ToSchema;

use crate::endpoint::{self, Endpoint};

/// A dependency that takes longer than this to answer counts as away.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// Asks one dependency; the error goes to the log.
type Check = Arc<dyn Fn() -> LocalBoxFuture<'static, Result<(), String>> + Send + Sync>;

/// What a service needs to do its work.
#[derive(Clone, Default)]
pub struct Readiness(Vec<(&'static str, Check)>);

impl Readiness {
    /// With one more dependency.
    #[must_use]
    pub fn with<F>(mut self, name: &'static str, check: F) -> Self
    where
        F: Fn() -> LocalBoxFuture<'static, Result<(), String>> + Send + Sync + 'static,
    {
        self.0.push((name, Arc::new(check)));
        self
    }

    /// With the database behind `db`.
    #[must_use]
    pub fn with_database(self, db: &sea_orm::DatabaseConnection) -> Self {
        let db = db.clone();
        self.with("database", move || {
            let db = db.clone();
            Box::pin(async move { db.ping().await.map_err(|error| error.to_string()) })
        })
    }

    async fn report(&self) -> Health {
        let outcomes = join_all(self.0.iter().map(|(name, check)| async move {
            let outcome = tokio::time::timeout(CHECK_TIMEOUT, check()).await;
            let fault = match outcome {
                Ok(Ok(())) => None,
                Ok(Err(fault)) => Some(fault),
                Err(_) => Some(format!("no answer within {CHECK_TIMEOUT:?}")),
            };
            if let Some(fault) = &fault {
                log::warn!("not ready dependency={name} cause={fault:?}");
            }
            ((*name).to_owned(), if fault.is_none() { State::Ok } else { State::Unavailable })
        }))
        .await;
        let checks: BTreeMap<_, _> = outcomes.into_iter().collect();
        let all_well = checks.values().all(|state| *state == State::Ok);
        Health { status: if all_well { State::Ok } else { State::Unavailable }, checks }
    }
}

/// The answer of both addresses.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    status: State,
    /// Each dependency.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    checks: BTreeMap<String, State>,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It works.
    Ok,
    /// It does not, for now.
    Unavailable,
}

/// Adds `/healthz` and `/readyz`.
pub fn routes(readiness: Readiness) -> impl FnOnce(&mut web::ServiceConfig) {
    move |config| {
        config.app_data(web::Data::new(readiness)).configure(endpoint::routes(vec![
            Endpoint::new(Method::GET, "/healthz", alive),
            Endpoint::new(Method::GET, "/readyz", ready),
        ]));
    }
}

/// Whether the process lives
#[utoipa::path(get, path = "/healthz", tag = "health", responses((status = 200, description = "It does", body = Health)))]
pub(crate) async fn alive() -> web::Json<Health> {
    web::Json(Health { status: State::Ok, checks: BTreeMap::new() })
}

/// Whether everything the service needs answers
#[utoipa::path(get, path = "/readyz", tag = "health", responses(
    (status = 200, description = "It does", body = Health),
    (status = 503, description = "Something does not", body = Health),
))]
pub(crate) async fn ready(readiness: web::Data<Readiness>) -> HttpResponse {
    let health = readiness.report().await;
    match health.status {
        State::Ok => HttpResponse::Ok().json(health),
        State::Unavailable => HttpResponse::ServiceUnavailable().json(health),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::App;
    use actix_web::test::{TestRequest, call_service, init_service, read_body_json};
    use serde_json::{Value, json};

    use super::*;

    async fn ask(readiness: Readiness) -> (u16, Value) {
        let app = init_service(App::new().configure(routes(readiness))).await;
        let response = call_service(&app, TestRequest::get().uri("/readyz").to_request()).await;
        (response.status().as_u16(), read_body_json(response).await)
    }

    #[actix_web::test]
    async fn a_service_whose_dependencies_answer_is_ready() {
        let (status, body) = ask(Readiness::default().with("queue", || Box::pin(async { Ok(()) }))).await;
        assert_eq!((status, body), (200, json!({"status": "ok", "checks": {"queue": "ok"}})));
    }

    #[actix_web::test]
    async fn a_missing_dependency_is_named_without_its_reason() {
        let readiness = Readiness::default()
            .with("queue", || Box::pin(async { Ok(()) }))
            .with("store", || Box::pin(async { Err("10.0.0.7 refused".to_owned()) }));
        let (status, body) = ask(readiness).await;
        assert_eq!(status, 503);
        assert_eq!(body, json!({"status": "unavailable", "checks": {"queue": "ok", "store": "unavailable"}}));
    }
}
