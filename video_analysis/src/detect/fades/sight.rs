//! Plain pictures, and what is seen of others beside them.

use std::ops::Range;

use super::super::blocks::{ROW, distance};
use crate::features::Frame;

/// Contrast below which a picture may be plain: what is left of an ordinary picture at a tenth of its strength.
pub(in super::super) const PLAIN_DEVIATION: f32 = 7.0;
/// Mean luma up to which, or from which on, a plain picture is black or white.
const BLACK_MEAN: f32 = 28.0;
const WHITE_MEAN: f32 = 227.0;
/// Least visibility that a fade must reach, in grey levels.
const MIN_HEIGHT: f64 = 12.0;
/// The same of a title on what is truly black or white; small print is about there.
const MIN_TITLE: f64 = 2.0;
/// The same of what fades to or from another colour: words on a plain ground are about half of that.
const MIN_ELSEWHERE: f64 = 20.0;
/// Visibility over that of the plainest picture up to which nothing is seen.
const INVISIBLE: f64 = 0.75;
/// How much may still be seen of the faintest picture of a fade, in grey levels, when something else follows it.
const FAINT: f64 = 4.0;
/// Largest difference within each colour of what has one colour only, in grey levels.
const UNIFORM: u8 = 6;
/// Blocks that a black bar reaches into at most.
const BAR_ROWS: usize = 2;
const BAR_COLUMNS: usize = 3;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(in super::super) enum Plain {
    Black,
    White,
    /// Another colour, or white between black bars.
    Other,
}

/// Black or white, with little in it at most.
pub(in super::super) fn plain(frame: &Frame) -> Option<Plain> {
    match frame {
        Frame { deviation, .. } if *deviation > PLAIN_DEVIATION => None,
        Frame { mean, .. } if *mean <= BLACK_MEAN => Some(Plain::Black),
        Frame { mean, .. } if *mean >= WHITE_MEAN => Some(Plain::White),
        _ => None,
    }
}

/// What a picture is faded to, or from. Pictures in a row with the same of it are a stretch.
pub(in super::super) fn ground(frame: &Frame) -> Option<Plain> {
    plain(frame).or_else(|| (spread(frame) <= UNIFORM).then_some(Plain::Other))
}

/// The largest difference within each colour of a picture, but for black bars, in grey levels: next to none where it has one colour.
fn spread(frame: &Frame) -> u8 {
    let inside = |bar: u8, blocks: usize| if bar > 0 { blocks } else { 0 };
    let margins = frame.margins;
    let (top, bottom) = (inside(margins.top, BAR_ROWS), inside(margins.bottom, BAR_ROWS));
    let (left, right) = (inside(margins.left, BAR_COLUMNS), inside(margins.right, BAR_COLUMNS));
    let rows = frame.blocks().chunks_exact(ROW).collect::<Vec<_>>();
    let within = rows.get(top..rows.len() - bottom).unwrap_or_default();
    let blocks = within.iter().filter_map(|row| row.get(left..ROW - right)).flatten();
    let (mut least, mut most) = ([u8::MAX; 3], [0; 3]);
    for block in blocks {
        for ((value, least), most) in block.iter().zip(&mut least).zip(&mut most) {
            *least = (*least).min(*value);
            *most = (*most).max(*value);
        }
    }
    least.iter().zip(most).map(|(least, most)| most.saturating_sub(*least)).max().unwrap_or(0)
}

/// What is seen of pictures, next to the plainest of a run.
pub(super) struct Sight<'a> {
    pub(super) ground: Plain,
    blankest: &'a Frame,
    /// What is seen of that picture itself.
    blank: f64,
}

impl<'a> Sight<'a> {
    pub(super) fn of(run: &'a [Frame]) -> Option<Self> {
        let ground = ground(run.first()?)?;
        // Beside black bars, what is whitest has the largest deviation.
        let blankest = match ground {
            Plain::Other => run.iter().min_by_key(|frame| spread(frame)),
            _ => run.iter().min_by(|one, other| one.deviation.total_cmp(&other.deviation)),
        }?;
        let blank = if ground == Plain::Other { 0.0 } else { f64::from(blankest.deviation) };
        Some(Self { ground, blankest, blank })
    }

    pub(super) fn visibility(&self, frame: &Frame) -> f64 {
        // What is blacker than black, or whiter than white, is no more to be seen.
        let brighter = frame.mean - self.blankest.mean;
        match self.ground {
            Plain::Black => f64::from(frame.deviation + brighter.max(0.0)),
            Plain::White => f64::from(frame.deviation + (-brighter).max(0.0)),
            Plain::Other => distance(frame, self.blankest),
        }
    }

    /// The faintest pictures of a fade are plain too: the stretches proper are where nothing is seen at all. Of those that nothing
    /// parts that is to be seen, one.
    pub(super) fn stretches(&self, heights: &[f64]) -> Vec<Range<usize>> {
        let mut stretches: Vec<Range<usize>> = Vec::new();
        let mut parted = true;
        for (at, height) in heights.iter().enumerate() {
            if *height <= self.blank + INVISIBLE {
                match stretches.last_mut().filter(|_| !parted) {
                    Some(last) => last.end = at + 1,
                    None => stretches.push(at..at + 1),
                }
                parted = false;
            }
            parted |= *height >= self.blank + MIN_TITLE;
        }
        stretches
    }

    /// How far in from its end the faintest picture of a run is, while they get fainter and something can still be seen of it.
    pub(super) fn faintest<'b>(&self, inwards: impl Iterator<Item = &'b f64>) -> Option<usize> {
        let mut faintest: Option<(usize, f64)> = None;
        for (at, height) in inwards.enumerate() {
            if faintest.is_some_and(|(_, least)| *height >= least) {
                break;
            }
            faintest = Some((at, *height));
        }
        let (at, height) = faintest?;
        (self.blank + INVISIBLE..=self.blank + FAINT).contains(&height).then_some(at)
    }

    /// What must be seen of a picture that fades, at least: of a title on what is truly black or white little is enough.
    pub(super) fn least(&self) -> f64 {
        match self.ground {
            Plain::Other => MIN_ELSEWHERE,
            _ if self.blank <= INVISIBLE => MIN_TITLE,
            _ => MIN_HEIGHT,
        }
    }
}
