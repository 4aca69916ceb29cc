//! Hard cuts. The measures and their figures are explained in `docs/shot-detection.md`.

use super::unchanged;
use crate::explain::{Condition, Rule};
use crate::features::Frame;
use crate::numeric::{len_to_f64, to_f64};
use crate::options::ShotOptions;

/// A change from one picture to the next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cut {
    /// The first picture of the new shot.
    pub(super) frame: usize,
    /// The measure that decided.
    pub(super) metric: &'static str,
    pub(super) value: f64,
    pub(super) threshold: f64,
}

/// The measures of one place between two pictures.
struct Measures {
    /// Smallest change between the three pictures before and the three from here on: what lasts, in grey levels.
    across: f64,
    /// Largest change of neighbours within the four pictures on either side.
    within: f64,
    /// Change that motion does not explain.
    residual: f64,
    /// Share of the change that a pan does not explain: 1 where nothing moves beside it.
    pan_misfit: f64,
    /// The same over the largest of the six around it.
    towering: f64,
    /// The same over the median of the twelve around it.
    standing_out: f64,
    /// Change of the colour histogram.
    recolored: f64,
}

/// Finds all cuts, however short the shots between them are.
pub(super) fn find(frames: &[Frame], options: &ShotOptions) -> Vec<Cut> {
    let steps = steps(frames);
    let cuts = (1..frames.len()).filter_map(|at| decide(at, &measure(frames, &steps, at)?, frames, options));
    cuts.filter(|cut| !unchanged::at(frames, cut.frame)).collect()
}

/// What is left of a pan at least when it is none, as a share of the change: of the cuts of Big Buck Bunny 0.5 and more.
const MIN_PAN_MISFIT: f64 = 0.3;
/// A pan goes on: a change beside it is as large, or this share of it at least.
const MIN_PAN_STEP: f64 = 0.3;

/// What a cut needs, and what of it the change before the picture `at` has: [`find`] takes it where a rule is met. None for
/// the film's first picture, which no change leads to.
pub(super) fn rules(frames: &[Frame], at: usize, options: &ShotOptions) -> Vec<Rule> {
    /// One more than the largest reach of a measure: so the first of these is only compared with.
    const REACH: usize = 7;
    // Not a measure, but as plain: 1 for another picture, 0 for the same one in another light or with something on it.
    let another =
        Condition::at_least("another_picture", f64::from(u8::from(!unchanged::at(frames, at))), 1.0);
    let start = at.saturating_sub(REACH);
    let near = frames.get(start..at.saturating_add(REACH).min(frames.len())).unwrap_or_default();
    let at = at - start;
    let Some(measures) = measure(near, &steps(near), at).filter(|_| at > 0) else { return Vec::new() };
    let around = around(near, at, 2).map(|(_, frame)| f64::from(frame.residual)).fold(0.0, f64::max);
    let (change, contrast) = (options.min_change, options.min_contrast);
    let lasts = || Condition::above("lasting_change", measures.across, change);
    let is_no_pan = || Condition::at_least("pan_misfit", measures.pan_misfit, MIN_PAN_MISFIT);
    let stands_out = |by: Vec<Condition>| {
        let conditions = [
            lasts(),
            is_no_pan(),
            Condition::above("motion_residual", measures.residual, 7.0),
            Condition::at_least("motion_residual", measures.residual, around),
            Condition::above("recolored", measures.recolored, 0.25),
            another.clone(),
        ];
        Rule::all("motion_residual_contrast", conditions.into_iter().chain(by).collect())
    };
    let two_sided = measures.across / (measures.within + 2.0);
    vec![
        Rule::all(
            "two_sided_contrast",
            vec![
                lasts(),
                is_no_pan(),
                Condition::above("two_sided_contrast", two_sided, contrast),
                another.clone(),
            ],
        ),
        stands_out(vec![Condition::above("residual_over_largest", measures.towering, contrast)]),
        stands_out(vec![
            Condition::above("residual_over_median", measures.standing_out, 3.0),
            Condition::above("residual_over_largest", measures.towering, 0.9),
        ]),
    ]
}

