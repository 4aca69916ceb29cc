//! Shots, fades and black ranges at known frames.

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::{clips, detector, frames, report, sample, starts};
use video_analysis::report::{DetectorStatus, OpenedBy, SegmentKind};
use video_analysis::{Execution, Options, Rational, ShotOptions, analyze};

#[test]
fn cuts_between_scenes_are_found_to_the_frame_also_around_a_short_one() {
    let folder = tempfile::tempdir().unwrap();
    for codec in ["-c:v libx264 -bf 3 -crf 18", "-c:v libx264 -crf 38", "-c:v mpeg2video -q:v 12"] {
        let report = report(&clips::four_scenes(folder.path(), "cuts.mkv", codec));
        assert_eq!(starts(&report), [0, 30, 37, 82], "{codec}");
        assert!(report.shots.iter().skip(1).all(|shot| shot.opened_by == OpenedBy::Cut));
        assert_eq!(report.frames, 100);
        assert!(report.transitions.is_empty() && report.black.is_empty());
    }
}

#[test]
fn timestamps_follow_the_pictures_at_a_variable_rate() {
    let folder = tempfile::tempdir().unwrap();
    // Every third picture of the first scene is missing, the time of the others stays.
    let graph = format!("{},select=gt(n\\,29)+mod(n\\,3)", clips::scenes("320x180"));
    let clip = clips::make(
        folder.path(),
        "vfr.mp4",
        &format!("-filter_complex {graph} -fps_mode vfr -c:v libx264 -video_track_timescale 90000"),
    );
    let report = report(&clip);
    assert_eq!(report.frames, 90);
    assert_eq!(starts(&report), [0, 20, 27, 72]);
    let second = &report.shots[1].segment;
    assert_eq!((second.start_pts, second.time_base), (30 * 3600, Rational { num: 1, den: 90_000 }));
    assert!((second.start_seconds - 1.2).abs() < 1e-6);
}

#[test]
fn a_flash_of_two_frames_is_no_cut() {
    let folder = tempfile::tempdir().unwrap();
    let flash = "mandelbrot=s=320x180:r=25,trim=end_frame=80,format=yuv420p,\
                 lutyuv=y=val+90:enable='between(n\\,40\\,41)'"
        .replace('\'', "");
    let clip = clips::make(folder.path(), "flash.mp4", &format!("-filter_complex {flash} -c:v libx264"));
    assert_eq!(starts(&report(&clip)), [0]);
}

#[test]
fn a_fade_out_black_and_a_fade_in_are_two_ranges_and_one_opening() {
    let folder = tempfile::tempdir().unwrap();
    // Fade out over frames 40 to 59, black up to 84, fade in over 85 to 104.
    let graph = "testsrc2=s=320x180:r=25,trim=end_frame=60,fade=out:40:20,format=yuv420p[a];\
                 color=black:s=320x180:r=25,trim=end_frame=25,format=yuv420p[b];\
                 mandelbrot=s=320x180:r=25,trim=end_frame=60,fade=in:0:20,format=yuv420p[c];[a][b][c]concat=n=3";
    let report =
        report(&clips::make(folder.path(), "fades.mp4", &format!("-filter_complex {graph} -c:v libx264")));
    assert_eq!(report.shots.len(), 2);
    let opening = &report.shots[1];
    assert_eq!(opening.opened_by, OpenedBy::Fade);
    assert!((85..=87).contains(&opening.segment.start_frame.unwrap()), "{opening:?}");

    let kinds: Vec<_> = report.transitions.iter().map(|fade| fade.kind).collect();
    assert_eq!(kinds, [SegmentKind::FadeOut, SegmentKind::FadeIn]);
    let near = |(start, end): (u64, u64), expected: (u64, u64)| {
        start.abs_diff(expected.0) <= 2 && end.abs_diff(expected.1) <= 2
    };
    assert!(near(frames(&report.transitions[0]), (41, 59)), "{:?}", report.transitions[0]);
    assert!(near(frames(&report.transitions[1]), (86, 105)), "{:?}", report.transitions[1]);
}

