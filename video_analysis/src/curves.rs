//! Curves from features: each in several resolutions, whose points hold what was in the finer ones.

use std::io;

use crate::detect::Film;
use crate::features::{Frame, Sound, Waveform};
use crate::numeric::{len, len_to_f64, round};
use crate::probe::{AudioTrack, VideoTrack};
use crate::report::{AudioCurves, BitRateCurve, LoudnessCurve, Peaks, PictureCurve, VideoCurves};

/// Most points of the finest resolution.
const MOST_POINTS: usize = 1 << 16;
/// A resolution has this many times fewer points than the one before.
const STEP: usize = 4;
/// No coarser resolution is made of fewer points: they fit on a telephone.
const FEW_POINTS: usize = 512;

/// How many things each point holds, from fine to coarse, where there are `count` of them.
fn resolutions(count: usize) -> Vec<usize> {
    let mut per_point = 1;
    while count.div_ceil(per_point) > MOST_POINTS {
        per_point *= STEP;
    }
    let mut all = vec![per_point];
    while count.div_ceil(per_point) > FEW_POINTS {
        per_point *= STEP;
        all.push(per_point);
    }
    all
}

pub(crate) fn of_pictures(track: &VideoTrack, film: &Film, seconds: &[u32]) -> io::Result<VideoCurves> {
    let mut curves: Vec<OpenCurve> = resolutions(film.frames.len()).into_iter().map(OpenCurve::new).collect();
    film.frames
        .reader()
        .each(0..film.frames.len(), |_, frame| curves.iter_mut().for_each(|curve| curve.add(frame)))?;
    Ok(VideoCurves {
        stream: track.index,
        time_base: track.time_base,
        resolutions: curves.into_iter().map(OpenCurve::finish).collect(),
        bit_rate: resolutions(seconds.len())
            .into_iter()
            .map(|per_point| bit_rate(seconds, per_point))
            .collect(),
    })
}

/// A curve that is being made, and its point that is not full.
struct OpenCurve {
    curve: PictureCurve,
    per_point: usize,
    pictures: usize,
    change: f32,
    luma: f64,
}

impl OpenCurve {
    fn new(per_point: usize) -> Self {
        let curve = PictureCurve {
            frames_per_point: len(per_point),
            pts: Vec::new(),
            change: Vec::new(),
            luma: Vec::new(),
        };
        Self { curve, per_point, pictures: 0, change: 0.0, luma: 0.0 }
    }

    fn add(&mut self, frame: &Frame) {
        if self.pictures == 0 {
            self.curve.pts.push(frame.pts);
        }
        self.pictures += 1;
        self.change = self.change.max(frame.residual);
        self.luma += f64::from(frame.mean);
        if self.pictures == self.per_point {
            self.close();
        }
    }

    fn close(&mut self) {
        self.curve.change.push(round(f64::from(self.change), 2));
        self.curve.luma.push(round(self.luma / len_to_f64(self.pictures), 2));
        (self.pictures, self.change, self.luma) = (0, 0.0, 0.0);
    }

    fn finish(mut self) -> PictureCurve {
        if self.pictures > 0 {
            self.close();
        }
        self.curve
    }
}

/// From the bytes of each second.
fn bit_rate(seconds: &[u32], per_point: usize) -> BitRateCurve {
    let bits = |point: &[u32]| point.iter().map(|bytes| u64::from(*bytes) * 8).sum::<u64>();
    let points = || seconds.chunks(per_point);
    BitRateCurve {
        seconds_per_point: len(per_point),
        mean: points().map(|point| bits(point) / len(point.len())).collect(),
        peak: points().map(|point| point.iter().max().map_or(0, |bytes| u64::from(*bytes) * 8)).collect(),
    }
}

pub(crate) fn of_sound(track: &AudioTrack, sound: &Sound) -> AudioCurves {
    let block = track.sample().seconds(track.block());
    let (momentary, short_term) = (sound.curve.momentary(), sound.curve.short_term());
    let curve = |per_point: usize| LoudnessCurve {
        seconds_per_point: round(len_to_f64(per_point) * block, 6),
        momentary_lufs: loudest(&momentary, per_point),
        short_term_lufs: loudest(&short_term, per_point),
    };
    AudioCurves {
        stream: track.index,
        start_seconds: round(track.sample().seconds(track.start_sample), 6),
        loudness: resolutions(momentary.len()).into_iter().map(curve).collect(),
        waveform: waveforms(track, &sound.waveform),
    }
}

fn loudest(levels: &[Option<f64>], per_point: usize) -> Vec<Option<f64>> {
    let louder = |one: Option<f64>, other: Option<f64>| match (one, other) {
        (Some(one), Some(other)) => Some(one.max(other)),
        (one, other) => one.or(other),
    };
    levels.chunks(per_point).map(|point| point.iter().copied().fold(None, louder)).collect()
}

fn waveforms(track: &AudioTrack, finest: &Waveform) -> Vec<Peaks> {
    let mut all = vec![peaks(track, finest)];
    let mut waveform = finest.coarser().coarser();
    while all.last().is_some_and(|finer| finer.length > len(FEW_POINTS)) {
        all.push(peaks(track, &waveform));
        waveform = waveform.coarser().coarser();
    }
    all
}

fn peaks(track: &AudioTrack, waveform: &Waveform) -> Peaks {
    Peaks {
        version: 2,
        channels: u32::try_from(waveform.channels).unwrap_or(0),
        sample_rate: track.sample_rate,
        samples_per_pixel: waveform.bucket,
        bits: 16,
        length: len(waveform.extremes.len() / waveform.channels.max(1)),
        data: waveform.extremes.iter().flat_map(|&(least, most)| [least, most]).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolutions_are_bounded_however_much_there_is_and_end_where_there_is_little() {
        assert_eq!(resolutions(0), [1]);
        assert_eq!(resolutions(512), [1]);
        assert_eq!(resolutions(14_315), [1, 4, 16, 64]);
        assert_eq!(resolutions(3_000_000).first(), Some(&64));
    }

    #[test]
    fn a_coarse_point_is_the_loudest_of_its_fine_ones_and_null_where_none_is_known() {
        let levels = [None, None, Some(-30.0), Some(-20.0), None];
        assert_eq!(loudest(&levels, 2), [None, Some(-20.0), None]);
    }
}
