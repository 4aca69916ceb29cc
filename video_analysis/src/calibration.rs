//! What `bench/calibration.py` fits the confidences of shot boundaries to, with the feature `calibration` alone.

use std::path::Path;

use serde::Serialize;

use crate::analyze::examine;
use crate::detect::relaxed;
use crate::error::Error;
use crate::execution::Execution;
use crate::options::Options;

/// A shot boundary that may be one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// What it may be: `cut`, `dissolve`, `wipe`, `fade_out`, `fade_in`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Of a cut the first picture of the new shot, otherwise the first mixed one.
    pub start: usize,
    /// The first picture after it.
    pub end: usize,
    /// How clear it is.
    pub margin: f64,
    /// Whether it is within the limits that reports have.
    pub usual: bool,
}

/// What is found in a film with limits `leeway` times as wide as they are. All features are in memory at a time.
///
/// # Errors
/// As [`analyze`](crate::analyze).
pub fn findings(input: &Path, leeway: f64, execution: &Execution) -> Result<Vec<Finding>, Error> {
    let (_, film) = examine(input, &Options::default(), execution, &())?;
    let Some(film) = film else { return Ok(Vec::new()) };
    let frames = film.frames.read(0..film.frames.len()).map_err(|error| Error::io("features", &error))?;
    Ok(relaxed::find(&frames, leeway))
}
