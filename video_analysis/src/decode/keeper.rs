//! Keeps what a decoder has given so far, stretch by stretch, in case it does not get to its end.

use std::io;

use super::VideoJob;
use super::pieces::Piece;
use super::plan::may_begin;
use crate::features::Extractor;
use crate::store::Stretches;

/// Pictures of a stretch, at the least: some seconds of work, half a megabyte.
const STRETCH: usize = 500;

/// Follows one decoder through its piece.
///
/// A stretch is what a piece could be: it begins and ends where a film may be cut, has every picture that the packets promise there,
/// and the decoder has had nothing to say.
pub(super) struct Keeper<'a> {
    job: &'a VideoJob<'a>,
    /// `None` where nothing is kept, or the pictures are not those of the packets.
    stretches: Option<&'a Stretches<'a>>,
    /// Ordinals of the first picture that is not kept, and of the next one.
    begins: usize,
    next: usize,
}

impl<'a> Keeper<'a> {
    pub(super) fn new(job: &'a VideoJob<'a>, piece: &Piece<'_>) -> Self {
        // What may be decoded in any way has no number of pictures that it must have.
        let stretches = job.stretches.filter(|_| piece.end().is_some());
        Self { job, stretches, begins: piece.first, next: piece.first }
    }

    /// Called before a picture is added; `is_content` is whether the decoder has complained about nothing so far.
    pub(super) fn before(
        &mut self,
        pts: i64,
        extractor: &mut Extractor,
        is_content: impl Fn() -> bool,
    ) -> io::Result<()> {
        let Some(stretches) = self.stretches else { return Ok(()) };
        if self.job.index.shown.get(self.next).is_none_or(|(promised, _)| *promised != pts) {
            self.stretches = None;
            return Ok(());
        }
        if self.next - self.begins >= STRETCH && self.may_end_before(pts) && is_content() {
            self.keep(stretches, extractor)?;
        }
        self.next += 1;
        Ok(())
    }

    /// Called at the end of the piece, when nothing is doubtful.
    pub(super) fn finish(mut self, piece: &Piece<'_>, extractor: &mut Extractor) -> io::Result<()> {
        match self.stretches {
            Some(stretches) if self.next > self.begins && piece.end() == Some(self.next) => {
                self.keep(stretches, extractor)
            }
            _ => Ok(()),
        }
    }

    fn keep(&mut self, stretches: &Stretches<'_>, extractor: &mut Extractor) -> io::Result<()> {
        let range = self.begins..self.next;
        let within = extractor.len() - range.len()..extractor.len();
        if let Some((ends, frames)) = extractor.stretch(within)?
            && stretches.keep(&range, &ends, &frames)
        {
            self.begins = self.next;
            extractor.begin_stretch();
        }
        Ok(())
    }

    fn may_end_before(&self, pts: i64) -> bool {
        self.job
            .index
            .keyframe(pts)
            .is_some_and(|keyframe| may_begin(keyframe, self.job.track.codec.as_deref()))
    }
}
