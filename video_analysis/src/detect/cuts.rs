//! Hard cuts. The measures and their figures are explained in `docs/shot-detection.md`.

use super::blocks::distance;
use super::fades::plain;
use super::{mixed, overlaid, unchanged, uncovered};
use crate::explain::{Condition, Rule};
use crate::features::Frame;
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
    /// How clear it is, whatever the options say.
    pub(super) margin: f64,
}

/// What is left of a pan at least when it is none, as a share of the change: of the cuts of Big Buck Bunny 0.5 and more.
const MIN_PAN_MISFIT: f64 = 0.3;
/// A pan goes on: a change beside it is as large, or this share of it at least.
const MIN_PAN_STEP: f64 = 0.3;
/// Least unexplained change, in grey levels times the share of pixels that take another colour: below it, it is noise.
const MIN_UNEXPLAINED: f64 = 3.0;
/// How far an unexplained change must stand out, over the two-sided contrast that a cut must have (`min_contrast`): the first
/// is over the largest change beside it, the second over the largest and two grey levels.
const UNEXPLAINED_OVER_CONTRAST: f64 = 1.5;
/// How far a change must stand out of what is right beside it, over the two-sided contrast that a cut must have, when another large
/// change is two or three pictures away.
const LONE_OVER_CONTRAST: f64 = 16.0 / 3.0;
/// What must last of such a change, over the change of a cut (`min_change`): with less, flashes and text of lyrics pass.
const LONE_OVER_CHANGE: f64 = 5.0;
/// The two-sided contrast of a cut over a picture that shows both shots, over that of any other: of pictures that go from one shot to the
/// other in equal steps, a dissolve, twice the contrast that one of them has is less than 2.
const MIXED_OVER_CONTRAST: f64 = 2.0;
/// Added to the largest unexplained change beside one, so that none stands out of stillness by being there at all.
const UNEXPLAINED_NOISE: f64 = 0.5;
/// How much the unexplained change counts in how clear a cut is, over its contrast: of a tenth to one fits best.
const UNEXPLAINED_SHARE: f64 = 0.5;
/// Below it, less of it tells nothing more.
const NOT_UNEXPLAINED: f64 = 0.05;
/// Share of the pixels that take another colour from which on nothing of the picture before needs to be left: what is right
/// beside such a change, and as large, is a rival of it, and what is farther away tells nothing of it.
const OVERTURNED: f32 = 0.5;
/// Changes on either side that a cut is compared with.
const BESIDE: usize = 3;
/// How far away these may be when pictures are repeated in between: drawn films hold a picture for up to four.
const FARTHEST: usize = 5;
/// Largest luma difference of a picture that repeats the one before.
const REPEATED: u8 = 2;
/// Largest mean difference of block colours, in grey levels, of a repetition that was coded anew and is not quite the same.
const CODED_ANEW: f64 = 0.5;
/// Most black or white pictures between two shots that are no shot, but a part of the cut that follows.
const LONGEST_GAP: usize = 2;
/// Share of its way that the first picture of a shot has at least when it does not fade in.
const AT_ONCE: f64 = 0.7;
/// Pictures beside a mixed one that tell whether there is a cut: as far as a flash is looked for, and some.
const MIXED_REACH: usize = 16;
/// Pictures on either side of a cut that must differ across it.
const SIDE: usize = 3;

/// The measures of one place between two pictures.
struct Measures {
    /// Smallest change between the three pictures before and the three from here on: what lasts, in grey levels.
    across: f64,
    /// The same over the largest change of neighbours beside it, and two grey levels.
    two_sided: f64,
    /// Share of the change that a pan does not explain: 1 where nothing moves beside it.
    pan_misfit: f64,
    /// Change that motion does not explain and that shows other colours.
    unexplained: f64,
    /// The same over the largest beside it.
    towering: f64,
    /// The same over that of the neighbour before or after, the larger one: of two in a row one is the cut.
    over_neighbour: f64,
}

/// A measure and what it must be above, or not below.
struct Bound {
    metric: &'static str,
    value: f64,
    least: f64,
    /// Whether `least` itself is enough.
    inclusive: bool,
    /// Whether an option says it.
    optional: bool,
}

impl Bound {
    const fn above(metric: &'static str, value: f64, least: f64) -> Self {
        Self { metric, value, least, inclusive: false, optional: false }
    }

