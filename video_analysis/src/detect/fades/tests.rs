use super::*;
use crate::features::{Extractor, FRAME_BYTES, WIDTH};
use crate::numeric::len_to_f64;

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
    assert!(blanks.len() == 1 && blanks[0].fade_out.is_some() && blanks[0].fade_in.is_none(), "{blanks:?}");
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
        // The title fades on the other side of it.
        assert_eq!(blanks.len(), 2, "{blanks:?}");
        let fade = if reversed { &blanks[1].fade_in } else { &blanks[0].fade_out };
        let expected = if reversed { (26, 89) } else { (10, 73) };
        assert_eq!(range(fade.as_ref()), Some(expected), "{blanks:?}");
    }
}

/// A word of some brightness on a plain ground, so many rows up.
fn word(ground: u8, brightness: u8, rows: usize) -> Vec<u8> {
    let value = |at: usize| {
        let (x, y) = (at / 3 % WIDTH, at / 3 / WIDTH + rows);
        if (12..36).contains(&x) && (26..30).contains(&y) { brightness } else { ground }
    };
    (0..FRAME_BYTES).map(value).collect()
}

fn black(pictures: usize) -> impl Iterator<Item = Vec<u8>> {
    std::iter::repeat_n(vec![0; FRAME_BYTES], pictures)
}

#[test]
fn a_word_that_is_there_at_once_after_a_fade_out_ends_the_black_stretch() {
    let shot = || {
        std::iter::repeat_n(scene(0, 1.0), 10).chain(steps(1.0, 0.0, 9).map(|strength| scene(0, strength)))
    };
    let held = std::iter::repeat_n(word(0, 160, 14), 20);
    let blanks = found(shot().chain(black(6)).chain(held));
    assert_eq!((blanks.len(), blanks[0].end), (1, 25));
    assert!(blanks[0].title.is_some_and(|title| title.margin() > 0.0), "{blanks:?}");
    // A flash in the dark does not stay.
    let flash = std::iter::repeat_n(word(0, 160, 14), 3);
    let blanks = found(shot().chain(black(6)).chain(flash).chain(black(20)));
    assert!(blanks.iter().all(|blank| blank.title.is_none()), "{blanks:?}");
}

#[test]
fn small_words_fade_in_and_out_on_black_and_what_scrolls_in_does_not() {
    let brightness = |strength: f64| word(0, grey(24.0 * strength), 14);
    let fading = steps(0.0, 1.0, 11).map(brightness).chain(std::iter::repeat_n(brightness(1.0), 20));
    let fading = fading.chain(steps(1.0, 0.0, 11).map(brightness));
    let blanks = found(black(8).chain(fading).chain(black(8)));
    let ranges: Vec<_> =
        blanks.iter().map(|blank| (range(blank.fade_out.as_ref()), range(blank.fade_in.as_ref()))).collect();
    let (Some((_, Some(fade_in))), Some((Some(fade_out), _))) = (ranges.first(), ranges.last()) else {
        panic!("{blanks:?}")
    };
    assert!(blanks.len() == 2 && fade_in.0.abs_diff(8) <= 3 && fade_in.1.abs_diff(19) <= 2, "{blanks:?}");
    assert!(fade_out.0.abs_diff(39) <= 2 && fade_out.1.abs_diff(50) <= 3, "{blanks:?}");

    let scrolling = (0..26).map(|rows| word(0, 200, rows));
    assert_eq!(found(black(8).chain(scrolling)), []);
}

#[test]
fn a_light_that_blinds_and_goes_out_again_is_no_fade_and_white_between_two_shots_is() {
    let white = |of: usize, strength: f64| -> Vec<u8> {
        scene(of, 1.0).iter().map(|value| grey(255.0 - (255.0 - f64::from(*value)) * strength)).collect()
    };
    for (next, expected) in [(0, 0), (7, 1)] {
        let out = std::iter::repeat_n(white(0, 1.0), 10)
            .chain(steps(1.0, 0.0, 11).map(|strength| white(0, strength)));
        let back = steps(0.0, 1.0, 11).map(|strength| white(next, strength));
        let back = std::iter::repeat_n(white(0, 0.0), 4)
            .chain(back)
            .chain(std::iter::repeat_n(white(next, 1.0), 10));
        assert_eq!(found(out.chain(back)).len(), expected);
    }
}

#[test]
fn a_shot_fades_through_grey_or_white_to_another_also_between_bars() {
    // Of a slow fade several pictures are nearly plain. Between bars, the whitest of them has the most contrast.
    for (bars, ground, slowly) in [(0, 130.0, 1), (3, 130.0, 1), (3, 255.0, 6)] {
        let mixed = |of: usize, strength: f64| -> Vec<u8> {
            let picture = scene(of, 1.0);
            let values = picture.iter().enumerate().map(|(at, value)| {
                let row = at / 3 / WIDTH;
                let inside = (bars..FRAME_BYTES / 3 / WIDTH - bars).contains(&row);
                if inside { grey(ground + (f64::from(*value) - ground) * strength) } else { 0 }
            });
            values.collect()
        };
        let out = std::iter::repeat_n(mixed(0, 1.0), 10)
            .chain(steps(1.0, 0.0, 9 * slowly).map(|strength| mixed(0, strength)));
        let grounds = std::iter::repeat_n(mixed(0, 0.0), 3);
        let into = steps(0.0, 1.0, 14 * slowly).map(|strength| mixed(7, strength));
        let blanks = found(out.chain(grounds).chain(into).chain(std::iter::repeat_n(mixed(7, 1.0), 20)));
        assert_eq!(blanks.len(), 1, "{blanks:?}");
        let (fade_out, fade_in) =
            (range(blanks[0].fade_out.as_ref()).unwrap(), range(blanks[0].fade_in.as_ref()).unwrap());
        let end = 10 + 9 * slowly;
        assert!(fade_out.0.abs_diff(10) <= 1 && fade_out.1.abs_diff(end) <= 1, "{blanks:?}");
        assert!(
            fade_in.0.abs_diff(end + 3) <= 1 && fade_in.1.abs_diff(end + 3 + 14 * slowly) <= 1,
            "{blanks:?}"
        );
    }
}
