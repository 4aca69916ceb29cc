//! The answer to a password that nobody may have: why, and how strong it is.

use service_kit::problem::{FieldError, Members, Problem};
use utoipa::ToSchema;

use crate::account::{Refusal, Strength};

/// The problem `validation-failed`; where a password is among what is wrong, with its strength.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `refused` answers")]
pub(crate) struct WeakPassword {
    #[serde(flatten)]
    problem: Members,
    /// How hard the refused password is to guess.
    #[schema(required = false)]
    strength: Option<Strength>,
}

/// 422: the password at `pointer`, and `others`, are wrong.
pub(super) fn refused(pointer: &str, refusal: &Refusal, mut others: Vec<FieldError>) -> Problem {
    others.push(FieldError::new(pointer, refusal.reason));
    Problem::invalid(others).extension("strength", &refusal.strength)
}
