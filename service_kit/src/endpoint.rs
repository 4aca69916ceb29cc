//! The list of what a service answers: one entry for each method and path.
//!
//! The list builds the router, so a method that an address does not have is a 405 that names those it has
//! (RFC 9110 §15.5.6), a query where none is looked at is refused, and a test can compare the list with the `OpenAPI`
//! document.

use std::collections::BTreeMap;
use std::future::ready;

use actix_web::guard::{self, GuardContext};
use actix_web::http::Method;
use actix_web::http::header;
use actix_web::web::{self, ServiceConfig};
use actix_web::{FromRequest, Handler, HttpRequest, HttpResponse, Resource, Responder, Route};

use crate::problem::Problem;
use crate::query;

/// One method of one address, and its handler.
pub struct Endpoint {
    /// As `GET`.
    pub method: Method,
    /// The template, as `/videos/{id}`.
    pub path: &'static str,
    takes_query: bool,
    routes: Vec<Route>,
}

/// As `GET /videos/{id}`, and `GET /videos?` where a query is looked at.
impl std::fmt::Debug for Endpoint {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {}{}", self.method, self.path, if self.takes_query { "?" } else { "" })
    }
}

impl Endpoint {
    /// `handler` answers `method` at `path`; a handler of GET answers HEAD as well, without the body. Query parameters are
    /// refused: a typo, or a wish that nobody hears, is not silently ignored.
    pub fn new<F, Args>(method: Method, path: &'static str, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let mut routes = vec![web::method(method.clone()).to(handler.clone())];
        if method == Method::GET {
            routes.push(web::head().to(handler));
        }
        Self { method, path, takes_query: false, routes }
    }

    /// With query parameters, which the handler looks at.
    #[must_use]
    pub fn with_query(self) -> Self {
        Self { takes_query: true, ..self }
    }

    /// The methods that this answers.
    fn methods(&self) -> Vec<Method> {
        if self.method == Method::GET { vec![Method::HEAD, Method::GET] } else { vec![self.method.clone()] }
    }
}

/// Adds all of `endpoints`.
pub fn routes(endpoints: Vec<Endpoint>) -> impl FnOnce(&mut ServiceConfig) {
    let mut resources: BTreeMap<&'static str, (Resource, Vec<Method>)> = BTreeMap::new();
    for endpoint in endpoints {
        let (mut resource, mut methods) =
            resources.remove(endpoint.path).unwrap_or_else(|| (web::resource(endpoint.path), Vec::new()));
        for method in endpoint.methods() {
            if !endpoint.takes_query {
                let with_query = web::method(method.clone()).guard(guard::fn_guard(has_query));
                resource = resource.route(with_query.to(query_refused));
            }
            methods.push(method);
        }
        for route in endpoint.routes {
            resource = resource.route(route);
        }
        resources.insert(endpoint.path, (resource, methods));
    }
    move |config| {
        for (resource, methods) in resources.into_values() {
            config.service(resource.default_service(web::to(move || ready(not_allowed(methods.clone())))));
        }
    }
}

fn has_query(request: &GuardContext<'_>) -> bool {
    request.head().uri.query().is_some_and(query::says_something)
}

async fn query_refused(request: HttpRequest) -> Result<HttpResponse, Problem> {
    Err(query::unknown(request.query_string()))
}

fn not_allowed(methods: Vec<Method>) -> HttpResponse {
    // The request's middleware writes the body: it knows the request's id.
    HttpResponse::MethodNotAllowed().insert_header(header::Allow(methods)).finish()
}

#[cfg(test)]
mod tests {
    use actix_web::middleware::from_fn;
    use actix_web::test::{TestRequest, call_service, init_service, read_body};
    use actix_web::{App, dev::ServiceResponse};

    use super::*;
    use crate::request::request_context;

    async fn answer(method: Method, path: &str) -> ServiceResponse {
        let endpoints = vec![
            Endpoint::new(Method::GET, "/things", async || "read"),
            Endpoint::new(Method::PUT, "/things", async || "written"),
            Endpoint::new(Method::GET, "/searches", async || "found").with_query(),
        ];
        let app = init_service(App::new().wrap(from_fn(request_context)).configure(routes(endpoints))).await;
        call_service(&app, TestRequest::default().method(method).uri(path).to_request()).await
    }

    #[actix_web::test]
    async fn methods_of_one_path_find_their_handlers() {
        assert_eq!(read_body(answer(Method::GET, "/things").await).await, "read");
        assert_eq!(read_body(answer(Method::PUT, "/things").await).await, "written");
        assert_eq!(answer(Method::HEAD, "/things").await.status(), 200);
    }

    #[actix_web::test]
    async fn a_query_is_refused_where_none_is_looked_at() {
        for method in [Method::GET, Method::HEAD, Method::PUT] {
            assert_eq!(answer(method, "/things?colour=red").await.status(), 422);
        }
        let problem = read_body(answer(Method::GET, "/things?colour=red").await).await;
        assert!(String::from_utf8_lossy(&problem).contains("\"colour\""), "{problem:?}");
        assert_eq!(answer(Method::GET, "/things?").await.status(), 200);
        assert_eq!(answer(Method::DELETE, "/things?colour=red").await.status(), 405);
        assert_eq!(read_body(answer(Method::GET, "/searches?colour=red").await).await, "found");
    }

    #[actix_web::test]
    async fn another_method_is_told_which_there_are() {
        let response = answer(Method::DELETE, "/things").await;
        assert_eq!(response.status(), 405);
        let allow = response.headers().get(header::ALLOW).unwrap().to_str().unwrap();
        assert_eq!(allow, "HEAD, GET, PUT");
        assert_eq!(response.headers().get(header::CONTENT_TYPE).unwrap(), crate::problem::MEDIA_TYPE);
    }
}
