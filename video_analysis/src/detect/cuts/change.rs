//! The change from each picture to the next, and which changes one is compared with.

use super::super::blocks::distance;
use crate::features::Frame;

/// Share of the pixels that take another colour from which on nothing of the picture before needs to be left: what is right
/// beside such a change, and as large, is a rival of it, and what is farther away tells nothing of it.
pub(super) const OVERTURNED: f32 = 0.5;
/// Changes on either side that a cut is compared with.
const BESIDE: usize = 3;
/// How far away these may be when pictures are repeated in between: drawn films hold a picture for up to four.
pub(super) const FARTHEST: usize = 5;
/// Largest luma difference of a picture that repeats the one before.
const REPEATED: u8 = 2;
/// Largest mean difference of block colours, in grey levels, of a repetition that was coded anew and is not quite the same.
const CODED_ANEW: f64 = 0.5;

/// The change that leads to a picture; none to the first.
#[derive(Clone, Copy)]
pub(super) struct Change {
    /// Mean absolute difference of block colours, in grey levels.
    pub(super) step: f64,
    pub(super) unexplained: f64,
    /// Share of the pixels that take another colour.
    pub(super) recolored: f32,
    repeats: bool,
}

pub(super) fn changes(frames: &[Frame]) -> Vec<Change> {
    let none = Change { step: 0.0, unexplained: 0.0, recolored: 0.0, repeats: true };
    let changes = frames.iter().zip(frames.iter().skip(1)).map(|(one, next)| {
        let step = distance(one, next);
        Change {
            step,
            unexplained: unexplained(next),
            recolored: next.recolored,
            repeats: next.peak_change <= REPEATED || step <= CODED_ANEW,
        }
    });
    [none].into_iter().chain(changes).collect()
}

/// Change to a picture that motion does not explain and that shows other colours.
pub(super) fn unexplained(frame: &Frame) -> f64 {
    f64::from(frame.residual) * f64::from(frame.recolored) * f64::from(frame.pan_misfit)
}

/// The changes next to one, on either side, that are no repetitions, and how far away each is.
pub(super) fn beside(changes: &[Change], at: usize) -> impl Iterator<Item = (usize, &Change)> {
    let overturned = changes.get(at).is_some_and(|change| change.recolored >= OVERTURNED);
    // Of pictures that are held, what is next is farther away.
    let next = [at.checked_sub(1), at.checked_add(1)].into_iter().flatten();
    let held = next.filter_map(|at| changes.get(at)).all(|change| change.repeats);
    let farthest = if overturned && !held { BESIDE } else { FARTHEST };
    let near = |side: &[Change]| side.len().min(farthest);
    let (before, after) = changes.split_at_checked(at).unwrap_or_default();
    let after = after.get(1..).unwrap_or_default();
    let (after, before) = (after.get(..near(after)), before.get(before.len() - near(before)..));
    let moving = |(_, change): &(usize, &Change)| !change.repeats;
    let after = (1..).zip(after.unwrap_or_default()).filter(moving).take(BESIDE);
    let before = (1..).zip(before.unwrap_or_default().iter().rev()).filter(moving).take(BESIDE);
    after.chain(before)
}
