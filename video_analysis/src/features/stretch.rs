//! A stretch of pictures as it is kept while the rest of its film is still decoded.

use std::borrow::Cow;
use std::io;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::histogram::Histogram;
use super::{Extractor, Features, Frame, PIXELS, Room, picture};

/// What comparing two neighbouring pictures needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Small {
    pub(super) luma: Luma,
    pub(super) histogram: Histogram,
}

impl Small {
    /// Of red, green and blue of its pixels.
    pub(super) fn of(rgb: &[u8]) -> Self {
        let (pixels, _) = rgb.as_chunks::<3>();
        Self { luma: Luma(picture::luma(pixels)), histogram: Histogram::of(pixels) }
    }
}

/// The luma of a small picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Vec<u8>", try_from = "Vec<u8>")]
pub(super) struct Luma(pub(super) Box<[u8; PIXELS]>);

impl From<Luma> for Vec<u8> {
    fn from(luma: Luma) -> Self {
        luma.0.to_vec()
    }
}

impl TryFrom<Vec<u8>> for Luma {
    type Error = &'static str;

    fn try_from(pixels: Vec<u8>) -> Result<Self, Self::Error> {
        pixels.try_into().map(Self).map_err(|_| "a picture of another size")
    }
}

/// The first and the last picture of a stretch, for comparing them with their neighbours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ends {
    pub(super) first: Small,
    pub(super) last: Small,
}

impl Extractor {
    /// Pictures so far.
    pub(crate) fn len(&self) -> usize {
        self.features.frames.len()
    }

    /// The pictures of a range that begins where [`Self::begin_stretch`] was called last, and ends with the last picture.
    pub(crate) fn stretch(&self, range: Range<usize>) -> io::Result<Option<(Ends, Cow<'_, [Frame]>)>> {
        let Some((first, (_, last))) = self.stretch_begins.as_ref().zip(self.features.ends.as_ref()) else {
            return Ok(None);
        };
        let ends = Ends { first: first.clone(), last: last.clone() };
        Ok(Some((ends, self.features.frames.read(range)?)))
    }

    /// The next picture is the first one of a stretch.
    pub(crate) fn begin_stretch(&mut self) {
        self.stretch_begins = None;
    }
}

impl Features {
    /// Appends a stretch that follows directly, as if both had been one.
    pub(crate) fn append(&mut self, ends: Ends, mut frames: Vec<Frame>, room: &Room) -> io::Result<()> {
        let before = self.ends.take();
        if let Some(((_, before), frame)) = before.as_ref().zip(frames.first_mut()) {
            frame.compare(before, &ends.first);
        }
        self.ends = Some((before.map_or(ends.first, |(first, _)| first), ends.last));
        for frame in frames {
            self.frames.push(frame);
            self.frames.settle(room)?;
        }
        Ok(())
    }
}
