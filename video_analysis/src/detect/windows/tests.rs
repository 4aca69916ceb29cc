//! Windows find what is found in the whole film.

use super::*;
use crate::execution::Execution;
use crate::features::{Extractor, FRAME_BYTES, Room};

/// Numbers that are always the same.
struct Random(u32);

impl Random {
    fn below(&mut self, limit: u32) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) % limit
    }
}

/// A scene: patches of random colours.
fn scene(random: &mut Random) -> Vec<u8> {
    let patches: Vec<u8> = (0..6 * 4 * 3).map(|_| u8::try_from(40 + random.below(190)).unwrap()).collect();
    let color = |at: usize| {
        let (x, y, color) = (at / 3 % 48 / 8, at / 3 / 48 / 7, at % 3);
        patches[(y * 6 + x) * 3 + color]
    };
    (0..FRAME_BYTES).map(color).collect()
}

fn mixed(one: &[u8], other: &[u8], part: u32, all: u32) -> Vec<u8> {
    let mix = |(one, other): (&u8, &u8)| {
        u8::try_from((u32::from(*one) * (all - part) + u32::from(*other) * part) / all).unwrap()
    };
    one.iter().zip(other).map(mix).collect()
}

/// Scenes with cuts, dissolves, flashes, and fades to black or white that may last, all of it noisy.
fn film(seed: u32) -> Frames {
    let mut random = Random(seed);
    let mut pictures: Vec<Vec<u8>> = Vec::new();
    let mut before = scene(&mut random);
    while pictures.len() < 2500 {
        let after = scene(&mut random);
        pictures.extend(std::iter::repeat_n(before.clone(), usize::try_from(4 + random.below(40)).unwrap()));
        let length = 4 + random.below(12);
        match random.below(8) {
            0..3 => {}
            3..6 => pictures.extend((1..length).map(|part| mixed(&before, &after, part, length))),
            6 => pictures.push(vec![250; FRAME_BYTES]),
            _ => {
                let plain = vec![[2, 253][usize::try_from(random.below(2)).unwrap()]; FRAME_BYTES];
                let lasting = [1, 30, 700][usize::try_from(random.below(3)).unwrap()];
                pictures.extend((1..length).map(|part| mixed(&before, &plain, part, length)));
                pictures.extend(std::iter::repeat_n(plain.clone(), lasting));
                pictures.extend((1..length).map(|part| mixed(&plain, &after, part, length)));
            }
        }
        before = after;
    }
    let execution = Execution { pictures_in_memory: 20, ..Execution::default() };
    let room = Room::new(&execution);
    let mut extractor = Extractor::default();
    for (pts, picture) in (0..).zip(pictures) {
        let noisy: Vec<u8> = picture
            .iter()
            .map(|value| value.saturating_add(u8::try_from(random.below(3)).unwrap()))
            .collect();
        extractor.push(pts, &noisy);
        extractor.settle(&room).unwrap();
    }
    extractor.finish().frames
}

/// Both ends of a film, and cores that are small and larger than films; even, as what is tried in steps of two asks for.
const CORES: [usize; 4] = [18, 64, 1000, 10_000];

#[test]
fn windows_of_any_size_find_what_is_found_in_the_whole_film() {
    let options = ShotOptions { max_dissolve_frames: 16, ..ShotOptions::default() };
    let mut counts = [0; 3];
    for seed in 0..4 {
        let frames = film(seed);
        let whole = frames.to_vec();
        let expected =
            (cuts::find(&whole, &options), gradual::find(&whole, &options), fades::find(&whole, 3));
        for core in CORES {
            let cuts = local(&frames, core, CUT_REACH, |frames| cuts::find(frames, &options)).unwrap();
            assert_eq!(cuts, expected.0, "seed {seed}, core {core}");
            assert_eq!(graduals_by(&frames, &options, core).unwrap(), expected.1, "seed {seed}, core {core}");
            assert_eq!(blanks_by(&frames, 3, core, 60).unwrap(), expected.2, "seed {seed}, core {core}");
        }
        counts = [counts[0] + expected.0.len(), counts[1] + expected.1.len(), counts[2] + expected.2.len()];
    }
    assert!(counts[0] > 50 && counts[1] > 50 && counts[2] > 15, "{counts:?}");
}

#[test]
fn what_is_near_a_picture_is_the_same_as_in_the_whole_film() {
    let frames = film(9);
    let whole = frames.to_vec();
    let options = ShotOptions::default();
    for at in (0..whole.len()).step_by(7) {
        let rules = near(&frames, at, CUT_REACH, |frames, at| cuts::rules(frames, at, &options)).unwrap();
        assert_eq!(rules, cuts::rules(&whole, at, &options), "{at}");
    }
}

#[test]
fn of_a_plain_stretch_that_fills_the_film_little_is_in_memory() {
    let mut window = Window { core: 10, reach: 8, ..Window::default() };
    let mut extractor = Extractor::default();
    let mut dark = Random(1);
    let mut pictures: Vec<Vec<u8>> =
        (0..300).map(|_| (0..FRAME_BYTES).map(|_| u8::try_from(dark.below(4)).unwrap()).collect()).collect();
    pictures[150] = vec![1; FRAME_BYTES];
    (0..).zip(&pictures).for_each(|(pts, picture)| extractor.push(pts, picture));
    for (at, frame) in extractor.finish().frames.to_vec().iter().enumerate() {
        window.push(at, frame);
        assert!(window.frames.len() <= 4 * window.reach);
    }
    assert_eq!((&window.ordinals[..8], window.ordinals[8]), (&[0, 1, 2, 3, 4, 5, 6, 7][..], 150));
    assert_eq!(window.ordinals.last(), Some(&299));
    assert!(window.ordinals.is_sorted() && window.end.is_none());
    assert!(
        window.ordinals.iter().zip(&window.frames).all(|(at, frame)| i64::try_from(*at) == Ok(frame.pts))
    );
}
