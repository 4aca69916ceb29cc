//! Dissolves: one shot fades away while the next appears over it. The measures and their figures are explained in
//! `docs/shot-detection.md`.

mod candidates;
mod mixture;

use std::collections::BTreeSet;

use self::mixture::Mixture;
use super::fades::PLAIN_DEVIATION;
use super::gradual::{Gradual, Limited, Stretch, apart};
use super::ramp;
use crate::features::Frame;
use crate::options::ShotOptions;
use crate::report::SegmentKind;

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

/// Finds all dissolves, none touching another, in order.
pub(super) fn find(frames: &[Frame], options: &ShotOptions, leeway: f64) -> Vec<Gradual> {
    let [shortest, longest] = [options.min_dissolve_frames, options.max_dissolve_frames]
        .map(|frames| usize::try_from(frames).unwrap_or(usize::MAX));
    let mut seen = BTreeSet::new();
    let mut found: Vec<(f64, Gradual)> = Vec::new();
    // With ends that are mixtures themselves a ramp fits within the whole one: each is tried with ends farther out too.
    let wider = |stretch: Stretch| [stretch, Stretch { half: stretch.half * 3 / 2, ..stretch }];
    for stretch in candidates::find(frames, longest).into_iter().flat_map(wider) {
        let Some((start, end)) = ramp::fit(frames, stretch, mixture::progress) else { continue };
        if !(shortest..=longest).contains(&(end - start)) || !seen.insert((start, end)) {
            continue;
        }
        // From or to a plain picture it is a fade.
        let plain = |frame: &Frame| frame.deviation <= PLAIN_DEVIATION;
        if frames.get(start - 1).is_none_or(plain) || frames.get(end).is_none_or(plain) {
            continue;
        }
        if let Some(mixture) = mixture::measure(frames, start, end)
            && let Some(dissolve) = judge(start, end, &mixture, options.max_dissolve_misfit, leeway)
        {
            found.push((mixture.change * (1.0 - mixture.misfit), dissolve));
        }
    }
    apart(found, |dissolve| (dissolve.start, dissolve.end))
}

/// All measures must be within their limits; the one nearest to its own says how sure it is.
fn judge(start: usize, end: usize, mixture: &Mixture, max_misfit: f64, leeway: f64) -> Option<Gradual> {
    let limited = [
        Limited::below("mixture_misfit", mixture.misfit, max_misfit)
            .usually(ShotOptions::default().max_dissolve_misfit),
        Limited::below("largest_step", mixture.largest_step, MAX_STEP),
        Limited::below("likeness", mixture.likeness, MAX_LIKENESS),
        Limited::below("untouched", mixture.untouched, MAX_UNTOUCHED),
        Limited::below("edge_error", mixture.edge_error, MAX_EDGE_ERROR),
    ];
    (mixture.change > MIN_CHANGE)
        .then(|| Gradual::judged(SegmentKind::Dissolve, (start, end), limited, leeway))
        .flatten()
}
