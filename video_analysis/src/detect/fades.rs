//! Fades out to, and in from, black or white.

use crate::features::Frame;
use crate::numeric::{len_to_f64, to_f64};

/// Contrast below which a picture may be plain: what is left of an ordinary picture at a tenth of its strength.
pub(super) const PLAIN_DEVIATION: f32 = 7.0;
/// Mean luma up to which, or from which on, a plain picture is black or white.
const BLACK_MEAN: f32 = 28.0;
const WHITE_MEAN: f32 = 227.0;
/// Least visibility that a fade must reach, in grey levels; title cards on black are about there.
const MIN_HEIGHT: f64 = 12.0;
/// A single step above this share of the whole way is a cut and no fade.
const MAX_STEP: f64 = 0.5;
/// Largest part of the faded picture that does not scale with it: motion inside the fade, but not another picture.
const MAX_MISFIT: f64 = 0.45;

/// How much may still be seen of the faintest picture of a fade, in grey levels, when something else follows it.
const FAINT: f64 = 4.0;

/// A plain stretch `[blank_start, blank_end)` with what leads into and out of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Blank {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) fade_out: Option<Fade>,
    pub(super) fade_in: Option<Fade>,
}

/// The mixed pictures `[start, end)` of a fade.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fade {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Largest single step as a share of the way: what tells it from a cut.
    pub(super) largest_step: f64,
}

impl Fade {
    pub(super) const THRESHOLD: f64 = MAX_STEP;
}

