//! Wipes: one shot takes the place of another bit by bit, behind a line, a clock's hand or a circle. The measures and their
//! figures are explained in `docs/shot-detection.md`.

mod ends;
mod extent;
mod surface;
mod sweep;

use std::collections::BTreeSet;

use self::extent::extent;
use self::sweep::{Course, MAX_SOFT_SCATTER, MAX_WHOLE_SCATTER, MIN_CHANGE, Sweep};
use super::blocks::{distance, likeness};
use super::fades;
use super::gradual::{Gradual, Limited, Stretch, apart, halves, strongest};
use super::ramp;
use crate::features::Frame;
use crate::options::ShotOptions;
use crate::report::SegmentKind;

/// Fewest pictures of a wipe: with fewer it is a cut with motion around it.
const SHORTEST: usize = 4;
/// Of an exact wipe this many more are not seen: the corner that its first picture shows, or that its last one leaves, may be too little.
const HIDDEN: usize = 1;
/// Most of them: what goes on for longer is motion.
const LONGEST: usize = 72;
/// Stretches are tried about a quarter of their half apart: a power of two, so that windows of a film that begin at multiples of
/// it try the same ones.
const CENTRES: usize = 4;
/// Of those whose centres are nearer than a sixteenth of the longer one's half only the strongest is looked at.
const APART: usize = 16;
/// Most pictures from a wipe within which the picture that it took away may not come back: it was something that passed.
const COMES_BACK: usize = 30;
/// Correlation of edges with the picture before or after a wipe from which on that picture is there again.
const MOST_ALIKE: f64 = 0.36;
/// The same of an exact wipe, of which a thing that passes is none: it does not move with the blocks.
const MOST_ALIKE_EXACT: f64 = 0.6;

/// A wipe that was found.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wipe {
    pub(super) gradual: Gradual,
    /// Whether there is a sharp line between the shots; otherwise it may as well be a dissolve.
    pub(super) sharp: bool,
}

/// Finds all wipes, none touching another, in order.
pub(super) fn find(frames: &[Frame], options: &ShotOptions, leeway: f64) -> Vec<Wipe> {
    let longest = usize::try_from(options.max_dissolve_frames).map_or(LONGEST, |most| most.min(LONGEST));
    let shortest = usize::try_from(options.min_dissolve_frames).map_or(SHORTEST, |least| least.max(SHORTEST));
    let mut seen = BTreeSet::new();
    // What is found, and what is exact as it is where motion beside it hides its ends, each with how clear it is.
    let (mut found, mut exact) = (Vec::new(), Vec::new());
    // A wipe of this range, if it is one, and how clear it is.
    let wipe = |(start, end): (usize, usize)| {
        if !(shortest - HIDDEN..=longest).contains(&(end - start)) {
            return None;
        }
        // From or to black or white it is a fade.
        let plain = |frame: &Frame| fades::plain(frame).is_some();
        if frames.get(start - 1).is_none_or(plain) || frames.get(end).is_none_or(plain) {
            return None;
        }
        let sweep = sweep::measure(frames, start - 1, end)?;
        if !sweep.may_have(end - start, shortest) {
            return None;
        }
        let wipe = judge(start, end, &sweep, leeway, || comes_back(frames, start, end))?;
        Some((sweep.clarity(), wipe))
    };
    for stretch in candidates(frames, longest) {
        let Some(ramp) = ramp::fit(frames, stretch, &sweep::SHAPES, sweep::progress) else {
            continue;
        };
        let Some(near) = sweep::measure(frames, ramp.0 - 1, ramp.1).filter(|sweep| sweep.is_near(leeway))
        else {
            continue;
        };
        match extent(frames, ramp).filter(|range| seen.insert(*range)).and_then(wipe) {
            Some(whole) => found.push(whole),
            None if near.is_exact() => exact.extend(wipe(ramp)),
            None => (),
        }
    }
    let place = |wipe: &Wipe| (wipe.gradual.start, wipe.gradual.end);
    let mut found = apart(found, place);
    exact.retain(|(_, wipe)| !found.iter().any(|whole| whole.gradual.overlaps(&wipe.gradual)));
    found.extend(apart(exact, place));
    found.sort_by_key(|wipe| wipe.gradual.start);
    found
}

