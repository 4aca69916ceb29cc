//! Detectors that look at pictures side by side, over films that are in memory in parts only.
//!
//! They are given windows that overlap by as far as they look, and what begins in a window's core counts; the cores tile the film.
//! Windows depend on ordinals alone: it does not matter where features are kept. A film of one core is one window.

use std::io;
use std::ops::Range;

use super::cuts::{self, Cut};
use super::fades::{self, Blank, Fade};
use super::gradual::{self, Gradual};
use crate::features::{Frame, Frames};
use crate::options::ShotOptions;

/// Pictures of a core: eleven minutes of film, 13 MB. What is looked at twice is then a few percent.
const CORE: usize = 16_384;
/// How far from a cut anything is looked at that decides about it: the longest flash and some.
pub(super) const CUT_REACH: usize = 64;
/// The longest fade that is seen as a whole, and what is looked at of a longer plain stretch at both of its ends.
const FADE_REACH: usize = 2048;
/// Dissolves and wipes that overlap compete, with those beside them, and so on: farther away than so many times the longest of them
/// nothing was ever seen to matter.
const RIVALS: usize = 16;

/// Whether all pictures are looked at at once.
pub(super) fn is_one(frames: &Frames) -> bool {
    frames.len() <= CORE
}

pub(super) fn cuts(frames: &Frames, options: &ShotOptions) -> io::Result<Vec<Cut>> {
    local(frames, CORE, CUT_REACH, |frames| cuts::find(frames, options))
}

/// None overlapping another, in order.
pub(super) fn graduals(frames: &Frames, options: &ShotOptions) -> io::Result<Vec<Gradual>> {
    graduals_by(frames, options, CORE)
}

/// Of plain stretches that are very long, what is far from both ends is looked at for its plainest picture only.
pub(super) fn blanks(frames: &Frames, min_fade: usize) -> io::Result<Vec<Blank>> {
    blanks_by(frames, min_fade, CORE, FADE_REACH)
}

/// Looks at a picture among those up to `reach` away.
pub(super) fn near<T>(
    frames: &Frames,
    at: usize,
    reach: usize,
    look: impl FnOnce(&[Frame], usize) -> T,
) -> io::Result<T> {
    let first = at.saturating_sub(reach);
    Ok(look(&frames.read(first..at.saturating_add(reach + 1))?, at - first))
}

/// What a detector finds at some place.
trait Found {
    fn start(&self) -> usize;
    /// The same, so many pictures later.
    fn moved(self, by: usize) -> Self;
}

impl Found for Cut {
    fn start(&self) -> usize {
        self.frame
    }

    fn moved(self, by: usize) -> Self {
        Self { frame: self.frame + by, ..self }
    }
}

impl Found for Gradual {
    fn start(&self) -> usize {
        self.start
    }

    fn moved(self, by: usize) -> Self {
        Self { start: self.start + by, end: self.end + by, ..self }
    }
}

fn local<T: Found>(
    frames: &Frames,
    core: usize,
    reach: usize,
    find: impl Fn(&[Frame]) -> Vec<T>,
) -> io::Result<Vec<T>> {
    let mut all = Vec::new();
    for start in (0..frames.len()).step_by(core) {
        let (first, end) = (start.saturating_sub(reach), start + core);
        let found = find(&frames.read(first..end + reach)?);
        let found = found.into_iter().map(|one| one.moved(first));
        all.extend(found.filter(|one| (start..end).contains(&one.start())));
    }
    Ok(all)
}

fn graduals_by(frames: &Frames, options: &ShotOptions, core: usize) -> io::Result<Vec<Gradual>> {
    let longest = usize::try_from(options.max_dissolve_frames).unwrap_or(usize::MAX);
    let reach = longest.saturating_mul(RIVALS);
    let mut found = local(frames, core, reach, |frames| gradual::find(frames, options))?;
    let mut taken = None;
    found.retain(|gradual| {
        let apart = taken.is_none_or(|end| end <= gradual.start);
        if apart {
            taken = Some(gradual.end);
        }
        apart
    });
    Ok(found)
}

fn blanks_by(frames: &Frames, min_fade: usize, core: usize, reach: usize) -> io::Result<Vec<Blank>> {
    if frames.len() <= core {
        return Ok(fades::find(&frames.read(0..frames.len())?, min_fade));
    }
    let mut reader = frames.reader();
    let mut all = Vec::new();
    let mut start = 0;
    while start < frames.len() {
        let mut window = Window { core: start + core, reach, ..Window::default() };
        let mut at = start.saturating_sub(reach);
        loop {
            let until = window.end.unwrap_or(window.core.max(at)) + reach;
            if at >= until.min(frames.len()) {
                break;
            }
            reader.each(at..until, |at, frame| window.push(at, frame))?;
            at = until;
        }
        let end = window.end.unwrap_or(frames.len());
        let found = fades::find(&window.frames, min_fade).into_iter().map(|blank| window.placed(&blank));
        all.extend(found.filter(|blank| (start..end).contains(&blank.start)));
        start = end;
    }
    Ok(all)
}

/// Pictures in a row without the middle of plain stretches that are too long for the memory.
#[derive(Default)]
struct Window {
    /// Where the core ends at the earliest: it has all of its last plain stretch.
    core: usize,
    reach: usize,
    /// Where the core ends.
    end: Option<usize>,
    frames: Vec<Frame>,
    /// Of each picture its ordinal in the film.
    ordinals: Vec<usize>,
    /// Where the plain stretch begins that the last picture is in.
    stretch: usize,
}

impl Window {
    fn push(&mut self, at: usize, frame: &Frame) {
        let plain = fades::ground(frame);
        let goes_on = plain.is_some() && self.frames.last().is_some_and(|last| fades::ground(last) == plain);
        if !goes_on {
            self.stretch = self.frames.len();
            if at >= self.core {
                self.end.get_or_insert(at);
            }
        }
        self.frames.push(frame.clone());
        self.ordinals.push(at);
        if self.frames.len() - self.stretch > 4 * self.reach {
            self.squeeze(self.stretch + self.reach..self.frames.len() - self.reach);
        }
    }

    /// Leaves of some pictures only the plainest, the first of equals.
    fn squeeze(&mut self, pictures: Range<usize>) {
        let deviation = |at: &usize| self.frames.get(*at).map_or(f32::INFINITY, |frame| frame.deviation);
        let plainer =
            |one: usize, other: usize| if deviation(&other) < deviation(&one) { other } else { one };
        if let Some(plainest) = pictures.clone().reduce(plainer) {
            self.frames.swap(pictures.start, plainest);
            self.ordinals.swap(pictures.start, plainest);
            self.frames.drain(pictures.start + 1..pictures.end);
            self.ordinals.drain(pictures.start + 1..pictures.end);
        }
    }

    /// Where in the film that is which was found here.
    fn placed(&self, blank: &Blank) -> Blank {
        let start = |at: usize| self.ordinals.get(at).copied().unwrap_or(0);
        let end = |at: usize| at.checked_sub(1).map_or(0, |last| start(last) + 1);
        let fade = |fade: &Fade| Fade { start: start(fade.start), end: end(fade.end), ..fade.clone() };
        Blank {
            start: start(blank.start),
            end: end(blank.end),
            fade_out: blank.fade_out.as_ref().map(fade),
            fade_in: blank.fade_in.as_ref().map(fade),
            title: blank.title,
        }
    }
}

#[cfg(test)]
mod tests;