/// Finds every black or white stretch with a fade on at least one side.
pub(super) fn find(frames: &[Frame], min_frames: usize) -> Vec<Blank> {
    let mut blanks = Vec::new();
    let mut at = 0;
    for run in frames.chunk_by(|one, next| plain(one) == plain(next)) {
        let (start, end) = (at, at + run.len());
        at = end;
        if run.first().and_then(plain).is_some() {
            let blank = around(frames, start, end, min_frames);
            blanks.extend(blank.filter(|blank| blank.fade_in.is_some() || blank.fade_out.is_some()));
        }
    }
    blanks
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Plain {
    Black,
    White,
}

/// Pictures in a row with the same of it are a stretch.
pub(super) fn plain(frame: &Frame) -> Option<Plain> {
    match frame {
        Frame { deviation, .. } if *deviation > PLAIN_DEVIATION => None,
        Frame { mean, .. } if *mean <= BLACK_MEAN => Some(Plain::Black),
        Frame { mean, .. } if *mean >= WHITE_MEAN => Some(Plain::White),
        _ => None,
    }
}

/// Looks at both sides of a plain run.
fn around(frames: &[Frame], start: usize, end: usize, min_frames: usize) -> Option<Blank> {
    let run = frames.get(start..end)?;
    let (_, blankest) =
        run.iter().enumerate().min_by(|one, other| one.1.deviation.total_cmp(&other.1.deviation))?;
    let base = blankest.mean;
    // What is blacker than black, or whiter than white, is no more to be seen.
    let sign = if plain(blankest) == Some(Plain::White) { -1.0 } else { 1.0 };
    let visibility = |frame: &Frame| f64::from(frame.deviation + (sign * (frame.mean - base)).max(0.0));
    // The faintest pictures of a fade are plain too: the stretch proper is where nothing is seen at all.
    let blank = f64::from(blankest.deviation);
    let invisible = |frame: &Frame| visibility(frame) <= blank + 0.75;
    let first = start + run.iter().position(invisible)?;
    let last = start + run.iter().rposition(invisible)?;

    let fade = |outwards: &[(usize, &Frame)]| {
        let heights: Vec<f64> = outwards.iter().map(|(_, frame)| visibility(frame)).collect();
        // What goes on brightening slowly may hide where the rise ends.
        [Rise::OverTop, Rise::OverPace].into_iter().find_map(|rise| {
            let steps = climb(&heights, rise)?;
            let (largest_step, height) = steepness(heights.get(..=steps)?)?;
            let scaled = misfit(outwards.get(..=steps)?)?;
            let fades = steps >= min_frames
                && height >= MIN_HEIGHT
                && largest_step < MAX_STEP
                && scaled < MAX_MISFIT
                && !is_flash(&heights, steps);
            let edge = outwards.get(steps)?.0;
            fades.then_some((edge, largest_step))
        })
    };
    let before = |at: usize| -> Vec<_> { frames.iter().enumerate().take(at + 1).rev().collect() };
    let after = |at: usize| -> Vec<_> { frames.iter().enumerate().skip(at).collect() };
    // Where a title or something as dark is there before nothing is seen, what is faintest at that end of the run is next to it.
    let faintest = |inwards: &mut dyn Iterator<Item = (usize, &Frame)>| {
        let mut faintest: Option<(usize, f64)> = None;
        for (at, frame) in inwards {
            let seen = visibility(frame);
            if faintest.is_some_and(|(_, least)| seen >= least) {
                break;
            }
            faintest = Some((at, seen));
        }
        faintest.filter(|(_, seen)| *seen <= blank + FAINT).map(|(at, _)| at)
    };
    let into = |edge: usize, end: usize, largest_step| Fade { start: edge + 1, end, largest_step };
    let fade_out = fade(&before(first)).map(|(edge, step)| into(edge, first, step)).or_else(|| {
        let at = faintest(&mut (start..end).zip(run))?;
        fade(&before(at)).map(|(edge, step)| into(edge, at + 1, step))
    });
    let out_of = |from: usize, edge: usize, largest_step| Fade { start: from, end: edge, largest_step };
    let fade_in = fade(&after(last)).map(|(edge, step)| out_of(last + 1, edge, step)).or_else(|| {
        let at = faintest(&mut (start..end).zip(run).rev())?;
        fade(&after(at)).map(|(edge, step)| out_of(at, edge, step))
    });
    Some(Blank {
        start: fade_out.as_ref().map_or(first, |fade| fade.end),
        end: fade_in.as_ref().map_or(last + 1, |fade| fade.start),
        fade_out,
        fade_in,
    })
}

/// What a picture must be above for visibility to be still rising.
#[derive(Clone, Copy)]
enum Rise {
    /// The last top, by a part of the pace.
    OverTop,
    /// The last top, by that part for each step since: a slow drift after the rise is none.
    OverPace,
}

/// How many steps visibility keeps rising from its first value, at about the pace it began with.
fn climb(heights: &[f64], rise: Rise) -> Option<usize> {
    /// Pictures over which motion may hide the rise.
    const PATIENCE: usize = 3;
    let base = *heights.first()?;
    let mut top = 0;
    let mut previous = base;
    for (step, height) in heights.iter().enumerate().skip(1) {
        let reached = heights.get(top).copied().unwrap_or(base);
        let pace = if top > 0 { (reached - base) / len_to_f64(top) } else { 0.0 };
        // A jump out of a slow rise is a cut to another picture.
        if top >= PATIENCE && height - previous > 6.0 * pace.max(0.5) {
            break;
        }
        let steps = match rise {
            Rise::OverTop => 1,
            Rise::OverPace => step - top,
        };
        if *height > reached + (0.25 * pace).max(0.2) * len_to_f64(steps) {
            top = step;
        } else if step - top >= PATIENCE {
            break;
        }
        previous = *height;
    }
    Some(top)
}

/// Whether what rose is gone right after: a light in the dark, and no picture that stays.
fn is_flash(heights: &[f64], steps: usize) -> bool {
    let at = |step: usize| heights.get(step).copied();
    let (Some(base), Some(top)) = (at(0), at(steps)) else { return false };
    let gone = |step| at(step).is_some_and(|height| height < f64::midpoint(base, top));
    gone(steps + 1) && gone(steps + 2)
}

/// The largest step as a share of the way, and the way.
fn steepness(heights: &[f64]) -> Option<(f64, f64)> {
    let height = heights.last()? - heights.first()?;
    let steps = heights.iter().zip(heights.iter().skip(1)).map(|(one, next)| (next - one).abs());
    (height > 0.0).then(|| (steps.fold(0.0, f64::max) / height, height))
}

/// How far the picture half way is from being the full picture at part of its strength, as a share of its own strength.
fn misfit(outwards: &[(usize, &Frame)]) -> Option<f64> {
    let plain = outwards.first()?.1;
    let full = outwards.last()?.1;
    let middle = outwards.get(outwards.len() / 2)?.1;
    let signed = |frame: &Frame| -> Vec<f64> {
        frame
            .grid
            .iter()
            .zip(plain.grid.iter())
            .map(|(one, base)| to_f64(i64::from(*one) - i64::from(*base)))
            .collect()
    };
    let (full, middle) = (signed(full), signed(middle));
    let dot = |one: &[f64], other: &[f64]| one.iter().zip(other).map(|(one, other)| one * other).sum::<f64>();
    let strength = dot(&middle, &middle);
    let correlation = dot(&full, &middle) / (dot(&full, &full) * strength).sqrt().max(1e-9);
    Some((1.0 - correlation * correlation).max(0.0).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::{Extractor, FRAME_BYTES, WIDTH};

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "all are 0 to 255")]
    fn grey(value: f64) -> u8 {
        value.round() as u8
    }

    /// A picture, moved around by so much, at some strength, 0 to 1.
    fn scene(scene: usize, strength: f64) -> Vec<u8> {
        let value = |at: usize| {
            let (x, y) = ((at / 3 % WIDTH / 3 + 2 * scene) % 16, at / 3 / WIDTH / 3);
            let texture = u8::try_from(40 + (x * x * 37 + y * 59 + x * y * 11) % 200).unwrap();
            grey(f64::from(texture) * strength)
        };
        (0..FRAME_BYTES).map(value).collect()
    }

    fn found(pictures: impl IntoIterator<Item = Vec<u8>>) -> Vec<Blank> {
        let mut extractor = Extractor::default();
        for (pts, picture) in (0..).zip(pictures) {
            extractor.push(pts, &picture);
        }
        find(&extractor.finish().frames.to_vec(), 4)
    }

    fn range(fade: Option<&Fade>) -> Option<(usize, usize)> {
        fade.map(|fade| (fade.start, fade.end))
    }

    /// Strengths from `from` to `to` in equal steps, without the two themselves.
    fn steps(from: f64, to: f64, count: usize) -> impl Iterator<Item = f64> {
        (1..=count).map(move |at| from + (to - from) * len_to_f64(at) / len_to_f64(count + 1))
    }

    #[test]
    fn a_fade_out_of_a_moving_shot_that_darkens_slowly_ends_where_the_shot_does() {
        let shot = (0..30).zip(steps(1.0, 0.7, 30)).map(|(at, strength)| scene(at / 10, strength));
        let fade = steps(0.7, 0.0, 11).map(|strength| scene(2, strength));
        let black = std::iter::repeat_n(scene(2, 0.0), 8);
        let blanks = found(shot.chain(fade).chain(black));
        let fade_out = range(blanks[0].fade_out.as_ref()).unwrap();
        assert!(blanks.len() == 1 && fade_out.0.abs_diff(30) <= 1 && fade_out.1 == 41, "{blanks:?}");
    }

    #[test]
    fn a_grey_picture_that_goes_on_darkening_once_it_is_plain_does_not_fade_in() {
        let shot = std::iter::repeat_n(scene(0, 1.0), 10);
        let darker = steps(120.0, 0.0, 29).map(|value| vec![grey(value); FRAME_BYTES]);
        let black = std::iter::repeat_n(vec![0; FRAME_BYTES], 6);
        let blanks = found(shot.chain(darker).chain(black));
        assert!(
            blanks.len() == 1 && blanks[0].fade_out.is_some() && blanks[0].fade_in.is_none(),
            "{blanks:?}"
        );
    }

    #[test]
    fn a_light_that_flares_up_in_the_dark_and_dies_away_is_no_fade() {
        let dark = || std::iter::repeat_n(scene(0, 0.02), 10);
        let flare = [1.0].into_iter().chain(steps(1.0, 0.02, 6)).map(|strength| scene(0, strength));
        assert_eq!(found(dark().chain(flare).chain(dark())), []);
    }

    #[test]
    fn a_fade_out_ends_where_a_title_cuts_in_that_is_as_dark_as_its_last_picture() {
        let shot = || std::iter::repeat_n(scene(0, 1.0), 10);
        let fade = || steps(1.0, 0.0, 63).map(|strength| scene(0, strength));
        let title = |strength| scene(7, strength);
        let titles = || std::iter::repeat_n(title(0.06), 12).chain(steps(0.06, 0.0, 6).map(title));
        let black = || std::iter::repeat_n(scene(7, 0.0), 8);
        for reversed in [false, true] {
            let mut pictures: Vec<_> = shot().chain(fade()).chain(titles()).chain(black()).collect();
            if reversed {
                pictures.reverse();
            }
            let blanks = found(pictures);
            let fade = if reversed { &blanks[0].fade_in } else { &blanks[0].fade_out };
            let expected = if reversed { (26, 89) } else { (10, 73) };
            assert_eq!(range(fade.as_ref()), Some(expected), "{blanks:?}");
        }
    }
}