/// A measure of the mixture `[start, end)` of two shots if it is a wipe with a soft line, whose blocks change one after the other, and
/// its range: what looks like a mixture leaves out its slow ends.
pub(super) fn sweeps(frames: &[Frame], start: usize, end: usize) -> Option<(Limited, (usize, usize))> {
    let measure = |(start, end): (usize, usize)| sweep::measure(frames, start.checked_sub(1)?, end);
    let whole = extent(frames, (start, end));
    if let Some(scatter) = measure((start, end))?.scatter() {
        let limited = Limited::below("scatter", scatter, MAX_SOFT_SCATTER);
        return Some((limited, whole.unwrap_or((start, end))));
    }
    let whole = whole?;
    let scatter = measure(whole)?.scatter_of_whole()?;
    Some((Limited::below("scatter", scatter, MAX_WHOLE_SCATTER), whole))
}

/// Stretches in which parts of the picture go from one shot to the other, each at once or nearly so.
fn candidates(frames: &[Frame], longest: usize) -> Vec<Stretch> {
    let mut strengths = Vec::new();
    for half in halves(longest) {
        let step = 1 << (half / CENTRES).checked_ilog2().unwrap_or(0);
        let centres = half.next_multiple_of(step)..frames.len().saturating_sub(half);
        for centre in centres.step_by(step) {
            let (first, last) = (centre - half, centre + half);
            if sweep::may_be(frames, first, centre, last)
                && let Some(course) = Course::of(frames, first, last)
                && course.is_likely()
            {
                strengths.push((course.strength(), Stretch { centre, half }));
            }
        }
    }
    strongest(strengths, APART)
}

/// All measures must be within their limits; the one nearest to its own says how sure it is.
fn judge(
    start: usize,
    end: usize,
    sweep: &Sweep,
    leeway: f64,
    comes_back: impl FnOnce() -> f64,
) -> Option<Wipe> {
    let sharp = sweep.is_sharp(leeway)?;
    let measures = sweep.limits(sharp);
    Gradual::judged(SegmentKind::Wipe, (start, end), measures, leeway)?;
    let most = if sweep.is_exact() { MOST_ALIKE_EXACT } else { MOST_ALIKE };
    let comes_back = Limited::below("comes_back", comes_back(), most);
    let gradual =
        Gradual::judged(SegmentKind::Wipe, (start, end), measures.into_iter().chain([comes_back]), leeway)?;
    Some(Wipe { gradual, sharp })
}

/// How much like the picture before a wipe one after it is, or the other way round. What a cut brings back was not uncovered by something
/// that passed.
fn comes_back(frames: &[Frame], start: usize, end: usize) -> f64 {
    let reach = end - start + COMES_BACK;
    let after = frames.get(end..(end + reach).min(frames.len())).unwrap_or_default();
    let after = match after.array_windows().position(|[one, other]| is_jump(one, other)) {
        Some(last) => after.get(..=last).unwrap_or_default(),
        None => after,
    };
    let before = frames.get(start.saturating_sub(reach)..start).unwrap_or_default();
    let before = match before.array_windows().rposition(|[one, other]| is_jump(one, other)) {
        Some(jump) => before.get(jump + 1..).unwrap_or_default(),
        None => before,
    };
    let alike = |one: Option<&Frame>, others: &[Frame]| {
        let Some(one) = one else { return 0.0 };
        others.iter().step_by(2).map(|other| likeness(one, other)).fold(0.0, f64::max)
    };
    let again = alike(frames.get(start - 1), after);
    again.max(alike(frames.get(end), before))
}

/// Whether there may be a cut between two pictures.
fn is_jump(one: &Frame, other: &Frame) -> bool {
    distance(one, other) > MIN_CHANGE
}
