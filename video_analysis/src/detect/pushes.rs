//! Pushes: one shot pushes the other out of the picture, both moving as one and at a steady pace. The measures and their figures are
//! explained in `docs/shot-detection.md`.

use std::collections::BTreeSet;

use super::blocks::{BLOCKS, COLORS, DARK, ROW, changes, colors, distance, likeness};
use super::fades;
use super::gradual::{Gradual, Limited, apart};
use crate::features::Frame;
use crate::numeric::{len_to_f64, mean, whole_number};
use crate::options::ShotOptions;
use crate::report::SegmentKind;

/// Blocks from top to bottom.
const ROWS: usize = BLOCKS / ROW;
/// Most pictures of a push: what moves for longer is a camera.
const LONGEST: usize = 48;
/// Differences of neighbouring pictures, in grey levels, above which they may be of a push: every one is this many times the one
/// before, for a push stands out from the motion of its shots.
const STEPS: std::ops::RangeInclusive<f64> = 4.0..=64.0;
const NEXT_STEP: f64 = 1.25;
/// Least difference of the two shots, in grey levels.
const MIN_CHANGE: f64 = 12.0;
/// Largest difference from what a push shows, over that from the shots at rest. Of made pushes up to 0.6, of everything else that was
/// seen, but for pans, 0.31 and more.
const MAX_MISFIT: f64 = 0.33;
/// The same of the picture in the middle, before it is looked at more closely.
const LIKELY_MISFIT: f64 = 0.6;
/// Largest difference of neighbouring blocks of the shots over that of their edges where they touch: a pan, whose pictures are moved as
/// well, goes on there; 0.83 and more in what was seen.
const MAX_CONTINUITY: f64 = 0.75;
/// Largest misfit times that: what goes on more has to fit better.
const MAX_PAN: f64 = 0.13;
/// How alike the shots may be (correlation of edges).
const MAX_LIKENESS: f64 = 0.5;

/// Where the new shot comes from.
#[derive(Debug, Clone, Copy)]
struct Way {
    /// From above or below, and not from a side.
    upright: bool,
    /// From above or from the left: against the order of blocks.
    backward: bool,
}

const WAYS: [Way; 4] = [
    Way { upright: false, backward: false },
    Way { upright: false, backward: true },
    Way { upright: true, backward: false },
    Way { upright: true, backward: true },
];

/// Two shots side by side, in the order of blocks.
struct Strip<'a> {
    way: Way,
    sides: [&'a [f64]; 2],
}

impl<'a> Strip<'a> {
    fn of(way: Way, before: &'a [f64], after: &'a [f64]) -> Self {
        Self { way, sides: if way.backward { [after, before] } else { [before, after] } }
    }

    /// How many blocks each of them has along the way.
    fn length(&self) -> usize {
        if self.way.upright { ROWS } else { ROW }
    }

    /// The colour of a block: by its place across the way, and along it from the beginning of the first.
    fn block(&self, line: usize, place: usize) -> &[f64] {
        let [first, second] = self.sides;
        let (side, place) =
            if place < self.length() { (first, place) } else { (second, place - self.length()) };
        let block = if self.way.upright { place * ROW + line } else { line * ROW + place };
        side.get(block * COLORS..(block + 1) * COLORS).unwrap_or_default()
    }

    /// What is seen when so much of the way is done, 0 to 1.
    fn seen(&self, done: f64) -> Vec<f64> {
        let done = if self.way.backward { 1.0 - done } else { done };
        let moved = done * len_to_f64(self.length());
        let whole = whole_number(moved.floor()).and_then(|whole| usize::try_from(whole).ok()).unwrap_or(0);
        let part = moved.fract();
        let mut seen = Vec::with_capacity(BLOCKS * COLORS);
        for block in 0..BLOCKS {
            let (row, column) = (block / ROW, block % ROW);
            let (line, place) = if self.way.upright { (column, row) } else { (row, column) };
            let place = place + whole;
            let next = self.block(line, (place + 1).min(2 * self.length() - 1));
            seen.extend(
                self.block(line, place).iter().zip(next).map(|(this, next)| this + part * (next - this)),
            );
        }
        seen
    }

    /// Mean difference of blocks side by side along the way within both shots, over that where they touch; 0 where two bars do, at the
    /// sides of the pictures: of what goes up or down, text may be as dark at its ends.
    fn continuity(&self) -> f64 {
        let lines = if self.way.upright { ROW } else { ROWS };
        let step = |line: usize, place: usize| {
            changes(self.block(line, place), self.block(line, place + 1)).sum::<f64>()
        };
        let seam = self.length() - 1;
        let is_bar = |place: usize| {
            let block = |line: usize| self.block(line, place).iter().all(|value| *value < DARK);
            (0..lines).all(block)
        };
        if !self.way.upright && is_bar(seam) && is_bar(seam + 1) {
            return 0.0;
        }
        let at = |place: usize| mean((0..lines).map(|line| step(line, place)));
        let within = (0..seam).chain(seam + 1..2 * self.length() - 1);
        mean(within.map(at)) / at(seam).max(1e-9)
    }
}

