//! Dissolves: one shot fades away while the next appears over it. The measures and their figures are explained in
//! `docs/shot-detection.md`.

mod candidates;
mod mixture;
mod ramp;

use std::collections::{BTreeMap, BTreeSet};

use self::candidates::Candidate;
use self::mixture::Mixture;
use super::confidence;
use super::fades::PLAIN_DEVIATION;
use crate::features::Frame;
use crate::options::ShotOptions;

/// Least difference of the two shots, in grey levels: below it, noise and motion look like a mixture.
const MIN_CHANGE: f64 = 12.0;
/// Largest step from one picture to the next as a share of the way: above, it is a cut with motion around it.
const MAX_STEP: f64 = 0.5;
/// How alike the two ends may be (correlation): a picture that is relit, tinted or out of focus stays like itself.
const MAX_LIKENESS: f64 = 0.5;
/// Share of the picture that may be as before: titles and other overlays leave the rest alone.
const MAX_UNTOUCHED: f64 = 0.12;
/// How far the edges' lost energy may be from what a mixture loses, as a share of it: motion loses none.
const MAX_EDGE_ERROR: f64 = 0.45;

/// The pictures `[start, end)` hold both shots.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Dissolve {
    pub(super) start: usize,
    pub(super) end: usize,
    /// The measure that is nearest to its limit.
    pub(super) metric: &'static str,
    pub(super) value: f64,
    pub(super) threshold: f64,
    pub(super) confidence: f64,
}

/// Finds all dissolves, none touching another, in order.
pub(super) fn find(frames: &[Frame], options: &ShotOptions) -> Vec<Dissolve> {
    let [shortest, longest] = [options.min_dissolve_frames, options.max_dissolve_frames]
        .map(|frames| usize::try_from(frames).unwrap_or(usize::MAX));
    let mut seen = BTreeSet::new();
    let mut found: Vec<(f64, Dissolve)> = Vec::new();
    // With ends that are mixtures themselves a ramp fits within the whole one: each candidate is tried with ends farther out too.
    let wider = |candidate: Candidate| [candidate, Candidate { half: candidate.half * 3 / 2, ..candidate }];
    for candidate in candidates::find(frames, longest).into_iter().flat_map(wider) {
        let Some((start, end)) = ramp::fit(frames, candidate.centre, candidate.half) else { continue };
        if !(shortest..=longest).contains(&(end - start)) || !seen.insert((start, end)) {
            continue;
        }
        // From or to a plain picture it is a fade.
        let plain = |frame: &Frame| frame.deviation <= PLAIN_DEVIATION;
        if frames.get(start - 1).is_none_or(plain) || frames.get(end).is_none_or(plain) {
            continue;
        }
        if let Some(mixture) = mixture::measure(frames, start, end)
            && let Some(dissolve) = judge(start, end, &mixture, options.max_dissolve_misfit)
        {
            found.push((mixture.change * (1.0 - mixture.misfit), dissolve));
        }
    }
    // A part of a dissolve is one too, and a smaller one.
    found.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.start.cmp(&other.1.start)));
    let mut kept: BTreeMap<usize, Dissolve> = BTreeMap::new();
    for (_, dissolve) in found {
        let before = kept.range(..=dissolve.end + 1).next_back();
        if before.is_none_or(|(_, other)| other.end + 2 <= dissolve.start) {
            kept.insert(dissolve.start, dissolve);
        }
    }
    kept.into_values().collect()
}

/// All measures must be within their limits; the one nearest to its own says how sure it is.
fn judge(start: usize, end: usize, mixture: &Mixture, max_misfit: f64) -> Option<Dissolve> {
    if mixture.change <= MIN_CHANGE {
        return None;
    }
    let limited = [
        ("mixture_misfit", mixture.misfit, max_misfit),
        ("largest_step", mixture.largest_step, MAX_STEP),
        ("likeness", mixture.likeness, MAX_LIKENESS),
        ("untouched", mixture.untouched, MAX_UNTOUCHED),
        ("edge_error", mixture.edge_error, MAX_EDGE_ERROR),
    ];
    if limited.iter().any(|(_, value, limit)| value >= limit) {
        return None;
    }
    let judged = limited.into_iter().map(|(metric, value, threshold)| {
        // Below the limit is what is wanted, so that the two change places.
        let confidence = confidence(threshold, value);
        Dissolve { start, end, metric, value, threshold, confidence }
    });
    let change = Dissolve {
        start,
        end,
        metric: "change",
        value: mixture.change,
        threshold: MIN_CHANGE,
        confidence: confidence(mixture.change, MIN_CHANGE),
    };
    judged.chain([change]).min_by(|one, other| one.confidence.total_cmp(&other.confidence))
}
