//! Whether a film still gives the report that is told of it.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::analyze::analyze;
use crate::error::{Error, ErrorKind};
use crate::execution::Execution;
use crate::observer::Observer;
use crate::options::Options;
use crate::report::{Report, canonical_value};

/// A member of two reports that is not the same in both.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// RFC 6901 pointer to the member.
    pub pointer: String,
    /// In the report; `None` where it does not have the member.
    pub reported: Option<Value>,
    /// In the new analysis.
    pub found: Option<Value>,
}

/// Analyses a file again, with the options of its report, and says what is different: nothing, if the file, the engine and
/// the decoder are the same, whatever `execution` says. The feature cache of `execution` is not used.
///
/// # Errors
/// As [`analyze`]; and [`ErrorKind::InvalidOptions`] where the report's parameters are none of this engine's.
pub fn verify(
    input: &Path,
    report: &Report,
    execution: &Execution,
    observer: &dyn Observer,
) -> Result<Vec<Difference>, Error> {
    let execution = Execution { feature_cache: None, ..execution.clone() };
    let again = analyze(input, &report.options()?, &execution, observer)?;
    report.differences(&again)
}

impl Report {
    /// The options that it was made with: those of its detectors, and the default of what they do not name.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidOptions`] where they are none of this engine's.
    pub fn options(&self) -> Result<Options, Error> {
        let invalid = |error: String| Error::new(ErrorKind::InvalidOptions, error);
        let mut options =
            serde_json::to_value(Options::default()).map_err(|error| invalid(error.to_string()))?;
        let asked = self.detectors.iter().filter(|detector| detector.asked).map(|detector| &detector.name);
        if let Some(detectors) = options.get_mut("detectors") {
            *detectors = asked.cloned().collect();
        }
        for detector in &self.detectors {
            // A detector without parameters of its own has no group in the options.
            if let Some(group) = options.get_mut(&detector.name) {
                *group = detector.params.clone();
            }
        }
        let options: Options = serde_json::from_value(options).map_err(|error| invalid(error.to_string()))?;
        options.validate().map_err(|error| invalid(error.to_string()))?;
        Ok(options)
    }

    /// What is not the same in both, in their RFC 8785 forms, sorted by where it is.
    ///
    /// # Errors
    /// As [`Report::canonical_json`].
    pub fn differences(&self, other: &Self) -> Result<Vec<Difference>, Error> {
        let canonical = |report: &Self| -> Result<Value, Error> {
            let bytes = report.canonical_json()?;
            let value = serde_json::from_slice(&bytes);
            canonical_value(&value.map_err(|error| Error::new(ErrorKind::Io, error.to_string()))?)
        };
        let mut found = Vec::new();
        compare(String::new(), Some(&canonical(self)?), Some(&canonical(other)?), &mut found);
        Ok(found)
    }
}

fn compare(pointer: String, one: Option<&Value>, other: Option<&Value>, found: &mut Vec<Difference>) {
    match (one, other) {
        _ if one == other => {}
        (Some(Value::Object(ours)), Some(Value::Object(theirs))) => {
            for name in ours.keys().chain(theirs.keys()).collect::<BTreeSet<_>>() {
                let token = name.replace('~', "~0").replace('/', "~1");
                compare(format!("{pointer}/{token}"), ours.get(name), theirs.get(name), found);
            }
        }
        (Some(Value::Array(ours)), Some(Value::Array(theirs))) => {
            for item in 0..ours.len().max(theirs.len()) {
                compare(format!("{pointer}/{item}"), ours.get(item), theirs.get(item), found);
            }
        }
        _ => found.push(Difference { pointer, reported: one.cloned(), found: other.cloned() }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn differences_are_named_by_pointers_however_deep() {
        let one = json!({"a": [1, {"b/c": 2}], "same": [1], "gone": null});
        let other = json!({"a": [1, {"b/c": 3}, 4], "same": [1]});
        let mut found = Vec::new();
        compare(String::new(), Some(&one), Some(&other), &mut found);
        let found: Vec<_> = found.into_iter().map(|one| (one.pointer, one.reported, one.found)).collect();
        assert_eq!(
            found,
            [
                ("/a/1/b~1c".to_owned(), Some(json!(2)), Some(json!(3))),
                ("/a/2".to_owned(), None, Some(json!(4))),
                ("/gone".to_owned(), Some(Value::Null), None),
            ]
        );
    }
}
