//! Members of a request that are all looked at before the answer, which names everything that is wrong.

use service_kit::problem::{FieldError, Problem};

/// What was found wrong so far.
#[derive(Default)]
pub(super) struct Checks(Vec<FieldError>);

impl Checks {
    /// The value; where there is none, why the member at `pointer` is wrong is noted.
    pub(super) fn keep<T>(&mut self, pointer: &str, outcome: Result<T, String>) -> Option<T> {
        outcome.map_err(|detail| self.0.push(FieldError::new(pointer, detail))).ok()
    }

    /// For what points deeper by itself.
    pub(super) fn errors(&mut self) -> &mut Vec<FieldError> {
        &mut self.0
    }

    /// # Errors
    /// 422 where anything was wrong.
    pub(super) fn finish(self) -> Result<(), Problem> {
        if self.0.is_empty() { Ok(()) } else { Err(Problem::invalid(self.0)) }
    }
}
