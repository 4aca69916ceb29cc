//! A report is proved by its film, or refuted.

use crate::support::{self, clips, pieces};
use video_analysis::report::OpenedBy;
use video_analysis::{BlackOptions, Execution, Options, SilenceOptions, analyze, verify};

#[test]
fn a_film_proves_its_report_in_any_number_of_pieces_and_with_the_options_of_the_report() {
    let folder = tempfile::tempdir().unwrap();
    let film = clips::four_scenes(folder.path(), "film.mp4", "-c:v libx264 -g 12");
    let options = Options {
        black: BlackOptions { min_coverage: 0.5, min_seconds: 0.0, ..BlackOptions::default() },
        silence: SilenceOptions { threshold_dbfs: -30.0, ..SilenceOptions::default() },
        ..Options::default()
    };
    let report = analyze(&film, &options, &Execution::default(), &()).unwrap();
    assert_eq!(report.options().unwrap(), options);
    for count in [1, 7] {
        assert_eq!(verify(&film, &report, &pieces(count), &()).unwrap(), []);
    }
}

#[test]
fn whatever_was_changed_in_a_report_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let film = clips::four_scenes(folder.path(), "film.mp4", "-c:v libx264 -g 12");
    let report = support::report(&film);
    let changed = |change: &dyn Fn(&mut video_analysis::Report)| {
        let mut changed = report.clone();
        change(&mut changed);
        let found = verify(&film, &changed, &pieces(3), &()).unwrap();
        found.into_iter().map(|difference| difference.pointer).collect::<Vec<_>>()
    };
    assert_eq!(changed(&|report| report.shots[1].opened_by = OpenedBy::Fade), ["/shots/1/opened_by"]);
    assert_eq!(changed(&|report| report.digest.push('0')), ["/digest"]);
    assert_eq!(changed(&|report| report.shots.truncate(3)), ["/shots/3"]);
}

#[test]
fn another_film_is_told_by_its_digest() {
    let folder = tempfile::tempdir().unwrap();
    let [one, other] = ["red", "blue"].map(|color| {
        clips::make(
            folder.path(),
            &format!("{color}.mkv"),
            &format!("-f lavfi -i color={color}:s=64x36:d=1 -c:v libx264"),
        )
    });
    let found = verify(&other, &support::report(&one), &Execution::default(), &()).unwrap();
    assert!(found.iter().any(|difference| difference.pointer == "/input/sha256"));
}
