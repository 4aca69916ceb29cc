//! Gradual transitions: stretches of pictures in which one may be, and what is found there.

use std::collections::{BTreeMap, BTreeSet};

use super::dissolves::{self, Mixtures};
use super::film::evidence;
use super::pushes;
use super::wipes;
use crate::features::Frame;
use crate::options::ShotOptions;
use crate::report::{Evidence, SegmentKind};

/// The shortest stretch reaches this far from its centre; each next one a third farther.
const SHORTEST: usize = 3;

/// The pictures from `centre - half` to `centre + half`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stretch {
    pub(super) centre: usize,
    pub(super) half: usize,
}

/// How far stretches reach to either side, until twice as far is all of the longest transition.
pub(super) fn halves(longest: usize) -> impl Iterator<Item = usize> {
    let mut enough = false;
    std::iter::successors(Some(SHORTEST), |half| Some((half * 4).div_ceil(3))).take_while(move |half| {
        let wanted = !enough;
        enough = 2 * half >= longest;
        wanted
    })
}

/// Of stretches and their strengths the strongest, in that order, whose centres are farther from one another than the half of
/// the longer one over `within`.
pub(super) fn strongest(mut strengths: Vec<(f64, Stretch)>, within: usize) -> Vec<Stretch> {
    strengths.sort_by(|one, other| {
        let place = |stretch: &Stretch| (stretch.centre, stretch.half);
        other.0.total_cmp(&one.0).then(place(&one.1).cmp(&place(&other.1)))
    });
    let mut taken: Vec<(usize, BTreeSet<usize>)> = Vec::new();
    let mut kept = Vec::new();
    for (_, stretch) in strengths {
        let near = |(other, centres): &(usize, BTreeSet<usize>)| {
            let reach = stretch.half.max(*other) / within;
            centres.range(stretch.centre.saturating_sub(reach)..=stretch.centre + reach).next().is_some()
        };
        if taken.iter().any(near) {
            continue;
        }
        match taken.iter_mut().find(|(half, _)| *half == stretch.half) {
            Some((_, centres)) => {
                centres.insert(stretch.centre);
            }
            None => taken.push((stretch.half, BTreeSet::from([stretch.centre]))),
        }
        kept.push(stretch);
    }
    kept
}

/// A gradual transition: the pictures `[start, end)` hold both shots.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Gradual {
    pub(super) kind: SegmentKind,
    pub(super) start: usize,
    pub(super) end: usize,
    /// How clear it is, whatever the options say: how many times each measure fits into its usual limit at least, as a logarithm.
    pub(super) margin: f64,
    /// Of the measure that is nearest to its limit.
    pub(super) evidence: Evidence,
}

/// A measure and what it must be below.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limited {
    metric: &'static str,
    value: f64,
    /// The limit in force.
    limit: f64,
    /// The limit without options.
    usual: f64,
}

impl Limited {
    pub(super) const fn below(metric: &'static str, value: f64, limit: f64) -> Self {
        Self { metric, value, limit, usual: limit }
    }

    /// Where the limit is an option: what it usually is.
    pub(super) const fn usually(self, usual: f64) -> Self {
        Self { usual, ..self }
    }
}

impl Gradual {
    /// One of which all measures are below `leeway` times their limits; the one nearest to its own is the evidence.
    pub(super) fn judged(
        kind: SegmentKind,
        (start, end): (usize, usize),
        measures: impl IntoIterator<Item = Limited>,
        leeway: f64,
    ) -> Option<Self> {
        let mut least: Option<(f64, Limited)> = None;
        let mut margin = f64::INFINITY;
        for measure in measures {
            let Limited { value, limit, usual, .. } = measure;
            if value >= limit * leeway {
                return None;
            }
            let value = value.max(1e-9);
            let spare = limit / value;
            if least.is_none_or(|(least, _)| spare < least) {
                least = Some((spare, measure));
            }
            margin = margin.min((usual / value).ln());
        }
        let (_, Limited { metric, value, limit, .. }) = least?;
        Some(Self { kind, start, end, margin, evidence: evidence(metric, value, limit) })
    }

    /// Whether a picture is in both.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.start < other.end && other.start < self.end
    }
}

/// Of transitions and their strengths the strongest, none nearer than two pictures to another, in order. A part of a
/// transition is one too, and a weaker one.
pub(super) fn apart<T>(mut found: Vec<(f64, T)>, place: impl Fn(&T) -> (usize, usize)) -> Vec<T> {
    found.sort_by(|one, other| other.0.total_cmp(&one.0).then(place(&one.1).0.cmp(&place(&other.1).0)));
    let mut kept: BTreeMap<usize, T> = BTreeMap::new();
    for (_, transition) in found {
        let (start, end) = place(&transition);
        let before = kept.range(..=end + 1).next_back();
        if before.is_none_or(|(_, other)| place(other).1 + 2 <= start) {
            kept.insert(start, transition);
        }
    }
    kept.into_values().collect()
}

/// Dissolves and wipes in order, none overlapping another: what looks like a dissolve within a wipe with a sharp line, or is
/// less clear, is a part of that, and any other wipe that looks like a dissolve in part is one; what is less of a mixture than a
/// dissolve, a wipe with a soft line, counts where there is nothing else. What is compared is how clear they
/// are and not their confidence, which says how often what is told of a type is true and not which of two types it is. What overlaps a
/// push is a part of it.
pub(super) fn find(frames: &[Frame], options: &ShotOptions) -> Vec<Gradual> {
    find_within(frames, options, 1.0)
}

/// The same with limits `leeway` times as wide.
pub(super) fn find_within(frames: &[Frame], options: &ShotOptions, leeway: f64) -> Vec<Gradual> {
    let (Mixtures { mut clear, mut swept }, mut wipes) = std::thread::scope(|scope| {
        let wipes = scope.spawn(|| wipes::find(frames, options, leeway));
        let mixtures = dissolves::find(frames, options, leeway);
        (mixtures, wipes.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    let mut found = pushes::find(frames, options, leeway);
    let no_push = |gradual: &Gradual| !found.iter().any(|push| push.overlaps(gradual));
    wipes.retain(|wipe| no_push(&wipe.gradual));
    clear.retain(no_push);
    wipes.retain(|wipe| {
        clear.iter().filter(|mixture| mixture.overlaps(&wipe.gradual)).all(|mixture| {
            let gradual = &wipe.gradual;
            let holds = gradual.start <= mixture.start && mixture.end <= gradual.end;
            wipe.sharp && (holds || gradual.margin > mixture.margin)
        })
    });
    let apart = |mixture: &Gradual| !wipes.iter().any(|wipe| wipe.gradual.overlaps(mixture));
    found.extend(clear.into_iter().filter(apart));
    found.extend(wipes.into_iter().map(|wipe| wipe.gradual));
    swept.retain(|gradual| !found.iter().any(|other| other.overlaps(gradual)));
    found.append(&mut swept);
    found.sort_by_key(|gradual| gradual.start);
    found
}
