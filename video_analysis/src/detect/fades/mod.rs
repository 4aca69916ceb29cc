//! Fades out to, and in from, black or white; and through any other colour.

mod rise;
mod sight;
#[cfg(test)]
mod tests;

use std::ops::Range;

use super::blocks::likeness;
use crate::features::Frame;
use rise::{MAX_STEP, fade};
use sight::Sight;
pub(super) use sight::{Plain, ground, plain};

/// Correlation of edges from which on pictures show the same before and after it was white.
const SAME: f64 = 0.5;
/// How far from what is white these may be where no fade ends, and how much must be seen of them, in grey levels.
const BESIDE_GLARE: usize = 24;
const SEEN_BESIDE_GLARE: f64 = 40.0;
/// Longest fade in pictures.
const LONGEST: usize = 2048;

/// A plain stretch `[blank_start, blank_end)` with what leads into and out of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Blank {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) fade_out: Option<Fade>,
    pub(super) fade_in: Option<Fade>,
    /// What is there at once where the stretch ends, after a fade out.
    pub(super) title: Option<Title>,
}

impl Blank {
    /// The plain pictures with the fades beside them, `[start, end)`.
    pub(super) fn extent(&self) -> (usize, usize) {
        let from = self.fade_out.as_ref().map_or(self.start, |fade| fade.start);
        (from, self.fade_in.as_ref().map_or(self.end, |fade| fade.end))
    }
}

/// The mixed pictures `[start, end)` of a fade.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fade {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Largest single step as a share of the way: what tells it from a cut.
    pub(super) largest_step: f64,
}

impl Fade {
    pub(super) const THRESHOLD: f64 = MAX_STEP;
}

/// What is there at once after a fade out, and too little of the picture to be a cut anywhere else.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Title {
    /// How much it changes some spot, in grey levels.
    pub(super) change: f64,
}

impl Title {
    pub(super) const THRESHOLD: f64 = 25.0;
    /// For how many pictures it stays.
    const STAYS: usize = 12;
    /// It is about as visible in these: by this share less or more.
    const AS_VISIBLE: f64 = 0.7;

    fn at(frames: &[Frame], at: usize, sight: &Sight) -> Option<Self> {
        let mut following = frames.get(at..)?.iter();
        let first = following.next()?;
        let height = sight.visibility(first);
        let as_visible = Self::AS_VISIBLE * height..=height / Self::AS_VISIBLE;
        let stays = following.take(Self::STAYS).all(|frame| as_visible.contains(&sight.visibility(frame)));
        let change = f64::from(first.peak_change);
        (change >= Self::THRESHOLD && stays).then_some(Self { change })
    }

    /// How many times over its limit it is, as a logarithm.
    pub(super) fn margin(self) -> f64 {
        (self.change / Self::THRESHOLD).ln()
    }
}

/// Finds every black or white stretch with a fade on at least one side, and those of another colour with a fade on both.
pub(super) fn find(frames: &[Frame], min_frames: usize) -> Vec<Blank> {
    let mut blanks = Vec::new();
    let mut at = 0;
    for run in frames.chunk_by(|one, next| ground(one) == ground(next)) {
        let start = at;
        at += run.len();
        if run.first().and_then(ground).is_some() {
            blanks.extend(within(frames, start, run, min_frames));
        }
    }
    blanks
}