    const fn at_least(metric: &'static str, value: f64, least: f64) -> Self {
        Self { inclusive: true, ..Self::above(metric, value, least) }
    }

    /// By an option, which may be another one.
    const fn optional(self) -> Self {
        Self { optional: true, ..self }
    }

    fn met(&self) -> bool {
        self.value > self.least || (self.inclusive && self.value >= self.least)
    }

    fn condition(&self) -> Condition {
        let condition = if self.inclusive { Condition::at_least } else { Condition::above };
        condition(self.metric, self.value, self.least)
    }
}

impl Measures {
    /// The three ways in which a change may be a cut. What decides, and names the rule, comes first.
    fn rules(&self, options: &ShotOptions) -> [Vec<Bound>; 3] {
        let lasts = || Bound::above("lasting_change", self.across, options.min_change).optional();
        let is_unexplained = || Bound::above("unexplained_change", self.unexplained, MIN_UNEXPLAINED);
        let is_no_pan = || Bound::at_least("pan_misfit", self.pan_misfit, MIN_PAN_MISFIT);
        let contrast = options.min_contrast;
        [
            vec![
                Bound::above("two_sided_contrast", self.two_sided, contrast).optional(),
                lasts(),
                is_no_pan(),
            ],
            vec![
                Bound::above("unexplained_contrast", self.towering, UNEXPLAINED_OVER_CONTRAST * contrast)
                    .optional(),
                is_unexplained(),
                Bound::at_least("unexplained_over_neighbour", self.over_neighbour, 1.0),
                lasts(),
                is_no_pan(),
            ],
            vec![
                Bound::at_least(
                    "unexplained_over_neighbour",
                    self.over_neighbour,
                    LONE_OVER_CONTRAST * contrast,
                )
                .optional(),
                Bound::at_least("lasting_change", self.across, LONE_OVER_CHANGE * options.min_change)
                    .optional(),
                is_unexplained(),
                is_no_pan(),
            ],
        ]
    }

    /// What a cut over a picture that shows both shots needs in the film without that picture.
    fn over_mixed(&self, options: &ShotOptions) -> Vec<Bound> {
        let contrast = MIXED_OVER_CONTRAST * options.min_contrast;
        vec![
            Bound::above("mixed_contrast", self.two_sided, contrast).optional(),
            Bound::above("lasting_change", self.across, options.min_change).optional(),
            Bound::above("unexplained_change", self.unexplained, MIN_UNEXPLAINED),
            Bound::at_least("pan_misfit", self.pan_misfit, MIN_PAN_MISFIT),
        ]
    }

    /// How clear a cut is: by how much what options bound is above its usual bound, as a logarithm; of the least clear measure of
    /// the clearer rule. What no option bounds is met, or the rule does not count. Together with the change that motion does not
    /// explain, by whichever rule it is a cut, this tells true ones from false ones much better than alone.
    fn margin(&self) -> f64 {
        let rules = self.rules(&ShotOptions::default()).into_iter();
        let rules = rules.filter(|bounds| bounds.iter().all(|bound| bound.optional || bound.met()));
        let margins = rules.map(|bounds| {
            let optional = bounds.iter().filter(|bound| bound.optional);
            optional.map(|bound| (bound.value / bound.least).ln()).fold(f64::INFINITY, f64::min)
        });
        let contrast = margins.fold(f64::NEG_INFINITY, f64::max);
        contrast + UNEXPLAINED_SHARE * (self.unexplained.max(NOT_UNEXPLAINED) / MIN_UNEXPLAINED).ln()
    }
}

/// Finds all cuts, however short the shots between them are.
pub(super) fn find(frames: &[Frame], options: &ShotOptions) -> Vec<Cut> {
    let changes = changes(frames);
    let places = (1..frames.len()).filter(|at| may_open(frames, *at));
    let cuts = places.filter_map(|at| {
        if let Some((opens, bounds, measures)) = over_mixed(frames, &changes, at, options) {
            let decided = bounds.first().filter(|_| opens == at)?;
            return Some(cut(at, decided, &measures));
        }
        let cut = decide(at, &measure(frames, &changes, at)?, options)?;
        is_another_picture(frames, at).then_some(cut)
    });
    cuts.collect()
}

