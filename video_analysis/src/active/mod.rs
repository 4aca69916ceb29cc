//! The active area: where the picture is when bars are around it, exact to the pixel.
//!
//! The small pictures tell where bars may be, and since when; few pictures of full size, decoded once more, tell where they
//! end. A stretch of pictures that all have at least so many black lines is looked at, and within it those with more, and so
//! on: bars are in all pictures of their stretch, dark scenes only come on top of them. Where the pictures of full size do
//! not show a sharp and straight edge on both sides, the stretch has the bars of the one around it.
//!
//! What is found belongs to the features: no option changes it.

mod areas;
mod edges;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

pub(crate) use areas::Area;
use areas::{Bars, Painted, areas};
pub(crate) use edges::MIN_STEP;
use edges::{Edges, Side};

use crate::decode::{VideoJob, luma_of_keyframes, luma_of_picture, luma_of_pictures};
use crate::error::Error;
use crate::features::{Frame, Frames, HEIGHT, Margins, Timeline, WIDTH};
use crate::numeric::len_to_f64;
use crate::parallel::side_by_side;

/// A stretch is looked at when it lasts as long, in seconds: shorter ones are dark moments.
const MIN_SECONDS: f64 = 1.0;
/// Mean luma from which on a picture may show an edge.
const MIN_MEAN: f32 = 16.0;
/// Pictures of full size for the whole film, for a stretch within it, and the most for a stretch: one more a minute.
const OF_FILM: usize = 3;
const OF_STRETCH: usize = 2;
const MOST_OF_STRETCH: usize = 4;
/// Pictures of full size altogether: so many, and so many more a minute. Each costs a process, and where it is no keyframe what
/// decoding from that on costs: at 720p 0.08 s of processor time or some 0.2 s, as much as decoding 2 or 5 s of film.
const MOST: usize = 8;
const MOST_PER_MINUTE: usize = 1;
/// Pixels of keyframes that are decoded in the time that another process takes to start (0.15 s, at 10 ns each): several keyframes are
/// decoded by one process where those between them take less than the starts that it saves.
const PIXELS_OF_START: usize = 15_000_000;

/// What the search asks of every picture, which stays in memory: eight bytes.
#[derive(Debug, Clone, Copy)]
struct Look {
    margins: Margins,
    mean: f32,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Axis {
    Rows,
    Columns,
}

impl Axis {
    /// Of something for rows and something for columns, what is for this axis.
    fn of<T>(self, [rows, columns]: [T; 2]) -> T {
        match self {
            Self::Rows => rows,
            Self::Columns => columns,
        }
    }

    /// Black lines of the small picture on both sides; `None` of a black one.
    fn margin(self, margins: Margins) -> Option<u8> {
        match self {
            Self::Rows => margins.rows(),
            Self::Columns => margins.columns(),
        }
    }

    fn lines(self) -> usize {
        self.of([HEIGHT, WIDTH])
    }

    fn sides(self, edges: &Edges) -> [Side; 2] {
        self.of([edges.rows, edges.columns])
    }
}

/// Pictures that all have at least `least` black lines on both sides of an axis.
struct Stretch {
    axis: Axis,
    frames: Range<usize>,
    least: u8,
    whole_film: bool,
}

/// Finds all areas with bars.
pub(crate) fn find(job: &VideoJob<'_>, frames: &Frames) -> Result<Vec<Area>, Error> {
    let size = job.track.size;
    let mut looks = Vec::with_capacity(frames.len());
    let look = |_, frame: &Frame| looks.push(Look { margins: frame.margins, mean: frame.mean });
    frames.reader().each(0..frames.len(), look).map_err(|error| Error::io("features", &error))?;
    let (pts, timeline) = (frames.pts(), Timeline::of(frames.pts(), 0));
    let mut search = Search { job, pts, timeline, looks, size, seen: BTreeMap::new(), left: 0 };
    search.left = MOST + MOST_PER_MINUTE * search.minutes(&(0..frames.len()));
    let [rows, columns] = search.bars()?;
    Ok(areas(&rows, &columns, frames.len(), size))
}

struct Search<'a> {
    job: &'a VideoJob<'a>,
    pts: &'a [i64],
    timeline: Timeline,
    looks: Vec<Look>,
    size: (u32, u32),
    /// What pictures of full size show, by their ordinals.
    seen: BTreeMap<usize, Option<Edges>>,
    /// How many more may be decoded.
    left: usize,
}

