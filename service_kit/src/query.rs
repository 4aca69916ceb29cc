//! Query parameters that are refused by name.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use serde::de::DeserializeOwned;
use serde_urlencoded::Deserializer;

use crate::problem::{FieldError, Problem};

/// Most parameters that one answer names.
const MOST_NAMED: usize = 16;

/// The query of a request as `T`, which should `deny_unknown_fields`. Answers 422 with the parameter's name.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parse(request.query_string()).map(Self))
    }
}

/// Whether there is a parameter: `?`, `?&` have none.
pub(crate) fn says_something(query: &str) -> bool {
    form_urlencoded::parse(query.as_bytes()).next().is_some()
}

/// The refusal of a query where none is looked at. Names every parameter.
pub(crate) fn unknown(query: &str) -> Problem {
    let names = form_urlencoded::parse(query.as_bytes());
    let errors = names.map(|(name, _)| FieldError::new(name, "is not known here"));
    Problem::invalid(errors.take(MOST_NAMED).collect())
}

fn parse<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    let parameters = Deserializer::new(form_urlencoded::parse(query.as_bytes()));
    serde_path_to_error::deserialize(parameters).map_err(|error| {
        let name = error.path().to_string();
        Problem::invalid(vec![FieldError::new(name, error.into_inner().to_string())])
    })
}

#[cfg(test)]
mod tests {
    use actix_web::ResponseError;
    use actix_web::body::to_bytes;
    use serde::Deserialize;
    use serde_json::Value;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Paging {
        limit: Option<u64>,
    }

    #[actix_web::test]
    async fn a_wrong_or_unknown_parameter_is_named() {
        assert_eq!(parse::<Paging>("limit=7").unwrap().limit, Some(7));
        for (query, name) in [("limit=abc", "limit"), ("colour=red", "colour")] {
            let problem = parse::<Paging>(query).unwrap_err();
            let bytes = to_bytes(problem.error_response().into_body()).await.unwrap();
            let problem: Value = serde_json::from_slice(&bytes).unwrap();
            assert_eq!((&problem["status"], &problem["errors"][0]["pointer"]), (&422.into(), &name.into()));
        }
    }
}
