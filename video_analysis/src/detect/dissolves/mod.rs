//! Dissolves: one shot fades away while the next appears over it; and wipes whose line is so soft that they are as much of a
//! mixture. The measures and their figures are explained in
//! `docs/shot-detection.md`.

mod candidates;
mod mixture;
mod shifted;

use std::collections::BTreeSet;

use self::mixture::Mixture;
use super::fades;
use super::gradual::{Gradual, Limited, Stretch, apart};
use super::{ramp, recolored, wipes};
use crate::features::Frame;
use crate::options::ShotOptions;
use crate::report::SegmentKind;

/// Pictures above which a dissolve may only have half of the misfit: most of what goes on for so long and has more is a
/// shorter transition with motion around it.
const LONG: usize = 72;
/// Least difference of the two shots, in grey levels: below it, noise and motion look like a mixture.
const MIN_CHANGE: f64 = 12.0;
/// Largest step from one picture to the next as a share of the way: above, it is a cut with motion around it.
const MAX_STEP: f64 = 0.5;
/// How alike the two ends may be (correlation): a picture that is relit, tinted or out of focus stays like itself.
const MAX_LIKENESS: f64 = 0.5;
/// The same where the mixture is clear: two shots of one set, or of one sky.
const MAX_CLEAR_LIKENESS: f64 = 0.6;
/// Share of the picture that may be as before: titles and other overlays leave the rest alone.
const MAX_UNTOUCHED: f64 = 0.12;
/// The same where the mixture is clear: what two shots have alike by chance, walls or the sky.
const MAX_CLEARLY_UNTOUCHED: f64 = 0.2;
/// A mixture is clear up to this misfit and edge error.
const CLEAR_MISFIT: f64 = 0.15;
const CLEAR_EDGE_ERROR: f64 = 0.2;
/// How far the edges' lost energy may be from what a mixture loses, as a share of it: motion loses none.
const MAX_EDGE_ERROR: f64 = 0.45;
/// The same of a wipe with a soft line, which loses less, for each block is mixed for a part of it only.
const MAX_SWEPT_EDGE_ERROR: f64 = 0.9;
/// Share of the change that moving the picture may explain: a slow pan or tilt over what is soft looks like a mixture of its ends.
const MAX_SHIFTED: f64 = 0.5;

/// Mixtures of two shots, none touching another of its kind, in order.
pub(super) struct Mixtures {
    /// Dissolves, and wipes with a soft line that are as much of a mixture.
    pub(super) clear: Vec<Gradual>,
    /// Wipes with a soft line that are less of one, which the others may overlap.
    pub(super) swept: Vec<Gradual>,
}

/// Finds all mixtures.
pub(super) fn find(frames: &[Frame], options: &ShotOptions, leeway: f64) -> Mixtures {
    let [shortest, longest] = [options.min_dissolve_frames, options.max_dissolve_frames]
        .map(|frames| usize::try_from(frames).unwrap_or(usize::MAX));
    let mut seen = BTreeSet::new();
    let (mut clear, mut swept) = (Vec::new(), Vec::new());
    // With ends that are mixtures themselves a ramp fits within the whole one: each is tried with ends farther out too.
    let wider = |stretch: Stretch| [stretch, Stretch { half: stretch.half * 3 / 2, ..stretch }];
    for stretch in candidates::find(frames, longest).into_iter().flat_map(wider) {
        let Some((start, end)) = ramp::fit(frames, stretch, &[ramp::STEADY], mixture::progress) else {
            continue;
        };
        if !(shortest..=longest).contains(&(end - start)) || !seen.insert((start, end)) {
            continue;
        }
        // From or to black or white it is a fade.
        let plain = |frame: &Frame| fades::plain(frame).is_some();
        if frames.get(start - 1).is_none_or(plain) || frames.get(end).is_none_or(plain) {
            continue;
        }
        if let Some(mixture) = mixture::measure(frames, start, end)
            && let Some(gradual) = judge(frames, (start, end), &mixture, options.max_dissolve_misfit, leeway)
            && gradual.end - gradual.start <= longest
        {
            let of_its_kind =
                if mixture.edge_error < MAX_EDGE_ERROR * leeway { &mut clear } else { &mut swept };
            // What reaches beyond its ends has more of a change and more of a misfit.
            of_its_kind.push((mixture.change * (1.0 - 2.0 * mixture.misfit), gradual));
        }
    }
    let place = |gradual: &Gradual| (gradual.start, gradual.end);
    Mixtures { clear: apart(clear, place), swept: apart(swept, place) }
}

/// All measures must be within their limits. A mixture whose blocks change one after the other is a wipe with a soft line.
fn judge(
    frames: &[Frame],
    (start, end): (usize, usize),
    mixture: &Mixture,
    max_misfit: f64,
    leeway: f64,
) -> Option<Gradual> {
    let usual_misfit = ShotOptions::default().max_dissolve_misfit;
    let part = if end - start > LONG { 0.5 } else { 1.0 };
    let clear = mixture.misfit < CLEAR_MISFIT && mixture.edge_error < CLEAR_EDGE_ERROR;
    let (max_likeness, max_untouched) =
        if clear { (MAX_CLEAR_LIKENESS, MAX_CLEARLY_UNTOUCHED) } else { (MAX_LIKENESS, MAX_UNTOUCHED) };
    let limited = |max_edge_error| {
        [
            Limited::below("mixture_misfit", mixture.misfit, part * max_misfit).usually(part * usual_misfit),
            Limited::below("largest_step", mixture.largest_step, MAX_STEP),
            Limited::below("likeness", mixture.likeness, max_likeness),
            Limited::below("untouched", mixture.untouched, max_untouched),
            Limited::below("edge_error", mixture.edge_error, max_edge_error),
        ]
    };
    let judged =
        |kind, measures: &[Limited]| Gradual::judged(kind, (start, end), measures.iter().copied(), leeway);
    let swept = limited(MAX_SWEPT_EDGE_ERROR);
    // What is no mixture at all need not be looked at block by block.
    judged(SegmentKind::Wipe, &swept).filter(|_| mixture.change > MIN_CHANGE)?;
    let (before, after) = (frames.get(start.checked_sub(1)?)?, frames.get(end)?);
    if recolored::same(before, after) {
        return None;
    }
    let shifted = || {
        let shifted = shifted::explained(before, after);
        Limited::below("shifted", shifted, MAX_SHIFTED)
    };
    match wipes::sweeps(frames, start, end) {
        Some((scatter, (start, end))) => {
            let wipe = judged(SegmentKind::Wipe, &[&swept[..], &[scatter]].concat())?;
            Some(Gradual { start, end, ..wipe })
        }
        None => judged(SegmentKind::Dissolve, &[&limited(MAX_EDGE_ERROR)[..], &[shifted()]].concat()),
    }
}
