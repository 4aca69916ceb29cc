//! What is measured at one place between two pictures, and the rules by which it is a cut.

use super::super::blocks::distance;
use super::SIDE;
use super::change::{Change, OVERTURNED, beside};
use crate::explain::Condition;
use crate::features::Frame;
use crate::options::ShotOptions;

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

/// The measures of one place between two pictures.
pub(super) struct Measures {
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
pub(super) struct Bound {
    pub(super) metric: &'static str,
    pub(super) value: f64,
    pub(super) least: f64,
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

    pub(super) fn met(&self) -> bool {
        self.value > self.least || (self.inclusive && self.value >= self.least)
    }

    pub(super) fn condition(&self) -> Condition {
        let condition = if self.inclusive { Condition::at_least } else { Condition::above };
        condition(self.metric, self.value, self.least)
    }
}

impl Measures {
    /// The ways in which a change may be a cut. What decides, and names the rule, comes first.
    pub(super) fn rules(&self, options: &ShotOptions) -> [Vec<Bound>; 3] {
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
    pub(super) fn over_mixed(&self, options: &ShotOptions) -> Vec<Bound> {
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
    pub(super) fn margin(&self) -> f64 {
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

/// The measures of the place before the picture `at`; `None` where there is none.
pub(super) fn measure(frames: &[Frame], changes: &[Change], at: usize) -> Option<Measures> {
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