/// A cut over a picture, this one or the one before, that shows both shots: where it is, and why. It is looked for in the film without
/// that picture.
fn over_mixed(
    frames: &[Frame],
    changes: &[Change],
    at: usize,
    options: &ShotOptions,
) -> Option<(usize, Vec<Bound>, Measures)> {
    [at.checked_sub(1)?, at].into_iter().find_map(|picture| {
        let steps = [changes.get(picture)?.step, changes.get(picture + 1)?.step];
        if steps.into_iter().any(|step| step < options.min_change) {
            return None;
        }
        let opens = mixed::opens(frames, picture)?;
        let start = picture.saturating_sub(MIXED_REACH);
        let near = frames.get(start..(picture + MIXED_REACH).min(frames.len()))?;
        let at = picture - start;
        let without: Vec<Frame> = near
            .iter()
            .enumerate()
            .filter(|(place, _)| *place != at)
            .map(|(_, frame)| frame.clone())
            .collect();
        let mut changes = self::changes(&without);
        let [into, out_of] = [near.get(at)?, near.get(at + 1)?].map(unexplained);
        changes.get_mut(at)?.unexplained = into.max(out_of);
        let measures = measure(&without, &changes, at)?;
        let bounds = measures.over_mixed(options);
        let is_cut = bounds.iter().all(Bound::met) && is_another_picture(&without, at);
        is_cut.then_some((opens, bounds, measures))
    })
}

/// Whether the pictures before `at` tell what moves: a single one does not, but where it is black or white nothing does.
fn may_open(frames: &[Frame], at: usize) -> bool {
    at > 1 || (at == 1 && frames.first().and_then(plain).is_some())
}

/// What a cut needs, and what of it the change before the picture `at` has: [`find`] takes it where a rule is met. None for
/// the film's first picture, and for the second after one that is neither black nor white.
pub(super) fn rules(frames: &[Frame], at: usize, options: &ShotOptions) -> Vec<Rule> {
    /// One more than the largest reach of a measure: so the first of these is only compared with.
    const REACH: usize = FARTHEST + SIDE;
    if !may_open(frames, at) {
        return Vec::new();
    }
    let mixed = over_mixed(frames, &changes(frames), at, options);
    let elsewhere = mixed.as_ref().is_some_and(|(opens, ..)| *opens != at);
    // Not a measure, but as plain: 1 for another picture, 0 for the same one in another light or with something on it or before it,
    // and for the other half of a change that is a cut right beside it.
    let another = f64::from(u8::from(!elsewhere && is_another_picture(frames, at)));
    let another = Condition::at_least("another_picture", another, 1.0);
    let start = at.saturating_sub(REACH);
    let near = frames.get(start..at.saturating_add(REACH).min(frames.len())).unwrap_or_default();
    let Some(measures) = measure(near, &changes(near), at - start) else { return Vec::new() };
    let rules = measures.rules(options).into_iter().filter_map(|bounds| {
        let metric = bounds.first()?.metric;
        let conditions = bounds.iter().map(Bound::condition).chain([another.clone()]);
        Some(Rule::all(metric, conditions.collect()))
    });
    let over_mixed = mixed.filter(|_| !elsewhere).and_then(|(_, bounds, _)| {
        Some(Rule::all(bounds.first()?.metric, bounds.iter().map(Bound::condition).collect()))
    });
    rules.chain(over_mixed).collect()
}

fn decide(at: usize, measures: &Measures, options: &ShotOptions) -> Option<Cut> {
    let rules = measures.rules(options);
    let met = rules.iter().find(|bounds| bounds.iter().all(Bound::met))?;
    met.first().map(|decided| cut(at, decided, measures))
}

fn cut(at: usize, decided: &Bound, measures: &Measures) -> Cut {
    Cut {
        frame: at,
        metric: decided.metric,
        value: decided.value,
        threshold: decided.least,
        margin: measures.margin(),
    }
}

fn is_another_picture(frames: &[Frame], at: usize) -> bool {
    !unchanged::at(frames, at)
        && !overlaid::at(frames, at)
        && !uncovered::at(frames, at)
        && !is_gap(frames, at)
}

