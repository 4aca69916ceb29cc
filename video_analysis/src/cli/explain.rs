//! `video_analysis explain`: why a frame is a cut, or is none.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use video_analysis::explain::{Explanation, Measure, Place, Rule, explain};
use video_analysis::report::OpenedBy;

use super::analyze::How;
use super::progress::Bars;
use super::{Failure, print};

/// Say why a frame is a cut, or is none: what each rule asks for, and the frames around.
///
/// With --feature-cache the film is decoded once, and any number of frames and thresholds can be asked about in an instant.
#[derive(Args)]
pub(super) struct Explain {
    /// The film.
    file: PathBuf,

    /// The frame, counted from 0 as in reports.
    #[arg(long, short = 'n', value_name = "N")]
    frame: u64,

    /// How many frames to show before and after it.
    #[arg(long, value_name = "N", default_value_t = 6)]
    around: usize,

    /// As a table or as JSON.
    #[arg(long, value_enum, default_value_t = Form::Table)]
    format: Form,

    #[command(flatten)]
    how: How,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people.
    Table,
    /// For programs.
    Json,
}

impl Explain {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let size = self.file.metadata().map_or(0, |metadata| metadata.len());
        let bar = Bars::new(&[size]).next(&self.file.display().to_string(), size);
        let found =
            explain(&self.file, self.frame, self.around, &self.how.options()?, &self.how.execution(), &bar);
        drop(bar);
        let found = found?;
        let text = match self.format {
            Form::Table => table(&found),
            Form::Json => serde_json::to_string_pretty(&found)
                .map(|text| text + "\n")
                .map_err(|error| Failure::failed(format!("explanation: {error}")))?,
        };
        print(&text)
    }
}

fn table(found: &Explanation) -> String {
    let mut lines = vec![verdict(found)];
    lines.extend(found.ranges.iter().map(|range| {
        let kind = serde_json::to_value(range.kind).unwrap_or_default();
        let (start, end) = (number(range.start_frame), number(range.end_frame));
        format!("It is in a range of kind {}, frames {start} to {end}.", kind.as_str().unwrap_or_default())
    }));
    lines.push(String::new());
    lines.extend(found.rules.iter().flat_map(told));
    // Of the film's first frame nothing is measured.
    let measured = found.around.iter().find(|place| !place.measures.is_empty());
    let names =
        measured.map(|place| columns(place, |measure, width| format!("  {:>width$}", measure.metric)));
    lines.push(format!("\n  {:>8}  {:>12}{}", "frame", "seconds", names.unwrap_or_default()));
    lines.extend(found.around.iter().map(|place| row(place, place.frame == found.frame)));
    lines.join("\n") + "\n"
}

fn verdict(found: &Explanation) -> String {
    let frame = found.frame;
    let Some(shot) = &found.shot else { return format!("Frame {frame} is in no shot.") };
    let segment = &shot.segment;
    if segment.start_frame == Some(frame) {
        let by = match shot.opened_by {
            OpenedBy::Start => return format!("Frame {frame} opens a shot: the film begins."),
            other => serde_json::to_value(other)
                .ok()
                .and_then(|name| Some(name.as_str()?.to_owned()))
                .unwrap_or_default(),
        };
        let why = segment.evidence.as_ref().map(|evidence| {
            format!(", by {} {} (threshold {})", evidence.metric, evidence.value, evidence.threshold)
        });
        return format!(
            "Frame {frame} opens a shot: {by}{}, confidence {}.",
            why.unwrap_or_default(),
            segment.confidence
        );
    }
    let why = if found.rules.iter().any(|rule| rule.met) {
        ": it is like a cut, but within a transition"
    } else {
        ""
    };
    format!(
        "Frame {frame} opens no shot{why}; it is in the one of frames {} to {}.",
        number(segment.start_frame),
        number(segment.end_frame)
    )
}

fn told(rule: &Rule) -> Vec<String> {
    let met = if rule.met { "met" } else { "not met" };
    let conditions = rule.conditions.iter().map(|condition| {
        let met = if condition.met { "above" } else { "NOT above" };
        format!("    {:<24} {:>10.4}  {met} {}", condition.metric, condition.value, condition.threshold)
    });
    [format!("  {}: {met}", rule.metric)].into_iter().chain(conditions).collect()
}

fn row(place: &Place, asked: bool) -> String {
    let mark = if asked { '>' } else { ' ' };
    let values = columns(place, |measure, width| format!("  {:>width$.3}", measure.value));
    let opens = if place.opens_shot { "  <- opens a shot" } else { "" };
    format!("{mark} {:>8}  {:>12.3}{values}{opens}", place.frame, place.seconds)
}

/// A column for each measure, as wide as its name, but not too narrow for numbers.
fn columns(place: &Place, written: impl Fn(&Measure, usize) -> String) -> String {
    let columns = place.measures.iter().map(|measure| written(measure, measure.metric.len().max(8)));
    columns.collect::<Vec<_>>().concat()
}

fn number(frame: Option<u64>) -> String {
    frame.map(|frame| frame.to_string()).unwrap_or_default()
}