impl Search<'_> {
    /// The bars of all pictures, rows and columns.
    fn bars(&mut self) -> Result<[Painted; 2], Error> {
        let mut bars = [Painted::default(), Painted::default()];
        let film = |axis| self.stretch(axis, 0..self.looks.len(), true);
        let mut stretches: Vec<Stretch> = [Axis::Rows, Axis::Columns].into_iter().filter_map(film).collect();
        while !stretches.is_empty() {
            // The longest first, as long as pictures of full size are left.
            stretches.sort_by_key(|stretch| std::cmp::Reverse(stretch.frames.len()));
            let mut inner = Vec::new();
            let open: Vec<&Stretch> =
                stretches.iter().filter(|stretch| !self.is_known(stretch, &bars)).collect();
            let mut chosen: Vec<Vec<usize>> = open.iter().map(|stretch| self.choose(stretch)).collect();
            // Of a stretch within, the brightest first: where it shows no bars, the others would not either.
            let first = |(stretch, chosen): (&&Stretch, &Vec<usize>)| {
                chosen.iter().take(if stretch.whole_film { OF_FILM } else { 1 }).copied().collect::<Vec<_>>()
            };
            self.look_at(open.iter().zip(&chosen).flat_map(first).collect())?;
            for (stretch, chosen) in open.iter().zip(&mut chosen) {
                if !stretch.whole_film && self.agreed(stretch, chosen).is_none() {
                    chosen.clear();
                }
            }
            self.look_at(chosen.iter().flatten().copied().collect())?;
            for (stretch, chosen) in open.iter().zip(&chosen) {
                if let Some(found) = self.agreed(stretch, chosen) {
                    stretch.axis.of(bars.each_mut()).0.push((stretch.frames.clone(), found));
                }
            }
            for stretch in &stretches {
                inner.extend(self.within(stretch));
            }
            stretches = inner;
        }
        Ok(bars)
    }

    /// `None` of black pictures only.
    fn stretch(&self, axis: Axis, frames: Range<usize>, whole_film: bool) -> Option<Stretch> {
        let inside = self.looks.get(frames.clone())?;
        let least = inside.iter().filter_map(|look| axis.margin(look.margins)).min()?;
        Some(Stretch { axis, frames, least, whole_film })
    }

    /// The stretches of more black lines within a stretch that are long enough.
    fn within(&self, outer: &Stretch) -> Vec<Stretch> {
        let more = |look: &Look| outer.axis.margin(look.margins).is_none_or(|lines| lines > outer.least);
        let mut at = outer.frames.start;
        let mut found = Vec::new();
        let inside = self.looks.get(outer.frames.clone()).unwrap_or_default();
        for run in inside.chunk_by(|one, next| more(one) == more(next)) {
            let frames = at..at + run.len();
            at = frames.end;
            if run.first().is_some_and(more) && self.seconds(&frames) >= MIN_SECONDS {
                found.extend(self.stretch(outer.axis, frames, false));
            }
        }
        found
    }

    /// Whether the bars of the stretch around it explain all its black lines: the line that a bar ends in is black or not,
    /// as the picture inside happens to be.
    fn is_known(&self, stretch: &Stretch, bars: &[Painted; 2]) -> bool {
        let size = stretch.axis.of([self.size.1, self.size.0]);
        let lines = |pixels: usize| {
            (pixels * stretch.axis.lines()).div_ceil(usize::try_from(size).unwrap_or(1).max(1))
        };
        let around = stretch.axis.of(bars.each_ref()).at(stretch.frames.start);
        let explained = lines(around.before.min(around.after));
        explained > 0 && usize::from(stretch.least) <= explained
    }

    /// Pictures of a stretch that should show its bars' ends: bright ones, spread over it, the brightest first, and keyframes
    /// where there are some, which are decoded quickly.
    fn choose(&self, stretch: &Stretch) -> Vec<usize> {
        let fits = |at: &usize| {
            self.looks.get(*at).is_some_and(|look| {
                let lines = stretch.axis.margin(look.margins);
                look.mean >= MIN_MEAN
                    && lines.is_some_and(|lines| stretch.whole_film || lines <= stretch.least + 1)
            })
        };
        let is_key = |at: &usize| self.pts.get(*at).is_some_and(|pts| self.job.index.has_keyframe(*pts));
        let keys: Vec<usize> = stretch.frames.clone().filter(is_key).filter(fits).collect();
        let candidates = if keys.is_empty() { stretch.frames.clone().filter(fits).collect() } else { keys };
        let wanted = if stretch.whole_film {
            OF_FILM
        } else {
            (OF_STRETCH + self.minutes(&stretch.frames)).min(MOST_OF_STRETCH)
        };
        let part = candidates.len().div_ceil(wanted).max(1);
        let mean = |at: &usize| self.looks.get(*at).map_or(0.0, |look| look.mean);
        let brightest = |part: &[usize]| {
            // The first of equals.
            part.iter().copied().reduce(|best, next| if mean(&next) > mean(&best) { next } else { best })
        };
        let mut chosen: Vec<usize> = candidates.chunks(part).filter_map(brightest).collect();
        chosen.sort_by(|one, other| mean(other).total_cmp(&mean(one)));
        chosen
    }

    /// Decodes those that have not been seen yet: keyframes near one another by one process, others side by side; all in one pass where
    /// time goes back, and is no help to find them.
    fn look_at(&mut self, chosen: BTreeSet<usize>) -> Result<(), Error> {
        let new = chosen.into_iter().filter(|at| !self.seen.contains_key(at)).take(self.left);
        let new: Vec<usize> = new.collect();
        self.left -= new.len();
        if !self.job.index.backwards.is_empty() {
            self.seen.extend(new.iter().map(|at| (*at, None)));
            return luma_of_pictures(self.job, &new, self.size, |at, luma| {
                self.seen.insert(at, edges(luma, self.size));
            });
        }
        let seen = if let Some(together) = self.together(&new)? {
            together
        } else {
            let look = |number: usize| new.get(number).map_or(Ok(None), |at| self.edges(*at));
            side_by_side(self.job.execution.workers, new.len(), look)?
        };
        self.seen.extend(new.into_iter().zip(seen));
        Ok(())
    }

    /// What pictures show where they are keyframes near one another, which can all be decoded and each have a timestamp of their own.
    fn together(&self, pictures: &[usize]) -> Result<Option<Vec<Option<Edges>>>, Error> {
        let timestamps: Vec<i64> = pictures.iter().filter_map(|at| self.pts.get(*at).copied()).collect();
        let [first, .., last] = timestamps[..] else { return Ok(None) };
        let keyframes = |first, last| self.job.index.keyframes_between(first, last);
        let between = keyframes(first, last).saturating_sub(timestamps.len());
        let [width, height] =
            [self.size.0, self.size.1].map(|side| usize::try_from(side).unwrap_or(usize::MAX));
        let decoded = between.saturating_mul(width).saturating_mul(height);
        let near = decoded <= PIXELS_OF_START * (timestamps.len() - 1);
        if !near || timestamps.iter().any(|pts| keyframes(*pts, *pts) != 1) {
            return Ok(None);
        }
        let mut seen = Vec::with_capacity(pictures.len());
        luma_of_keyframes(self.job, &timestamps, self.size, |luma| seen.push(edges(luma, self.size)))?;
        Ok((seen.len() == pictures.len()).then_some(seen))
    }

    fn edges(&self, at: usize) -> Result<Option<Edges>, Error> {
        let Some(pts) = self.pts.get(at) else { return Ok(None) };
        Ok(luma_of_picture(self.job, *pts, self.size)?.and_then(|luma| edges(&luma, self.size)))
    }

    /// The bars that the pictures of full size show, where none speaks against them.
    fn agreed(&self, stretch: &Stretch, chosen: &[usize]) -> Option<Bars> {
        let seen: Vec<[Side; 2]> = chosen
            .iter()
            .filter_map(|at| self.seen.get(at)?.as_ref())
            .map(|edges| stretch.axis.sides(edges))
            .collect();
        // Of a whole film nothing is known beforehand: most must show it. A stretch has its black lines for it.
        let needed = if stretch.whole_film { seen.len().div_ceil(2) } else { 1 };
        let one = |side: usize| {
            let sides: Vec<Side> = seen.iter().filter_map(|sides| sides.get(side).copied()).collect();
            one_side(&sides, needed.max(1))
        };
        let ((before, one_step), (after, other_step)) = (one(0)?, one(1)?);
        Some(Bars { before, after, step: one_step.min(other_step) })
    }

    fn seconds(&self, frames: &Range<usize>) -> f64 {
        self.job.track.time_base.seconds(self.timeline.lasts(self.pts, frames.clone()))
    }

    fn minutes(&self, frames: &Range<usize>) -> usize {
        let seconds = self.seconds(frames);
        (1..=usize::from(u16::MAX)).take_while(|minute| len_to_f64(*minute) * 60.0 <= seconds).count()
    }
}

fn edges(luma: &[u8], (width, height): (u32, u32)) -> Option<Edges> {
    let [width, height] = [width, height].map(|pixels| usize::try_from(pixels).unwrap_or(usize::MAX));
    Edges::of(luma, width, height)
}

/// The bar that most pictures show on one side, with the step at its end.
fn one_side(sides: &[Side], needed: usize) -> Option<(usize, f64)> {
    /// Lines before its end that a bar may be bright in where compression spilled.
    const SPILL: usize = 2;
    let mut votes: BTreeMap<usize, (usize, f64)> = BTreeMap::new();
    for (bar, step) in sides.iter().filter_map(|side| Some((side.bar?, side.step))) {
        let (count, largest) = votes.entry(bar).or_default();
        *count += 1;
        *largest = largest.max(step);
    }
    // The narrowest of equals.
    let most = |best: (usize, (usize, f64)), next: (usize, (usize, f64))| {
        if next.1.0 > best.1.0 { next } else { best }
    };
    let (bar, (count, step)) = votes.into_iter().reduce(most)?;
    let contradicted = sides.iter().any(|side| side.dark + SPILL < bar);
    (bar > 0 && count >= needed && !contradicted).then_some((bar, step))
}
