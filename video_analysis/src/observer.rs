//! Progress out of an analysis, and cancellation into it.

use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use crate::numeric::count_to_f64;

/// What an analysis is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub enum Stage {
    /// Reading metadata and the list of packets.
    Probe,
    /// Decoding pictures and sound.
    Decode,
    /// Running the detectors over what was decoded.
    Detect,
}

/// How far an analysis is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// What is being done.
    pub stage: Stage,
    /// From 0 to 1; never smaller than the time before.
    pub fraction: f64,
    /// Pictures decoded so far.
    pub frames_done: u64,
    /// Pictures expected, from the list of packets; `None` while unknown and for files without pictures.
    pub frames_total: Option<u64>,
}

/// Who is told about an analysis. Called from the engine's threads: keep both methods quick.
///
/// `()` hears nothing and never cancels.
pub trait Observer: Sync {
    /// Called a few hundred times at most, with a fraction that never falls.
    fn progress(&self, progress: Progress);

    /// Asked several times a second; after `true` the decoders are killed and the call ends with
    /// [`ErrorKind::Canceled`](crate::ErrorKind::Canceled).
    fn is_canceled(&self) -> bool {
        false
    }
}

impl Observer for () {
    fn progress(&self, _: Progress) {}
}

/// Share of the whole that is done when decoding begins: reading packets is some percent of decoding them.
const PROBED: f64 = 0.02;
/// Share of the whole that is done when decoding ends.
const DECODED: f64 = 0.99;
/// Steps smaller than this are not reported, which bounds the number of calls.
const STEP: f64 = 0.005;

/// Collects counts from parallel decoders and tells the observer a fraction that never falls.
pub(crate) struct Tracker<'a> {
    observer: &'a dyn Observer,
    state: Mutex<State>,
}

struct State {
    last: Progress,
    decoded: u64,
}

impl<'a> Tracker<'a> {
    pub(crate) fn new(observer: &'a dyn Observer) -> Self {
        let last = Progress { stage: Stage::Probe, fraction: 0.0, frames_done: 0, frames_total: None };
        observer.progress(last);
        Self { observer, state: Mutex::new(State { last, decoded: 0 }) }
    }

    /// Metadata is read; `frames_total` pictures are expected.
    pub(crate) fn probed(&self, frames_total: Option<u64>) {
        self.update(|state| {
            state.last.stage = Stage::Decode;
            state.last.frames_total = frames_total;
            PROBED
        });
    }

    /// Some more pictures came out of a decoder.
    pub(crate) fn decoded(&self, frames: u64) {
        self.update(|state| {
            state.decoded += frames;
            // A fallback to one decoder starts again from nothing; what was shown stays shown.
            state.last.frames_done = state.last.frames_done.max(state.decoded);
            match state.last.frames_total {
                Some(total) if total > 0 => {
                    let share = (count_to_f64(state.decoded) / count_to_f64(total)).min(1.0);
                    PROBED + share * (DECODED - PROBED)
                }
                _ => PROBED,
            }
        });
    }

    /// Counting of pictures starts again, because the file has to be decoded in one piece.
    pub(crate) fn restart(&self) {
        self.update(|state| {
            state.decoded = 0;
            0.0
        });
    }

    /// Everything is decoded.
    pub(crate) fn detecting(&self) {
        self.update(|state| {
            state.last.stage = Stage::Detect;
            DECODED
        });
    }

    /// The report is there.
    pub(crate) fn finished(&self) {
        self.update(|_| 1.0);
    }

    fn update(&self, change: impl FnOnce(&mut State) -> f64) {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let stage_told = state.last.stage;
        let told = state.last.fraction;
        let fraction = change(&mut state);
        let advanced = fraction >= told + STEP || (fraction >= 1.0 && told < 1.0);
        if advanced {
            state.last.fraction = fraction.min(1.0);
        }
        if advanced || state.last.stage != stage_told {
            // Told under the lock, so that two decoders cannot overtake each other.
            self.observer.progress(state.last);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Recorder(Mutex<Vec<Progress>>);

    impl Observer for Recorder {
        fn progress(&self, progress: Progress) {
            self.0.lock().unwrap().push(progress);
        }
    }

    #[test]
    fn the_fraction_never_falls_even_when_decoding_starts_again() {
        let recorder = Recorder(Mutex::new(Vec::new()));
        let tracker = Tracker::new(&recorder);
        tracker.probed(Some(10));
        tracker.decoded(8);
        tracker.restart();
        tracker.decoded(3);
        tracker.decoded(7);
        tracker.detecting();
        tracker.finished();
        let seen = recorder.0.into_inner().unwrap();
        assert!(seen.windows(2).all(|pair| pair[0].fraction <= pair[1].fraction));
        assert!((seen.last().unwrap().fraction - 1.0).abs() < f64::EPSILON);
        assert_eq!(seen.last().unwrap().frames_done, 10);
    }
}
