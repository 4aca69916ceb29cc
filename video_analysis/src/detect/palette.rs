//! The colours of each shot.
//!
//! Block colours of all pictures of a shot are counted in 16 × 16 × 16 bins and clustered by k-means (S. P. Lloyd, *Least
//! squares quantization in PCM*, IEEE Trans. IT 28, 1982) in `OKLab`. Beginning with the most common colour and going on with
//! whatever is farthest and most common (T. F. Gonzalez, *Clustering to minimize the maximum intercluster distance*, 1985)
//! needs no randomness, so that the same shot has the same palette.

use std::io;

use serde_json::{Value, json};

use super::film::range;
use super::oklab::{Lab, distance_squared, from_srgb, to_srgb};
use super::{Detector, Film, Findings, VideoDetector};
use crate::choice::DetectorName;
use crate::features::Frame;
use crate::numeric::{count_to_f64, round};
use crate::report::{Rgb, Swatch};

/// Most colours of a palette.
const COLORS: usize = 6;
/// Colours nearer to each other are one: about three times what can just be told apart.
const MIN_DISTANCE: f64 = 0.06;
/// Least share of a shot that a colour has.
const MIN_SHARE: f64 = 0.01;
/// Clusters have come to rest long before.
const MAX_ROUNDS: usize = 32;

/// Describes every shot by up to six colours.
pub(super) struct Palettes;

/// Colours that are treated as one, and how many blocks have them.
#[derive(Clone, Copy)]
struct Group {
    color: Lab,
    weight: f64,
}

impl Detector for Palettes {
    fn name(&self) -> DetectorName {
        DetectorName::Palette
    }

    fn version(&self) -> &'static str {
        "1"
    }

    fn params(&self) -> Value {
        json!({ "max_colors": COLORS, "min_distance": MIN_DISTANCE, "min_share": MIN_SHARE })
    }
}

impl VideoDetector for Palettes {
    fn detect(&self, film: &Film, found: &mut Findings) -> io::Result<()> {
        let mut bins = Bins::new();
        let mut reader = film.frames.reader();
        for shot in &mut found.shots {
            if let Some((start, end)) = range(&shot.segment) {
                reader.each(start..end, |_, frame| bins.add(frame))?;
            }
            shot.palette = palette(&bins.take());
        }
        Ok(())
    }
}

/// Counts and sums of the colours that share their components' upper four bits.
struct Bins(Vec<(u64, [u64; 3])>);

impl Bins {
    fn new() -> Self {
        Self(vec![(0, [0; 3]); 1 << 12])
    }

    fn add(&mut self, frame: &Frame) {
        for [red, green, blue] in frame.blocks() {
            let bin = usize::from(red >> 4) << 8 | usize::from(green >> 4) << 4 | usize::from(blue >> 4);
            if let Some((count, sums)) = self.0.get_mut(bin) {
                *count += 1;
                sums.iter_mut().zip([red, green, blue]).for_each(|(sum, value)| *sum += u64::from(*value));
            }
        }
    }

    /// The mean colour and the count of every bin that a picture has, in the order of the bins. Empty again afterwards.
    fn take(&mut self) -> Vec<Group> {
        let taken = self.0.iter_mut().filter(|(count, _)| *count > 0).map(std::mem::take);
        taken
            .map(|(count, sums)| {
                let weight = count_to_f64(count);
                Group { color: from_srgb(sums.map(|sum| count_to_f64(sum) / weight)), weight }
            })
            .collect()
    }
}

fn palette(colors: &[Group]) -> Vec<Swatch> {
    let mut centers = begin(colors);
    for _ in 0..MAX_ROUNDS {
        let moved = means(colors, &centers);
        let at_rest =
            moved.iter().zip(&centers).all(|(one, other)| distance_squared(one.color, other.color) <= 0.0);
        centers = moved;
        if at_rest {
            break;
        }
    }
    let all: f64 = colors.iter().map(|color| color.weight).sum();
    while let Some((one, other)) = superfluous(&centers, all) {
        merge(&mut centers, one, other);
    }
    let swatch =
        |center: &Group| Swatch { color: Rgb(to_srgb(center.color)), share: round(center.weight / all, 3) };
    let mut palette: Vec<Swatch> = centers.iter().map(swatch).collect();
    palette.sort_by(|one, other| other.share.total_cmp(&one.share).then(one.color.cmp(&other.color)));
    palette
}

/// The most common colour, then each time the one that is farthest from those before, by its share.
fn begin(colors: &[Group]) -> Vec<Group> {
    let mut centers: Vec<Group> = Vec::new();
    while centers.len() < COLORS {
        let need = |color: &Group| {
            let nearest = centers.iter().map(|center| distance_squared(center.color, color.color));
            color.weight * nearest.reduce(f64::min).unwrap_or(1.0)
        };
        // The first of equals.
        let most = |best: (f64, Group), next: (f64, Group)| if next.0 > best.0 { next } else { best };
        match colors.iter().map(|color| (need(color), *color)).reduce(most) {
            Some((need, color)) if need > 0.0 => centers.push(color),
            _ => break,
        }
    }
    centers
}

/// The means of what is nearest to each centre.
fn means(colors: &[Group], centers: &[Group]) -> Vec<Group> {
    let mut sums = vec![([0.0; 3], 0.0); centers.len()];
    for color in colors {
        let distances = centers.iter().map(|center| distance_squared(center.color, color.color));
        let nearest = distances.enumerate().reduce(|best, next| if next.1 < best.1 { next } else { best });
        if let Some((sum, weight)) = nearest.and_then(|(at, _)| sums.get_mut(at)) {
            sum.iter_mut()
                .zip(color.color)
                .for_each(|(sum, value): (&mut f64, f64)| *sum += value * color.weight);
            *weight += color.weight;
        }
    }
    let mean = |((sum, weight), center): (([f64; 3], f64), &Group)| {
        // A centre that lost all its colours stays, and is merged in the end.
        let color = if weight > 0.0 { sum.map(|sum| sum / weight) } else { center.color };
        Group { color, weight }
    };
    sums.into_iter().zip(centers).map(mean).collect()
}

/// The nearest two colours if they are too near, else one that is too rare and the one nearest to it.
fn superfluous(centers: &[Group], all: f64) -> Option<(usize, usize)> {
    let mut pairs = Vec::new();
    for (one, first) in centers.iter().enumerate() {
        for (other, second) in centers.iter().enumerate().skip(one + 1) {
            pairs.push((one, other, distance_squared(first.color, second.color)));
        }
    }
    pairs.sort_by(|one, other| one.2.total_cmp(&other.2));
    let close = pairs.first().filter(|(.., distance)| *distance < MIN_DISTANCE * MIN_DISTANCE);
    let rare = || {
        let (at, _) = centers.iter().enumerate().find(|(_, center)| center.weight < MIN_SHARE * all)?;
        pairs.iter().find(|(one, other, _)| *one == at || *other == at)
    };
    close.or_else(rare).map(|(one, other, _)| (*one, *other))
}

/// Two colours become their mean. `other` comes after `one`.
fn merge(centers: &mut Vec<Group>, one: usize, other: usize) {
    if other >= centers.len() {
        return;
    }
    let second = centers.remove(other);
    if let Some(first) = centers.get_mut(one) {
        let weight = first.weight + second.weight;
        if weight > 0.0 {
            for (value, more) in first.color.iter_mut().zip(second.color) {
                *value = (*value * first.weight + more * second.weight) / weight;
            }
        }
        first.weight = weight;
    }
}