fn decide(at: usize, measures: &Measures, frames: &[Frame], options: &ShotOptions) -> Option<Cut> {
    if measures.pan_misfit < MIN_PAN_MISFIT {
        return None;
    }
    let peak = around(frames, at, 2).all(|(_, frame)| f64::from(frame.residual) <= measures.residual);
    let contrast = measures.across / (measures.within + 2.0);
    if measures.across > options.min_change && contrast > options.min_contrast {
        return Some(Cut {
            frame: at,
            metric: "two_sided_contrast",
            value: contrast,
            threshold: options.min_contrast,
        });
    }
    // Beside very fast motion both sides change so much themselves that only motion compensation tells a cut.
    let stands_out =
        measures.towering > options.min_contrast || (measures.standing_out > 3.0 && measures.towering > 0.9);
    if peak
        && measures.residual > 7.0
        && measures.recolored > 0.25
        && stands_out
        && measures.across > options.min_change
    {
        return Some(Cut {
            frame: at,
            metric: "motion_residual_contrast",
            value: measures.standing_out,
            threshold: options.min_contrast,
        });
    }
    None
}

fn measure(frames: &[Frame], steps: &[f64], at: usize) -> Option<Measures> {
    let this = frames.get(at)?;
    let before = frames.get(at.saturating_sub(3)..at)?;
    let after = frames.get(at..(at + 3).min(frames.len()))?;
    let across = before.iter().flat_map(|one| after.iter().map(move |other| distance(one, other)));
    let within_before = steps.get(at.saturating_sub(3).max(1)..at)?;
    let within_after = steps.get(at + 1..(at + 4).min(steps.len()))?;
    let residual = f64::from(this.residual);
    let near = around(frames, at, 3).map(|(_, frame)| f64::from(frame.residual)).fold(0.0, f64::max);
    let mut wide: Vec<f64> = around(frames, at, 6).map(|(_, frame)| f64::from(frame.residual)).collect();
    wide.sort_unstable_by(f64::total_cmp);
    let within = within_before.iter().chain(within_after).copied().fold(0.0, f64::max);
    let moves_on = steps.get(at).is_some_and(|step| within >= MIN_PAN_STEP * step);
    Some(Measures {
        across: across.fold(f64::INFINITY, f64::min),
        within,
        residual,
        pan_misfit: if moves_on { f64::from(this.pan_misfit) } else { 1.0 },
        towering: residual / (near + 1.0),
        standing_out: residual / (wide.get(wide.len() / 2).copied().unwrap_or(0.0) + 1.0),
        recolored: f64::from(this.recolored),
    })
}

/// The neighbours of a picture up to `reach` away on either side, without itself and without the film's first, which has
/// nothing before it to differ from.
fn around(frames: &[Frame], at: usize, reach: usize) -> impl Iterator<Item = (usize, &Frame)> {
    let first = at.saturating_sub(reach).max(1);
    frames
        .iter()
        .enumerate()
        .skip(first)
        .take((at + reach + 1).saturating_sub(first))
        .filter(move |(index, _)| *index != at)
}

/// The change that leads to each picture; none to the first.
fn steps(frames: &[Frame]) -> Vec<f64> {
    let changes = frames.iter().zip(frames.iter().skip(1)).map(|(one, next)| distance(one, next));
    [0.0].into_iter().chain(changes).collect()
}

/// Mean absolute difference of the block colours of two pictures, 0 to 255.
fn distance(one: &Frame, other: &Frame) -> f64 {
    let sum: i64 =
        one.grid.iter().zip(other.grid.iter()).map(|(one, other)| i64::from(one.abs_diff(*other))).sum();
    to_f64(sum) / len_to_f64(one.grid.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::{Extractor, FRAME_BYTES};

    /// Scenes of some pictures each, plain, noisy and flashing, from a generator that is always the same.
    fn frames() -> Vec<Frame> {
        let mut state = 7u32;
        let mut random = move |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) % below
        };
        let mut extractor = Extractor::default();
        let mut scene = [0; 3];
        for pts in 0..400 {
            if random(9) == 0 {
                scene = [0; 3].map(|_: u32| random(200));
            }
            let noise = [1, 8, 60][usize::try_from(random(3)).unwrap()];
            let picture: Vec<u8> = (0..FRAME_BYTES)
                .map(|at| u8::try_from((scene[at % 3] + random(noise)).min(255)).unwrap())
                .collect();
            extractor.push(pts, &picture);
        }
        extractor.finish().frames.to_vec()
    }

    #[test]
    fn a_place_is_a_cut_where_a_rule_is_met_and_nowhere_else() {
        let frames = frames();
        for options in [
            ShotOptions::default(),
            ShotOptions { min_change: 1.0, min_contrast: 0.7, ..ShotOptions::default() },
        ] {
            let found: Vec<usize> = find(&frames, &options).iter().map(|cut| cut.frame).collect();
            let explained =
                (0..frames.len()).filter(|at| rules(&frames, *at, &options).iter().any(|rule| rule.met));
            assert_eq!(explained.collect::<Vec<_>>(), found);
            assert!(found.len() > 10, "{found:?}");
        }
    }
}
