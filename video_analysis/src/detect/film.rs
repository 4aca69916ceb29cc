//! The joined stream of features, and its clock.

use super::shots::Boundaries;
use crate::active::Area;
use crate::features::{Frames, Timeline};
use crate::numeric::{len, round};
use crate::rational::Rational;
use crate::report::{Evidence, Segment, SegmentKind};

/// All pictures of the analysed stream.
pub(crate) struct Film {
    pub(crate) frames: Frames,
    /// Where bars are around the picture, in order.
    pub(crate) areas: Vec<Area>,
    /// Where shots begin, if that was looked for already, with the options that the detector has.
    pub(super) boundaries: Option<Boundaries>,
    time_base: Rational,
    timeline: Timeline,
}

impl Film {
    /// `last_duration` in ticks is what the container says of the last picture; otherwise it is taken to last as long as the
    /// one before, or as one of `rate`.
    pub(crate) fn new(
        frames: Frames,
        time_base: Rational,
        last_duration: Option<i64>,
        rate: Option<Rational>,
    ) -> Self {
        let mut backwards = frames.pts().iter().rev().copied();
        let last = backwards.next();
        let step = last
            .zip(backwards.next())
            .map(|(last, before)| last.saturating_sub(before))
            .filter(|step| *step > 0);
        let of_rate = || {
            let period = Rational::new(rate?.den, rate?.num)?;
            Some(period.rescale(1, time_base).max(1))
        };
        let duration = last_duration.or(step).or_else(of_rate).unwrap_or(1);
        let timeline = Timeline::of(frames.pts(), duration);
        Self { timeline, frames, areas: Vec::new(), boundaries: None, time_base }
    }

    pub(crate) fn with_areas(self, areas: Vec<Area>) -> Self {
        Self { areas, ..self }
    }

    pub(crate) fn with_boundaries(self, boundaries: Option<Boundaries>) -> Self {
        Self { boundaries, ..self }
    }

    pub(crate) fn time_base(&self) -> Rational {
        self.time_base
    }

    /// Timestamp of a picture, or of the end.
    pub(crate) fn pts(&self, frame: usize) -> i64 {
        self.timeline.start(self.frames.pts(), frame)
    }

    /// Time of a picture, or of the end.
    pub(crate) fn seconds(&self, frame: usize) -> f64 {
        self.time_base.seconds(self.pts(frame))
    }

    /// How long the pictures `[start, end)` are shown.
    pub(crate) fn lasts(&self, start: usize, end: usize) -> f64 {
        self.time_base.seconds(self.timeline.lasts(self.frames.pts(), start..end))
    }

    /// How long all of them are.
    pub(crate) fn duration_seconds(&self) -> f64 {
        self.lasts(0, self.frames.len())
    }

    /// When the first picture is shown, and when the last one ends; `None` without any.
    pub(crate) fn span_seconds(&self) -> Option<(f64, f64)> {
        (!self.frames.is_empty()).then(|| (self.seconds(0), self.seconds(self.frames.len())))
    }

    /// The pictures `[start, end)` as a segment.
    pub(crate) fn segment(
        &self,
        kind: SegmentKind,
        start: usize,
        end: usize,
        confidence: f64,
        evidence: Option<Evidence>,
    ) -> Segment {
        let end_pts = self.timeline.end(self.frames.pts(), end);
        Segment {
            kind,
            start_frame: Some(len(start)),
            end_frame: Some(len(end)),
            start_pts: self.pts(start),
            end_pts,
            time_base: self.time_base,
            start_seconds: round(self.seconds(start), 6),
            end_seconds: round(self.time_base.seconds(end_pts), 6),
            confidence: round(confidence, 3),
            evidence,
        }
    }
}

/// Evidence, with values rounded so that the report's bytes are stable.
pub(crate) fn evidence(metric: &str, value: f64, threshold: f64) -> Evidence {
    Evidence { metric: metric.to_owned(), value: round(value, 4), threshold: round(threshold, 4) }
}

/// The frames `[start, end)` of a segment of pictures.
pub(crate) fn range(segment: &Segment) -> Option<(usize, usize)> {
    Some((usize::try_from(segment.start_frame?).ok()?, usize::try_from(segment.end_frame?).ok()?))
}
