//! Hard cuts. The measures and their figures are explained in `docs/shot-detection.md`.

mod change;
mod measures;

use self::change::{Change, FARTHEST, changes, unexplained};
use self::measures::{Bound, Measures, measure};
use super::blocks::distance;
use super::fades::plain;
use super::{mixed, overlaid, unchanged, uncovered};
use crate::explain::{Condition, Rule};
use crate::features::Frame;
use crate::options::ShotOptions;

/// A change from one picture to the next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cut {
    /// The first picture of the new shot.
    pub(super) frame: usize,
    /// The measure that decided.
    pub(super) metric: &'static str,
    pub(super) value: f64,
    pub(super) threshold: f64,
    /// How clear it is, whatever the options say.
    pub(super) margin: f64,
}

/// Most black or white pictures between two shots that are no shot, but a part of the cut that follows.
const LONGEST_GAP: usize = 2;
/// Share of its way that the first picture of a shot has at least when it does not fade in.
const AT_ONCE: f64 = 0.7;
/// Pictures beside a mixed one that tell whether there is a cut: as far as a flash is looked for, and some.
const MIXED_REACH: usize = 16;
/// Pictures on either side of a cut that must differ across it.
const SIDE: usize = 3;

/// Finds all cuts, however short the shots between them are.
pub(super) fn find(frames: &[Frame], options: &ShotOptions) -> Vec<Cut> {
    let changes = changes(frames);
    let places = (1..frames.len()).filter(|at| may_open(frames, *at));
    let cuts = places.filter_map(|at| {
        if let Some((opens, bounds, measures)) = over_mixed(frames, &changes, at, options) {
            let decided = bounds.first().filter(|_| opens == at)?;
            return Some(cut(at, decided, &measures));
        }
        let cut = decide(at, &measure(frames, &changes, at)?, options)?;
        is_another_picture(frames, at).then_some(cut)
    });
    cuts.collect()
}

/// A cut over a picture, this one or the one before, that shows both shots: where it is, and why. It is looked for in the film without
/// that picture.
fn over_mixed(
    frames: &[Frame],
    changes: &[Change],
    at: usize,
    options: &ShotOptions,
) -> Option<(usize, Vec<Bound>, Measures)> {
    [at.checked_sub(1)?, at].into_iter().find_map(|picture| {
        let steps = [changes.get(picture)?.step, changes.get(picture + 1)?.step];
        if steps.into_iter().any(|step| step < options.min_change) {
            return None;
        }
        let opens = mixed::opens(frames, picture)?;
        let start = picture.saturating_sub(MIXED_REACH);
        let near = frames.get(start..(picture + MIXED_REACH).min(frames.len()))?;
        let at = picture - start;
        let without: Vec<Frame> = near
            .iter()
            .enumerate()
            .filter(|(place, _)| *place != at)
            .map(|(_, frame)| frame.clone())
            .collect();
        let mut changes = change::changes(&without);
        let [into, out_of] = [near.get(at)?, near.get(at + 1)?].map(unexplained);
        changes.get_mut(at)?.unexplained = into.max(out_of);
        let measures = measure(&without, &changes, at)?;
        let bounds = measures.over_mixed(options);
        let is_cut = bounds.iter().all(Bound::met) && is_another_picture(&without, at);
        is_cut.then_some((opens, bounds, measures))
    })
}

/// Whether the pictures before `at` tell what moves: a single one does not, but where it is black or white nothing does.
fn may_open(frames: &[Frame], at: usize) -> bool {
    at > 1 || (at == 1 && frames.first().and_then(plain).is_some())
}

