//! Why a frame is a cut, or is none.

use std::io;
use std::path::Path;

use serde::Serialize;

use crate::analyze::examine;
use crate::choice::DetectorChoice;
use crate::detect::{Film, cut_rules};
use crate::error::{Error, ErrorKind};
use crate::execution::Execution;
use crate::numeric::{len, round};
use crate::observer::Observer;
use crate::options::Options;
use crate::rational::Rational;
use crate::report::{Report, Segment, Shot, findings};

/// A frame, what was found there, and what speaks for and against a cut before it and its neighbours.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// Ordinal of the frame that was asked about.
    pub frame: u64,
    /// The shot that it is in.
    pub shot: Option<Shot>,
    /// The other ranges of pictures that it is in: transitions, black and what else there is.
    pub ranges: Vec<Segment>,
    /// What a cut needs: it is one where all conditions of a rule are met, unless a fade or a dissolve takes its place.
    pub rules: Vec<Rule>,
    /// The frame and its neighbours, in order.
    pub around: Vec<Place>,
}

/// A frame among its neighbours.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Place {
    /// Its ordinal.
    pub frame: u64,
    /// Its timestamp in `time_base`.
    pub pts: i64,
    /// The video stream's time base.
    pub time_base: Rational,
    /// Its time in seconds.
    pub seconds: f64,
    /// Whether a shot begins here.
    pub opens_shot: bool,
    /// The measures of the change from the frame before, each once, by name.
    pub measures: Vec<Measure>,
}

/// A measure of a place.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measure {
    /// Its name, as in a report's evidence.
    pub metric: String,
    /// Its value.
    pub value: f64,
}

/// A way in which a change is a cut: all conditions are met.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rule {
    /// Named after the measure that decides, as in a report's evidence.
    pub metric: String,
    /// Whether all conditions are met.
    pub met: bool,
    /// What it asks for.
    pub conditions: Vec<Condition>,
}

/// One measure that has to reach a value.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Condition {
    /// Name of the measure.
    pub metric: String,
    /// Its value here.
    pub value: f64,
    /// What it must be above, or not below.
    pub threshold: f64,
    /// Whether it is.
    pub met: bool,
}

impl Condition {
    /// A measure that must be above a value.
    pub(crate) fn above(metric: &str, value: f64, threshold: f64) -> Self {
        Self {
            metric: metric.to_owned(),
            value: round(value, 4),
            threshold: round(threshold, 4),
            met: value > threshold,
        }
    }

    /// A measure that must not be below a value.
    pub(crate) fn at_least(metric: &str, value: f64, threshold: f64) -> Self {
        Self { met: value >= threshold, ..Self::above(metric, value, threshold) }
    }
}

impl Rule {
    /// All of some conditions, without those that need no telling.
    pub(crate) fn all(metric: &str, conditions: Vec<Condition>) -> Self {
        let met = conditions.iter().all(|condition| condition.met);
        Self { metric: metric.to_owned(), met, conditions }
    }
}

/// Explains a frame of a film, with `reach` neighbours on either side. Decodes the film unless its features are in
/// [`Execution::feature_cache`].
///
/// # Errors
/// As [`analyze`](crate::analyze); and [`ErrorKind::InvalidOptions`] where the film has no such frame.
pub fn explain(
    input: &Path,
    frame: u64,
    reach: usize,
    options: &Options,
    execution: &Execution,
    observer: &dyn Observer,
) -> Result<Explanation, Error> {
    // Which shot and which ranges a frame is in is asked of all detectors.
    let options = &Options { detectors: DetectorChoice::default(), ..options.clone() };
    let (report, film) = examine(input, options, execution, observer)?;
    let film = film.filter(|film| frame < len(film.frames.len()));
    let missing = || {
        Error::new(
            ErrorKind::InvalidOptions,
            format!("there is no frame {frame}: the film has {}", report.frames),
        )
    };
    let film = film.ok_or_else(missing)?;
    explained(&report, &film, usize::try_from(frame).unwrap_or(usize::MAX), reach, options)
        .map_err(|error| Error::io("features", &error))
}

fn explained(
    report: &Report,
    film: &Film,
    at: usize,
    reach: usize,
    options: &Options,
) -> io::Result<Explanation> {
    let frame = len(at);
    let holds = |segment: &Segment| {
        segment.start_frame.zip(segment.end_frame).is_some_and(|(start, end)| (start..end).contains(&frame))
    };
    let starts = |frame: u64| report.shots.iter().any(|shot| shot.segment.start_frame == Some(frame));
    let rules = |at: usize| cut_rules(film, at, &options.shots);
    let last = at.saturating_add(reach).min(film.frames.len().saturating_sub(1));
    let around = at.saturating_sub(reach)..=last;
    Ok(Explanation {
        frame,
        shot: report.shots.iter().find(|shot| holds(&shot.segment)).cloned(),
        ranges: findings::of(report)
            .into_iter()
            .filter(|finding| finding.list != "shots" && holds(&finding.segment))
            .map(|finding| finding.segment)
            .collect(),
        rules: rules(at)?,
        around: around
            .map(|at| {
                Ok(Place {
                    frame: len(at),
                    pts: film.pts(at),
                    time_base: film.time_base(),
                    seconds: round(film.seconds(at), 6),
                    opens_shot: starts(len(at)),
                    measures: measures(&rules(at)?),
                })
            })
            .collect::<io::Result<_>>()?,
    })
}

/// What the rules look at, each measure once.
fn measures(rules: &[Rule]) -> Vec<Measure> {
    let mut measures: Vec<Measure> = Vec::new();
    for condition in rules.iter().flat_map(|rule| &rule.conditions) {
        if measures.iter().all(|measure| measure.metric != condition.metric) {
            measures.push(Measure { metric: condition.metric.clone(), value: condition.value });
        }
    }
    measures
}