/// What of a plain run has a fade on at least one side.
fn within(frames: &[Frame], start: usize, run: &[Frame], min_frames: usize) -> Vec<Blank> {
    let Some(sight) = Sight::of(run) else { return Vec::new() };
    let heights: Vec<f64> = run.iter().map(|frame| sight.visibility(frame)).collect();
    let place = |stretch: Range<usize>| start + stretch.start..start + stretch.end;
    let look = |stretch| around(frames, place(stretch), &sight, min_frames);
    let mut blanks: Vec<Blank> = sight.stretches(&heights).into_iter().filter_map(look).collect();
    let begins = |blanks: &[Blank]| blanks.first().map_or(usize::MAX, |first| first.extent().0);
    let ends = |blanks: &[Blank]| blanks.last().map_or(0, |last| last.extent().1);
    // Where a title or something as dark is there before nothing is seen, what is faintest at that end of the run is next to it.
    if let Some(at) = sight.faintest(heights.iter())
        && let Some(fade_out) = fade_out(frames, start + at, &sight, min_frames, true)
        && fade_out.end <= begins(&blanks)
    {
        let (start, end) = (fade_out.end, fade_out.end);
        let title = Title::at(frames, end, &sight);
        blanks.insert(0, Blank { start, end, fade_out: Some(fade_out), fade_in: None, title });
    }
    if let Some(at) = sight.faintest(heights.iter().rev())
        && let Some(fade_in) = fade_in(frames, start + run.len() - 1 - at, &sight, min_frames, true)
        && ends(&blanks) <= fade_in.start
    {
        let (start, end) = (fade_in.start, fade_in.start);
        blanks.push(Blank { start, end, fade_out: None, fade_in: Some(fade_in), title: None });
    }
    blanks.retain(|blank| match sight.ground {
        Plain::Black => true,
        Plain::White => !is_glare(frames, blank, &sight),
        // A wall or a sky may be all that is seen as well, and more and more may be seen beside it; and what fades to black or white
        // may have one colour.
        Plain::Other => {
            let (from, to) = blank.extent();
            let outer = [from.checked_sub(1), Some(to)].map(|at| at.and_then(|at| frames.get(at)));
            let both = blank.fade_out.is_some() && blank.fade_in.is_some();
            let shots = outer.into_iter().flatten().filter(|frame| ground(frame).is_none()).count();
            both && shots == outer.len() && !is_glare(frames, blank, &sight)
        }
    });
    blanks
}

/// Whether it is white between pictures that show the same: a light that blinds, and nothing between two shots.
fn is_glare(frames: &[Frame], blank: &Blank, sight: &Sight) -> bool {
    let (from, to) = blank.extent();
    let before = frames.get(..from).unwrap_or_default().iter().rev();
    let after = frames.get(to..).unwrap_or_default().iter();
    let seen = |frame: &&Frame| sight.visibility(frame) >= SEEN_BESIDE_GLARE;
    // Where no fade was found, what is next to it may be nearly as plain.
    let reach = |fade: &Option<Fade>| if fade.is_some() { 1 } else { BESIDE_GLARE };
    let before = before.take(reach(&blank.fade_out)).find(seen);
    let after = after.take(reach(&blank.fade_in)).find(seen);
    let (Some(before), Some(after)) = (before, after) else { return false };
    likeness(before, after) >= SAME
}

/// Looks at both sides of a stretch in which nothing is seen.
fn around(frames: &[Frame], stretch: Range<usize>, sight: &Sight, min_frames: usize) -> Option<Blank> {
    let fade_out = fade_out(frames, stretch.start, sight, min_frames, false);
    let fade_in = fade_in(frames, stretch.end.checked_sub(1)?, sight, min_frames, false);
    let title =
        if fade_out.is_some() && fade_in.is_none() { Title::at(frames, stretch.end, sight) } else { None };
    (fade_out.is_some() || fade_in.is_some()).then(|| Blank {
        start: fade_out.as_ref().map_or(stretch.start, |fade| fade.end),
        end: fade_in.as_ref().map_or(stretch.end, |fade| fade.start),
        fade_out,
        fade_in,
        title,
    })
}

/// The fade that leads to a picture of which something can still be seen, or not.
fn fade_out(frames: &[Frame], at: usize, sight: &Sight, min_frames: usize, seen: bool) -> Option<Fade> {
    let outwards: Vec<_> = frames.get(..=at)?.iter().rev().take(LONGEST).collect();
    let (steps, largest_step) = fade(&outwards, sight, min_frames)?;
    Some(Fade { start: at - steps + 1, end: at + usize::from(seen), largest_step })
}

/// The fade that leads from a picture of which something can be seen, or not.
fn fade_in(frames: &[Frame], at: usize, sight: &Sight, min_frames: usize, seen: bool) -> Option<Fade> {
    let outwards: Vec<_> = frames.get(at..)?.iter().take(LONGEST).collect();
    let (steps, largest_step) = fade(&outwards, sight, min_frames)?;
    Some(Fade { start: at + usize::from(!seen), end: at + steps, largest_step })
}
