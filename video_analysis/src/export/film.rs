//! The pictures of a report, as the formats that hold shots need them.

use super::ExportError;
use super::clock;
use crate::rational::Rational;
use crate::report::{AudioStream, OpenedBy, Report, Segment, VideoStream, findings};

/// The shots, and where and when they are.
pub(super) struct Film<'a> {
    pub(super) report: &'a Report,
    pub(super) video: &'a VideoStream,
    /// The audio stream that was analysed.
    pub(super) audio: Option<&'a AudioStream>,
    pub(super) shots: Vec<Shot>,
    pub(super) time_base: Rational,
    /// Timestamp of the first picture.
    pub(super) first_pts: i64,
    /// Frames per second, where it is constant.
    rate: Option<Rational>,
}

/// Pictures `[start, end)` between two boundaries.
pub(super) struct Shot {
    /// From 1.
    pub(super) number: u64,
    pub(super) frames: (u64, u64),
    /// In the stream's time base.
    pub(super) pts: (i64, i64),
    pub(super) opened_by: OpenedBy,
    pub(super) confidence: f64,
}

impl<'a> Film<'a> {
    pub(super) fn of(report: &'a Report) -> Result<Self, ExportError> {
        let mut analyzed = report.streams.iter().filter(|stream| stream.analyzed);
        let video = analyzed.find_map(|stream| stream.video.as_ref());
        let first = report.shots.first().map(|shot| &shot.segment);
        let (video, first) = video.zip(first).ok_or(ExportError::NoPictures)?;
        let mut audio = report.streams.iter().filter(|stream| stream.analyzed);
        let shots: Option<Vec<Shot>> = (1..)
            .zip(&report.shots)
            .map(|(number, shot)| {
                let segment = &shot.segment;
                Some(Shot {
                    number,
                    frames: (segment.start_frame?, segment.end_frame?),
                    pts: (segment.start_pts, segment.end_pts),
                    opened_by: shot.opened_by,
                    confidence: segment.confidence,
                })
            })
            .collect();
        let shots = shots.ok_or(ExportError::NoPictures)?;
        let places: Vec<Segment> = findings::of(report).into_iter().map(|finding| finding.segment).collect();
        Ok(Self {
            report,
            video,
            audio: audio.find_map(|stream| stream.audio.as_ref()),
            shots,
            time_base: first.time_base,
            first_pts: first.start_pts,
            rate: clock::constant_rate(video, first.start_pts, &places),
        })
    }

    /// Itself, where no shot ends before it begins, or after the next one has begun.
    pub(super) fn in_order(self) -> Result<Self, ExportError> {
        let nexts = self.shots.iter().skip(1).map(|shot| shot.pts.0).chain([i64::MAX]);
        let in_order =
            self.shots.iter().zip(nexts).all(|(shot, next)| shot.pts.0 <= shot.pts.1 && shot.pts.1 <= next);
        if in_order { Ok(self) } else { Err(ExportError::TimeGoesBack) }
    }

    /// Frames per second, all of one duration.
    pub(super) fn constant_rate(&self) -> Result<Rational, ExportError> {
        self.rate.ok_or(ExportError::VariableFrameRate)
    }

    /// Number of pictures.
    pub(super) fn frames(&self) -> u64 {
        self.shots.last().map_or(0, |shot| shot.frames.1)
    }

    /// The timestamp that players call zero: the container's first.
    pub(super) fn zero(&self) -> i64 {
        let start = self.report.container.start_seconds.and_then(clock::microseconds);
        start.map_or(self.first_pts, |start| clock::MICROSECOND.rescale(start, self.time_base))
    }
}

impl OpenedBy {
    /// As in the report.
    pub(super) fn name(self) -> String {
        serde_json::to_value(self).ok().and_then(|name| Some(name.as_str()?.to_owned())).unwrap_or_default()
    }
}
