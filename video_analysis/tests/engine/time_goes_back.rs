//! Films whose time goes back, as transport streams that were joined: what is found in them is what is there, as often as it is.

use std::path::{Path, PathBuf};

use crate::support::{clips, frames, pieces, report, seconds, starts};
use video_analysis::export::{ExportError, Format, Media, export};
use video_analysis::report::{DamageKind, Report, Segment};
use video_analysis::{Execution, Options, StoryboardOptions, analyze, poster_jpeg, storyboard};

/// Four scenes between bars, the last half second black, with a tone that is silent at the end.
fn scenes(folder: &Path, name: &str, more: &str) -> Vec<u8> {
    let pictures = clips::scenes("320x180");
    let graph = format!(
        "{pictures},drawbox=y=0:h=30:c=black:t=fill,drawbox=y=150:h=30:c=black:t=fill,\
         drawbox=c=black:t=fill:enable=gte(n\\,88);sine=d=4:r=48000,volume=0:enable=gte(t\\,3.4)"
    );
    let arguments = format!("-filter_complex {graph} -c:v libx264 -bf 2 -g 24 -c:a mp2 {more}");
    std::fs::read(clips::make(folder, name, &arguments)).unwrap()
}

/// Twenty seconds late, and then from the beginning.
fn film(folder: &Path) -> PathBuf {
    let late = scenes(folder, "late.ts", "-output_ts_offset 20");
    let path = folder.join("film.ts");
    std::fs::write(&path, [late, scenes(folder, "early.ts", "")].concat()).unwrap();
    path
}

fn lengths(segments: &[Segment]) -> Vec<(u64, u64)> {
    segments.iter().map(frames).collect()
}

fn near(one: f64, other: f64) -> bool {
    (one - other).abs() < 0.001
}

#[test]
fn everything_is_found_twice_and_at_the_times_that_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let film = film(folder.path());
    let found = report(&film);
    assert_eq!(found.frames, 200);
    let once = [0, 30, 37, 82, 88];
    assert_eq!(starts(&found), once.into_iter().chain(once.map(|start| start + 100)).collect::<Vec<_>>());
    // The second time each of them twenty seconds earlier, by what the muxer makes of that.
    let times: Vec<f64> = found.shots.iter().map(|shot| seconds(&shot.segment).0).collect();
    let back = times[5] - times[0];
    assert!((-20.1..-19.9).contains(&back), "{times:?}");
    for (shot, start) in [(0, 0.0), (1, 1.2), (2, 1.48), (3, 3.28), (4, 3.52)] {
        let at = times[0] + start;
        assert!(near(times[shot], at) && near(times[shot + 5], at + back), "{times:?}");
    }
    // The black end of the first part ends where that part does.
    assert_eq!(lengths(&found.black), [(88, 100), (188, 200)]);
    let (start, end) = seconds(&found.black[0]);
    assert!(near(end - start, 0.48), "{start} {end}");
    let [area] = &found.active_area[..] else { panic!("{:?}", found.active_area) };
    assert_eq!((frames(&area.segment), area.active.y, area.active.height), ((0, 200), 30, 120));
    let pictures = found.detectors.iter().find(|run| run.name == "shots").unwrap();
    assert!(near(pictures.coverage.as_ref().unwrap().seconds, 8.0), "{pictures:?}");
}

#[test]
fn sound_goes_back_once() {
    let folder = tempfile::tempdir().unwrap();
    let found = report(&film(folder.path()));
    let sound = &found.damage[1];
    let kinds: Vec<_> = sound.ranges.iter().map(|range| (range.kind, range.count)).collect();
    assert_eq!(kinds, [(DamageKind::Backwards, 1)]);
    let range = &sound.ranges[0];
    assert!((range.end_seconds - range.start_seconds - 24.0).abs() < 0.1, "{range:?}");
    assert_eq!(found.silence.len(), 2);
}

#[test]
fn the_report_does_not_depend_on_how_the_work_was_split() {
    let folder = tempfile::tempdir().unwrap();
    let film = film(folder.path());
    let split = |count| analyze(&film, &Options::default(), &pieces(count), &()).unwrap();
    let one = split(1);
    assert!([2, 7].into_iter().all(|count| split(count) == one));
}

#[test]
fn the_poster_is_the_picture_of_its_ordinal() {
    let folder = tempfile::tempdir().unwrap();
    // Both parts have the same times, and not the same pictures.
    let red =
        clips::make(folder.path(), "red.ts", "-f lavfi -i color=red:s=64x36:d=2,format=yuv420p -c:v libx264");
    let film = folder.path().join("twice.ts");
    let bytes = [std::fs::read(red).unwrap(), scenes(folder.path(), "scenes.ts", "")].concat();
    std::fs::write(&film, bytes).unwrap();
    let mut found = report(&film);
    let jpeg = |report: &Report| poster_jpeg(&film, report, &Execution::default(), &()).unwrap();
    // The same time as the tenth picture, which is red.
    let poster = found.poster.as_mut().unwrap();
    poster.frame = 70;
    let of_scenes = jpeg(&found);
    found.poster.as_mut().unwrap().frame = 10;
    assert_ne!(of_scenes, jpeg(&found));
}

#[test]
fn what_needs_times_in_order_is_refused_with_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let film = film(folder.path());
    let found = report(&film);
    let media = Media { name: "film.ts".to_owned(), url: None };
    for format in Format::ALL {
        let refused = !matches!(format, Format::Csv | Format::QpFile);
        let error = export(&found, format, &media).err();
        assert_eq!(error, refused.then_some(ExportError::TimeGoesBack), "{format:?}");
    }
    let error = storyboard(&film, &found, &StoryboardOptions::default(), &Execution::default(), &());
    assert_eq!(error.unwrap_err().code(), "undecodable");
}