/// A picture of a push, when so much of the way is done, 0 to 1.
struct Shown {
    colors: Vec<f64>,
    done: f64,
    /// Mean difference from the two shots at rest.
    resting: f64,
}

impl Shown {
    fn of(frame: &Frame, done: f64, [before, after]: [&[f64]; 2]) -> Self {
        let colors = colors(frame);
        let resting = f64::midpoint(difference(&colors, before), difference(&colors, after));
        Self { colors, done, resting }
    }

    /// Mean difference from what is to be seen then.
    fn off(&self, strip: &Strip) -> f64 {
        difference(&self.colors, &strip.seen(self.done))
    }
}

/// Finds all pushes, in order.
pub(super) fn find(frames: &[Frame], options: &ShotOptions, leeway: f64) -> Vec<Gradual> {
    let [shortest, longest] = [options.min_dissolve_frames, options.max_dissolve_frames]
        .map(|frames| usize::try_from(frames).unwrap_or(usize::MAX));
    let lengths = shortest..=longest.min(LONGEST);
    let mut ranges = BTreeSet::new();
    for (start, end) in moving(frames) {
        // The first and the last step may be little.
        let starts = start.saturating_sub(1).max(1)..=start + 1;
        let ends = |start| (end - 1..=end + 1).map(move |end| (start, end));
        let fits = |(start, end): &(usize, usize)| start < end && lengths.contains(&(end - start));
        ranges.extend(starts.flat_map(ends).filter(fits));
    }
    let found = ranges.into_iter().filter_map(|range| judge(frames, range, leeway));
    apart(found.map(|push| (push.margin, push)).collect(), |push| (push.start, push.end))
}

/// Stretches `[start, end)` of pictures that all differ from those beside them, more than those around; not those that go on beyond the
/// ends.
fn moving(frames: &[Frame]) -> BTreeSet<(usize, usize)> {
    let steps: Vec<f64> = frames.array_windows().map(|[one, next]| distance(one, next)).collect();
    let least = std::iter::successors(Some(*STEPS.start()), |step| Some(step * NEXT_STEP));
    let mut found = BTreeSet::new();
    for least in least.take_while(|step| STEPS.contains(step)) {
        let mut at = 0;
        for run in steps.chunk_by(|one, next| (*one >= least) == (*next >= least)) {
            let (start, end) = (at + 1, at + run.len());
            at = end;
            let inside = start > 1 && end + 1 < frames.len();
            if run.first().is_some_and(|step| *step >= least)
                && inside
                && start < end
                && end - start <= LONGEST + 2
            {
                found.insert((start, end));
            }
        }
    }
    found
}

/// The push that a range is, if it is one.
fn judge(frames: &[Frame], range: (usize, usize), leeway: f64) -> Option<Gradual> {
    let (start, end) = range;
    let (first, last) = (frames.get(start - 1)?, frames.get(end)?);
    if distance(first, last) < MIN_CHANGE || [first, last].iter().any(|frame| fades::plain(frame).is_some()) {
        return None;
    }
    let (before, after) = (colors(first), colors(last));
    let pictures = frames.get(start..end)?;
    let shown = |at: usize| {
        let done = len_to_f64(at + 1) / len_to_f64(pictures.len() + 1);
        pictures.get(at).map(|frame| Shown::of(frame, done, [&before, &after]))
    };
    let middle = shown(pictures.len() / 2)?;
    let strips = WAYS.map(|way| Strip::of(way, &before, &after));
    let mut likely =
        strips.iter().filter(|strip| middle.off(strip) <= LIKELY_MISFIT * middle.resting).peekable();
    likely.peek()?;
    let all: Vec<Shown> = (0..pictures.len()).filter_map(shown).collect();
    let resting: f64 = all.iter().map(|picture| picture.resting).sum();
    let judged = likely.filter_map(|strip| {
        let misfit = all.iter().map(|picture| picture.off(strip)).sum::<f64>() / resting;
        let continuity = strip.continuity();
        let measures = [
            Limited::below("push_misfit", misfit, MAX_MISFIT),
            Limited::below("continuity", continuity, MAX_CONTINUITY),
            Limited::below("continuous_misfit", misfit * continuity, MAX_PAN),
            Limited::below("likeness", likeness(first, last), MAX_LIKENESS),
        ];
        Gradual::judged(SegmentKind::Wipe, range, measures, leeway)
    });
    judged.reduce(|best, next| if next.margin > best.margin { next } else { best })
}

fn difference(one: &[f64], other: &[f64]) -> f64 {
    mean(one.iter().zip(other).map(|(one, other)| (one - other).abs()))
}