#[test]
fn black_between_pictures_is_found_to_the_frame() {
    let folder = tempfile::tempdir().unwrap();
    let graph = "testsrc2=s=320x180:r=25,trim=end_frame=30,format=yuv420p[a];\
                 color=black:s=320x180:r=25,trim=end_frame=25,format=yuv420p[b];\
                 testsrc2=s=320x180:r=25,trim=end_frame=30,format=yuv420p[c];\
                 color=black:s=320x180:r=25,trim=end_frame=4,format=yuv420p[d];\
                 mandelbrot=s=320x180:r=25,trim=end_frame=30,format=yuv420p[e];[a][b][c][d][e]concat=n=5";
    let report =
        report(&clips::make(folder.path(), "black.mp4", &format!("-filter_complex {graph} -c:v libx264")));
    // The second stretch lasts 0.16 s, less than the shortest that is reported.
    assert_eq!(report.black.len(), 1);
    let black = &report.black[0];
    assert_eq!(frames(black), (30, 55));
    assert_eq!((black.start_seconds, black.end_seconds), (1.2, 2.2));
    assert!(black.confidence > 0.9);
    assert_eq!(starts(&report), [0, 30, 55, 85, 89]);
}

#[test]
fn a_film_without_sound_skips_the_audio_detectors_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let report = report(&clips::four_scenes(folder.path(), "silent.mp4", "-c:v libx264"));
    assert!(report.loudness.is_none() && report.silence.is_empty());
    for name in ["silence", "loudness"] {
        let run = detector(&report, name);
        assert_eq!(run.status, DetectorStatus::Skipped);
        assert_eq!(run.skipped_reason.as_deref(), Some("the file has no audio stream"));
        assert!(run.coverage.is_none());
    }
    let coverage = detector(&report, "shots").coverage.as_ref().unwrap();
    assert_eq!((coverage.frames, coverage.seconds, coverage.damaged), (Some(100), 4.0, false));
}

#[test]
fn nothing_but_black_still_has_a_poster_and_one_shot() {
    let folder = tempfile::tempdir().unwrap();
    let clip =
        clips::make(folder.path(), "black.mp4", "-f lavfi -i color=black:s=64x36:r=25:d=1 -c:v libx264");
    let report = report(&clip);
    assert_eq!((starts(&report), frames(&report.black[0])), (vec![0], (0, 25)));
    assert!(report.poster.is_some());
}

#[test]
fn the_samples_cuts_are_the_labelled_ones() {
    // The excerpt begins with frame 6912 of the labelled film.
    let labelled = [7013, 7093, 7131, 7325, 7400, 7500, 7546, 7613].map(|frame| frame - 6912);
    let report = report(&sample());
    let cuts: Vec<u64> = report
        .shots
        .iter()
        .filter(|shot| shot.opened_by == OpenedBy::Cut)
        .filter_map(|shot| shot.segment.start_frame)
        .collect();
    assert_eq!(cuts, labelled);
    let kinds: Vec<_> = report.transitions.iter().map(|fade| fade.kind).collect();
    assert_eq!(kinds, [SegmentKind::FadeOut, SegmentKind::FadeIn]);
    let poster = report.poster.unwrap().frame;
    assert!(!report.black.iter().any(|black| (frames(black).0..frames(black).1).contains(&poster)));
}

#[test]
fn looser_options_tell_more_with_less_confidence_and_leave_that_of_what_is_clear() {
    let folder = tempfile::tempdir().unwrap();
    // Its every eighth picture: what moves looks more like cuts.
    let fast =
        format!("-i {} -an -vf framestep=8,settb=1/24,setpts=N,fps=24 -c:v libx264", sample().display());
    let films = [sample(), clips::make(folder.path(), "fast.mp4", &fast)];
    let shots = ShotOptions { min_change: 1.0, min_contrast: 0.5, ..ShotOptions::default() };
    let looser_options = Options { shots, ..Options::default() };
    let cuts = |film: &Path, options: &Options| -> BTreeMap<u64, f64> {
        let report = analyze(film, options, &Execution::default(), &()).unwrap();
        let cuts = report.shots.iter().filter(|shot| shot.opened_by == OpenedBy::Cut);
        cuts.map(|shot| (shot.segment.start_frame.unwrap(), shot.segment.confidence)).collect()
    };
    let [usual, fast] = [&films[0], &films[1]].map(|film| cuts(film, &Options::default()));
    // One of eight is a cut out of fast motion.
    assert_eq!((usual.len(), usual.values().filter(|sure| **sure > 0.99).count()), (8, 7), "{usual:?}");
    let mut more = Vec::new();
    for (film, usual) in films.iter().zip([usual, fast]) {
        let looser = cuts(film, &looser_options);
        assert!(usual.iter().all(|(frame, sure)| looser.get(frame) == Some(sure)), "{looser:?}");
        more.extend(looser.into_iter().filter(|(frame, _)| !usual.contains_key(frame)));
    }
    assert!(more.len() > 3 && more.iter().all(|(_, sure)| *sure < 0.1), "{more:?}");
}
