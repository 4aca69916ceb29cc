//! Where shots may begin: between keyframes that look different.

use std::io;

use super::{Between, EstimatedShot, Moment};
use crate::features::{Frame, Frames};
use crate::numeric::{len, len_to_f64, round};
use crate::rational::Rational;
use crate::report::Evidence;

/// Keyframes are seconds apart: within a shot much has moved meanwhile. Another shot has other colours in other places (mean change
/// of the blocks' colours, in grey levels) and in other amounts (change of the colour histogram, 0 to 1): both, for a
/// pan changes places alone, and light the amounts. The figures are near those that did best on Big Buck Bunny, see `docs/engine.md`.
const MIN_CHANGE: f64 = 30.0;
const MIN_RECOLORED: f64 = 0.3;

/// The smaller of both changes, each in its own measure.
const METRIC: &str = "keyframe_difference";
const THRESHOLD: f64 = 1.0;

/// Shots, by comparing each keyframe with the one before. Of those in `preferred`, one stands for each if it can.
pub(super) fn shots(
    frames: &Frames,
    preferred: &[i64],
    time_base: Rational,
) -> io::Result<Vec<EstimatedShot>> {
    let mut starts = Vec::new();
    let mut before: Option<Frame> = None;
    frames.reader().each(0..frames.len(), |at, frame| {
        let difference = before.as_ref().map(|before| difference(before, frame));
        if difference.is_none_or(|difference| difference >= THRESHOLD) {
            starts.push((at, difference));
        }
        before = Some(frame.clone());
    })?;
    let ends: Vec<usize> = starts.iter().skip(1).map(|(at, _)| *at).chain([frames.len()]).collect();
    let shot = |((start, difference), end): ((usize, Option<f64>), usize)| {
        let own = frames.pts().get(start..end)?;
        let between = start.checked_sub(1).and_then(|last| {
            let (after_pts, before_pts) = (*frames.pts().get(last)?, *own.first()?);
            let [after_seconds, before_seconds] =
                [after_pts, before_pts].map(|pts| round(time_base.seconds(pts), 6));
            Some(Between { after_pts, before_pts, time_base, after_seconds, before_seconds })
        });
        let pts = standing_for(own, preferred)?;
        Some(EstimatedShot {
            between,
            keyframes: len(own.len()),
            keyframe: Moment { pts, time_base, seconds: round(time_base.seconds(pts), 6) },
            evidence: difference.map(|difference| Evidence {
                metric: METRIC.to_owned(),
                value: round(difference, 4),
                threshold: THRESHOLD,
            }),
        })
    };
    Ok(starts.into_iter().zip(ends).filter_map(shot).collect())
}

/// How much two keyframes differ: 1 and more where they belong to two shots.
fn difference(before: &Frame, frame: &Frame) -> f64 {
    let pairs = before.grid.iter().zip(frame.grid.iter());
    let sum: f64 = pairs.map(|(one, other)| f64::from(one.abs_diff(*other))).sum();
    let change = sum / len_to_f64(frame.grid.len());
    (change / MIN_CHANGE).min(f64::from(frame.recolored) / MIN_RECOLORED)
}

/// The keyframe in the middle, or the preferred one that is nearest to it.
fn standing_for(own: &[i64], preferred: &[i64]) -> Option<i64> {
    let (first, last, middle) = (*own.first()?, *own.last()?, *own.get(own.len() / 2)?);
    let inside = preferred.iter().copied().filter(|pts| (first..=last).contains(pts));
    Some(inside.min_by_key(|pts| pts.abs_diff(middle)).unwrap_or(middle))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::{Extractor, FRAME_BYTES};

    const SECONDS: Rational = Rational { num: 1, den: 1 };

    /// Of each shot: between which timestamps it begins, how many keyframes it has, which stands for it.
    type Found = (Option<(i64, i64)>, u64, i64);

    fn estimate(greys: &[u8], preferred: &[i64]) -> Vec<Found> {
        let mut extractor = Extractor::default();
        for (second, grey) in (0i64..).zip(greys) {
            extractor.push(second * 2, &[*grey; FRAME_BYTES]);
        }
        let shots = shots(&extractor.finish().frames, preferred, SECONDS).unwrap();
        let between = |shot: &EstimatedShot| shot.between.map(|found| (found.after_pts, found.before_pts));
        shots.iter().map(|shot| (between(shot), shot.keyframes, shot.keyframe.pts)).collect()
    }

    #[test]
    fn a_boundary_is_between_keyframes_that_differ() {
        let found = estimate(&[10, 12, 11, 90, 91], &[]);
        assert_eq!(found, [(None, 3, 2), (Some((4, 6)), 2, 8)]);
        assert_eq!(estimate(&[10], &[]), [(None, 1, 0)]);
        assert!(estimate(&[], &[]).is_empty());
    }

    #[test]
    fn a_keyframe_with_a_thumbnail_stands_for_a_shot_where_it_has_one() {
        let found = estimate(&[10, 12, 11, 90, 91], &[0, 6]);
        assert_eq!(found, [(None, 3, 0), (Some((4, 6)), 2, 6)]);
    }
}
