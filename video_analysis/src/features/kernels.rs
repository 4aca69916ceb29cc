//! The loops that every picture goes through, one by one, for `benches/kernels.rs`; with the feature `kernels` alone.

use std::hint::black_box;

use super::histogram::Histogram;
use super::stretch::Small;
use super::{Extractor, FRAME_BYTES, LumaCounts, Margins, largest_difference, motion, pan, picture};

/// Two pictures, one after the other, that have little in common.
pub struct Pictures {
    rgb: Vec<u8>,
    before: Small,
    this: Small,
}

/// One loop over a picture, or over both.
pub type Loop = fn(&Pictures);

impl Pictures {
    /// Waves of colour with noise on top.
    #[must_use]
    pub fn new() -> Self {
        let picture = |seed: u32| -> Vec<u8> {
            let mut state = seed;
            let mut noise = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state.to_le_bytes()[3] / 4
            };
            (0..=255u8)
                .cycle()
                .step_by(7)
                .map(|wave| (wave / 4 * 3).wrapping_add(noise()))
                .take(FRAME_BYTES)
                .collect()
        };
        let (before, rgb) = (picture(1), picture(2));
        Self { before: Small::of(&before), this: Small::of(&rgb), rgb }
    }

    fn pixels(&self) -> &[[u8; 3]] {
        self.rgb.as_chunks::<3>().0
    }
}

impl Default for Pictures {
    fn default() -> Self {
        Self::new()
    }
}

/// Each loop by its name, in the order in which a picture goes through them. `pan_misfit` is
/// asked for only where the residual is large, as between shots.
pub const ALL: [(&str, Loop); 11] = [
    ("luma", |pictures| drop(black_box(picture::luma(pictures.pixels())))),
    ("histogram", |pictures| drop(black_box(Histogram::of(pictures.pixels())))),
    ("contrast", |pictures| _ = black_box(picture::contrast(&pictures.this.luma.0))),
    ("detail", |pictures| _ = black_box(picture::detail(&pictures.this.luma.0))),
    ("margins", |pictures| _ = black_box(Margins::of(&pictures.this.luma.0))),
    ("luma_counts", |pictures| drop(black_box(LumaCounts::of(&pictures.this.luma.0)))),
    ("grid", |pictures| drop(black_box(picture::grid(&pictures.rgb)))),
    ("residual", |pictures| {
        _ = black_box(motion::residual(&pictures.before.luma.0, &pictures.this.luma.0));
    }),
    ("pan_misfit", |pictures| _ = black_box(pan::misfit(&pictures.before.luma.0, &pictures.this.luma.0))),
    ("largest_difference", |pictures| {
        let (before, this) = (&pictures.before.luma.0, &pictures.this.luma.0);
        _ = black_box(largest_difference(before.as_slice(), this.as_slice()));
    }),
    ("histogram_distance", |pictures| {
        _ = black_box(pictures.before.histogram.distance(&pictures.this.histogram));
    }),
];

/// All that is done with a picture that is like the one before, so often.
pub fn whole(pictures: &Pictures, times: u32) {
    let mut extractor = Extractor::default();
    for pts in 0..times {
        extractor.push(pts.into(), &pictures.rgb);
    }
    drop(black_box(extractor.finish()));
}
