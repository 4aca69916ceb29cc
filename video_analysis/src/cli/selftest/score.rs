//! Precision, recall and F1 of a kind of event.

use serde::Serialize;
use serde_json::Value;
use video_analysis::Report;
use video_analysis::report::{OpenedBy, Segment};

use super::films::Film;

/// How often a kind of event was found, over all films.
#[derive(Serialize)]
pub(super) struct Score {
    pub(super) kind: &'static str,
    pub(super) true_positives: u32,
    pub(super) false_positives: u32,
    pub(super) false_negatives: u32,
    pub(super) precision: f64,
    pub(super) recall: f64,
    pub(super) f1: f64,
    /// The F1 that it must have.
    pub(super) demanded: f64,
    /// How far either end may be off: frames, or milliseconds of sound.
    tolerance: u64,
}

impl Score {
    /// With what is demanded of each kind on these films: all, which the engine reaches today, so that a lower figure is a step back.
    /// Where a fade begins to be seen is a matter of its length, where a sine falls below a level one of its phase; all else is to the
    /// frame.
    pub(super) fn of_all_kinds() -> Vec<Self> {
        let kinds = [
            ("cut", 1.0, 0),
            ("fade_out", 1.0, 4),
            ("fade_in", 1.0, 4),
            ("dissolve", 1.0, 2),
            ("wipe", 1.0, 2),
            ("black", 1.0, 0),
            ("plain", 1.0, 0),
            ("freeze", 1.0, 6),
            ("letterbox", 1.0, 0),
            ("silence", 1.0, 2),
        ];
        let empty = |(kind, demanded, tolerance)| Self {
            kind,
            true_positives: 0,
            false_positives: 0,
            false_negatives: 0,
            precision: 0.0,
            recall: 0.0,
            f1: 0.0,
            demanded,
            tolerance,
        };
        kinds.into_iter().map(empty).collect()
    }

    pub(super) fn passed(&self) -> bool {
        self.f1 >= self.demanded
    }

    /// Counts what a film has of this kind, each event matched with one that was found.
    pub(super) fn add(&mut self, film: &Film, report: &Report) {
        if !film.kinds.contains(&self.kind) {
            return;
        }
        let mut found = found(report, self.kind);
        for (_, start, end) in film.truth.iter().filter(|(kind, ..)| *kind == self.kind) {
            let near = |(from, to): &(u64, u64)| {
                from.abs_diff(*start) <= self.tolerance && to.abs_diff(*end) <= self.tolerance
            };
            match found.iter().position(near) {
                Some(index) => {
                    found.swap_remove(index);
                    self.true_positives += 1;
                }
                None => self.false_negatives += 1,
            }
        }
        self.false_positives += u32::try_from(found.len()).unwrap_or(u32::MAX);
        let share = |wrong: u32| {
            let right = f64::from(self.true_positives);
            if self.true_positives == 0 { 0.0 } else { right / (right + f64::from(wrong)) }
        };
        self.precision = share(self.false_positives);
        self.recall = share(self.false_negatives);
        let sum = self.precision + self.recall;
        self.f1 = if sum > 0.0 { 2.0 * self.precision * self.recall / sum } else { 0.0 };
    }
}

/// Where a report has a kind of event: frames, of sound milliseconds. A cut has no length.
fn found(report: &Report, kind: &str) -> Vec<(u64, u64)> {
    if kind == "cut" {
        let cuts = report.shots.iter().filter(|shot| shot.opened_by == OpenedBy::Cut);
        return cuts.filter_map(|shot| shot.segment.start_frame).map(|frame| (frame, frame)).collect();
    }
    let place = |segment: Segment| match segment.start_frame.zip(segment.end_frame) {
        Some(frames) => frames,
        None => (millis(segment.start_seconds), millis(segment.end_seconds)),
    };
    // Every list of ranges in the report looks the same.
    let report = serde_json::to_value(report).unwrap_or_default();
    let lists =
        report.as_object().into_iter().flat_map(|members| members.values()).filter_map(Value::as_array);
    let of_kind = lists.flatten().filter(|item| item.get("type").is_some_and(|name| name == kind));
    of_kind.filter_map(|item| serde_json::from_value(item.clone()).ok()).map(place).collect()
}

fn millis(seconds: f64) -> u64 {
    format!("{:.0}", seconds * 1000.0).parse().unwrap_or(0)
}