/// Whether a black or white picture or two follow, and then, at once, another shot: the cut is after them.
fn is_gap(frames: &[Frame], at: usize) -> bool {
    let Some((before, after)) = frames.split_at_checked(at) else { return false };
    let Some(blank) = after.first() else { return false };
    let color = plain(blank);
    if color.is_none() || before.last().is_some_and(|last| plain(last) == color) {
        return false;
    }
    let mut following = after.iter().skip(1).take(LONGEST_GAP).skip_while(|next| plain(next) == color);
    let Some(first) = following.next() else { return false };
    let later = after.iter().take(LONGEST_GAP + SIDE).next_back().unwrap_or(first);
    // What fades in is not all there at once.
    distance(blank, first) >= AT_ONCE * distance(blank, later)
}

/// The change that leads to a picture; none to the first.
#[derive(Clone, Copy)]
struct Change {
    /// Mean absolute difference of block colours, in grey levels.
    step: f64,
    unexplained: f64,
    /// Share of the pixels that take another colour.
    recolored: f32,
    repeats: bool,
}

fn changes(frames: &[Frame]) -> Vec<Change> {
    let none = Change { step: 0.0, unexplained: 0.0, recolored: 0.0, repeats: true };
    let changes = frames.iter().zip(frames.iter().skip(1)).map(|(one, next)| {
        let step = distance(one, next);
        Change {
            step,
            unexplained: unexplained(next),
            recolored: next.recolored,
            repeats: next.peak_change <= REPEATED || step <= CODED_ANEW,
        }
    });
    [none].into_iter().chain(changes).collect()
}

fn measure(frames: &[Frame], changes: &[Change], at: usize) -> Option<Measures> {
    let this = frames.get(at)?;
    let before = frames.get(at.saturating_sub(SIDE)..at)?;
    let after = frames.get(at..(at + SIDE).min(frames.len()))?;
    let across = before.iter().flat_map(|one| after.iter().map(move |other| distance(one, other)));
    let across = across.fold(f64::INFINITY, f64::min);
    let Change { step, unexplained, recolored, .. } = *changes.get(at)?;
    let within = beside(changes, at).map(|(_, change)| change.step).fold(0.0, f64::max);
    let moves_on = within >= MIN_PAN_STEP * step;
    let neighbours = beside(changes, at).filter(|(away, _)| *away == 1);
    let neighbour = neighbours.map(|(_, change)| change.unexplained).fold(0.0, f64::max);
    // The end of a fast motion right before a cut changes as much as the cut does, and is compared with by itself.
    let rival = |away: usize, change: &Change| {
        away == 1 && change.unexplained >= neighbour && recolored.min(change.recolored) >= OVERTURNED
    };
    let others = beside(changes, at).filter(|(away, change)| !rival(*away, change));
    let largest = others.map(|(_, change)| change.unexplained).fold(0.0, f64::max);
    Some(Measures {
        across,
        two_sided: across / (within + 2.0),
        pan_misfit: if moves_on { f64::from(this.pan_misfit) } else { 1.0 },
        unexplained,
        towering: unexplained / (largest + UNEXPLAINED_NOISE),
        over_neighbour: unexplained / neighbour.max(NOT_UNEXPLAINED),
    })
}

/// Change to a picture that motion does not explain and that shows other colours.
fn unexplained(frame: &Frame) -> f64 {
    f64::from(frame.residual) * f64::from(frame.recolored) * f64::from(frame.pan_misfit)
}

/// The changes next to one, on either side, that are no repetitions, and how far away each is.
fn beside(changes: &[Change], at: usize) -> impl Iterator<Item = (usize, &Change)> {
    let overturned = changes.get(at).is_some_and(|change| change.recolored >= OVERTURNED);
    // Of pictures that are held, what is next is farther away.
    let next = [at.checked_sub(1), at.checked_add(1)].into_iter().flatten();
    let held = next.filter_map(|at| changes.get(at)).all(|change| change.repeats);
    let farthest = if overturned && !held { BESIDE } else { FARTHEST };
    let near = |side: &[Change]| side.len().min(farthest);
    let (before, after) = changes.split_at_checked(at).unwrap_or_default();
    let after = after.get(1..).unwrap_or_default();
    let (after, before) = (after.get(..near(after)), before.get(before.len() - near(before)..));
    let moving = |(_, change): &(usize, &Change)| !change.repeats;
    let after = (1..).zip(after.unwrap_or_default()).filter(moving).take(BESIDE);
    let before = (1..).zip(before.unwrap_or_default().iter().rev()).filter(moving).take(BESIDE);
    after.chain(before)
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