/// What a cut needs, and what of it the change before the picture `at` has: [`find`] takes it where a rule is met. None for
/// the film's first picture, and for the second after one that is neither black nor white.
pub(super) fn rules(frames: &[Frame], at: usize, options: &ShotOptions) -> Vec<Rule> {
    /// One more than the largest reach of a measure: so the first of these is only compared with.
    const REACH: usize = FARTHEST + SIDE;
    if !may_open(frames, at) {
        return Vec::new();
    }
    let mixed = over_mixed(frames, &changes(frames), at, options);
    let elsewhere = mixed.as_ref().is_some_and(|(opens, ..)| *opens != at);
    // Not a measure, but as plain: 1 for another picture, 0 for the same one in another light or with something on it or before it,
    // and for the other half of a change that is a cut right beside it.
    let another = f64::from(u8::from(!elsewhere && is_another_picture(frames, at)));
    let another = Condition::at_least("another_picture", another, 1.0);
    let start = at.saturating_sub(REACH);
    let near = frames.get(start..at.saturating_add(REACH).min(frames.len())).unwrap_or_default();
    let Some(measures) = measure(near, &changes(near), at - start) else { return Vec::new() };
    let rules = measures.rules(options).into_iter().filter_map(|bounds| {
        let metric = bounds.first()?.metric;
        let conditions = bounds.iter().map(Bound::condition).chain([another.clone()]);
        Some(Rule::all(metric, conditions.collect()))
    });
    let over_mixed = mixed.filter(|_| !elsewhere).and_then(|(_, bounds, _)| {
        Some(Rule::all(bounds.first()?.metric, bounds.iter().map(Bound::condition).collect()))
    });
    rules.chain(over_mixed).collect()
}

fn decide(at: usize, measures: &Measures, options: &ShotOptions) -> Option<Cut> {
    let rules = measures.rules(options);
    let met = rules.iter().find(|bounds| bounds.iter().all(Bound::met))?;
    met.first().map(|decided| cut(at, decided, measures))
}

fn cut(at: usize, decided: &Bound, measures: &Measures) -> Cut {
    Cut {
        frame: at,
        metric: decided.metric,
        value: decided.value,
        threshold: decided.least,
        margin: measures.margin(),
    }
}

fn is_another_picture(frames: &[Frame], at: usize) -> bool {
    !unchanged::at(frames, at)
        && !overlaid::at(frames, at)
        && !uncovered::at(frames, at)
        && !is_gap(frames, at)
}

/// Whether a black or white picture or two follow, and then, at once, another shot: the cut is after them.
fn is_gap(frames: &[Frame], at: usize) -> bool {
    let Some((before, after)) = frames.split_at_checked(at) else { return false };
    let Some(blank) = after.first() else { return false };
    let color = plain(blank);
    if color.is_none() || before.last().is_some_and(|last| plain(last) == color) {
        return false;
    }
    let mut following = after.iter().skip(1).take(LONGEST_GAP).skip_while(|next| plain(next) == color);
    let Some(first) = following.next() else { return false };
    let later = after.iter().take(LONGEST_GAP + SIDE).next_back().unwrap_or(first);
    // What fades in is not all there at once.
    distance(blank, first) >= AT_ONCE * distance(blank, later)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::{Extractor, FRAME_BYTES};

    /// Scenes of some pictures each, plain, noisy and flashing, from a generator that is always the same.
    fn frames() -> Vec<Frame> {
        let mut state = 7u32;
        let mut random = move |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) % below
        };
        let mut extractor = Extractor::default();
        let mut scene = [0; 3];
        for pts in 0..400 {
            if random(9) == 0 {
                scene = [0; 3].map(|_: u32| random(200));
            }
            let noise = [1, 8, 60][usize::try_from(random(3)).unwrap()];
            let picture: Vec<u8> = (0..FRAME_BYTES)
                .map(|at| u8::try_from((scene[at % 3] + random(noise)).min(255)).unwrap())
                .collect();
            extractor.push(pts, &picture);
        }
        extractor.finish().frames.to_vec()
    }

    #[test]
    fn a_place_is_a_cut_where_a_rule_is_met_and_nowhere_else() {
        let frames = frames();
        for options in [
            ShotOptions::default(),
            ShotOptions { min_change: 1.0, min_contrast: 0.7, ..ShotOptions::default() },
        ] {
            let found: Vec<usize> = find(&frames, &options).iter().map(|cut| cut.frame).collect();
            let explained =
                (0..frames.len()).filter(|at| rules(&frames, *at, &options).iter().any(|rule| rule.met));
            assert_eq!(explained.collect::<Vec<_>>(), found);
            assert!(found.len() > 10, "{found:?}");
        }
    }
}
