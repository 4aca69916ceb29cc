//! Who decodes which pictures: pieces of the stream, of which who is done takes over half of what another one has left.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::VideoJob;
use super::plan::halve;
use crate::process::{Place, Places};

/// What is left is divided where it is so many pixels or more, a second of work, some 500 pictures at 720p: of less, too much is done before
/// another decoder has started, opened the file and found a keyframe.
const WORTH: u64 = 486_000_000;
/// What a picture costs beside its pixels, as such: one decoder took 0.57 ms for a picture of H.264 at 640x360, and 1.95 ms at 1280x720.
const PICTURE: u64 = 50_000;

/// What decoders work on at the same time: each picture is one's alone, and all are somebody's.
pub(super) struct Pieces<'a> {
    job: &'a VideoJob<'a>,
    /// Pictures of a rest that is worth dividing.
    worth: usize,
    state: Mutex<State>,
}

struct State {
    waiting: VecDeque<Range<usize>>,
    /// Of each piece that was begun, what is left of it.
    begun: Vec<Range<usize>>,
}

/// A stretch of pictures for one decoder, from a keyframe on.
pub(super) struct Piece<'a> {
    /// Ordinal of its first picture.
    pub(super) first: usize,
    /// Timestamp of the keyframe to start at; `None`: the beginning, without seeking.
    pub(super) from: Option<i64>,
    end: End<'a>,
}

#[derive(Clone, Copy)]
enum End<'a> {
    /// Whatever comes.
    Open,
    /// That of the stream, after so many pictures.
    Promised(usize),
    /// Nearer, when another decoder takes over; the number is its own among those that were begun.
    Shared(&'a Pieces<'a>, usize),
}

impl Piece<'_> {
    /// The whole stream; `pictures` where their number is known, and anything else would be doubtful.
    pub(super) fn whole(pictures: Option<usize>) -> Self {
        Self { first: 0, from: None, end: pictures.map_or(End::Open, End::Promised) }
    }

    /// Whether the next picture, shown at a time, is one of it. No other decoder gives it then.
    pub(super) fn takes(&self, pts: i64) -> bool {
        match self.end {
            End::Open | End::Promised(_) => true,
            End::Shared(pieces, number) => pieces.takes(number, pts),
        }
    }

    /// Ordinal of the picture after its last one; `None` where it is not known.
    pub(super) fn end(&self) -> Option<usize> {
        match self.end {
            End::Open => None,
            End::Promised(end) => Some(end),
            End::Shared(pieces, number) => pieces.state().begun.get(number).map(|rest| rest.end),
        }
    }
}

impl<'a> Pieces<'a> {
    pub(super) fn new(job: &'a VideoJob<'a>, pieces: Vec<Range<usize>>) -> Self {
        let pixels = u64::from(job.track.size.0) * u64::from(job.track.size.1);
        let worth = usize::try_from(WORTH / (pixels + PICTURE)).unwrap_or(usize::MAX).max(2);
        Self { job, worth, state: Mutex::new(State { waiting: pieces.into(), begun: Vec::new() }) }
    }

    /// The next piece, with a place to decode it; `None` when others will be done with everything soon.
    pub(super) fn next<'p>(
        &'a self,
        places: &'p Places,
        abandoned: &AtomicBool,
    ) -> Option<(Piece<'a>, Place<'p>)> {
        if !self.is_anything_left() {
            return None;
        }
        let place = places.take();
        // Others may have failed while this one waited.
        if abandoned.load(Ordering::Relaxed) {
            return None;
        }
        let mut state = self.state();
        let range = state.waiting.pop_front().or_else(|| self.take_over(&mut state))?;
        let first = range.start;
        state.begun.push(range);
        let from = self.time_of(first).filter(|_| first > 0);
        Some((Piece { first, from, end: End::Shared(self, state.begun.len() - 1) }, place))
    }

    /// How many pieces were begun.
    pub(super) fn count(&self) -> usize {
        self.state().begun.len()
    }

    fn is_anything_left(&self) -> bool {
        let state = self.state();
        !state.waiting.is_empty() || self.division(&state).is_some()
    }

    fn take_over(&self, state: &mut State) -> Option<Range<usize>> {
        let (number, start) = self.division(state)?;
        let rest = state.begun.get_mut(number)?;
        let taken = start..rest.end;
        log::debug!("a decoder takes over pictures={} of={}", taken.len(), rest.len());
        rest.end = start;
        Some(taken)
    }

    /// The number of the longest rest that can be divided, and the first picture of its second half.
    fn division(&self, state: &State) -> Option<(usize, usize)> {
        let mut rests: Vec<(usize, &Range<usize>)> = state.begun.iter().enumerate().collect();
        rests.retain(|(_, rest)| rest.len() >= self.worth);
        rests.sort_by_key(|(_, rest)| Reverse(rest.len()));
        let codec = self.job.track.codec.as_deref();
        let half = |rest| halve(self.job.index, codec, rest, self.worth / 2);
        rests.into_iter().find_map(|(number, rest)| Some((number, half(rest)?)))
    }

    fn takes(&self, number: usize, pts: i64) -> bool {
        let mut state = self.state();
        let Some(rest) = state.begun.get_mut(number) else { return false };
        let takes = self.time_of(rest.end).is_none_or(|end| pts < end);
        rest.start += usize::from(takes);
        takes
    }

    fn time_of(&self, ordinal: usize) -> Option<i64> {
        self.job.index.shown.get(ordinal).map(|(pts, _)| *pts)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
