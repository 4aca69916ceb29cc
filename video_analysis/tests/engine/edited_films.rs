//! What edited films have and joined shots seldom: transitions right beside other changes, and what looks like one.

use crate::support::joined::{RENUMBER, from_sample};
use crate::support::{report, starts};
use video_analysis::report::OpenedBy;

#[test]
fn a_cut_with_another_cut_two_or_three_pictures_away_is_found() {
    let folder = tempfile::tempdir().unwrap();
    for short in [2, 3, 4] {
        let graph = format!("[a][c][b]concat=n=3,{RENUMBER}");
        let name = format!("short_{short}.mkv");
        let report =
            report(&from_sample(folder.path(), &name, [40, 40, short, 0], &graph, "-c:v libx264 -crf 20"));
        let short = u64::from(short);
        assert_eq!(starts(&report), [0, 40, 40 + short], "{short}");
    }
}

#[test]
fn two_black_pictures_between_shots_are_a_part_of_the_cut() {
    let folder = tempfile::tempdir().unwrap();
    for black in [1, 2, 3] {
        let graph = format!(
            "color=black:s=320x180:r=24,trim=end_frame={black},{RENUMBER}[black];[a][black][b]concat=n=3,{RENUMBER}"
        );
        let name = format!("black_{black}.mkv");
        let report =
            report(&from_sample(folder.path(), &name, [40, 40, 0, 0], &graph, "-c:v libx264 -crf 20"));
        let expected = if black > 2 { vec![0, 40, 43] } else { vec![0, 40 + black] };
        assert_eq!(starts(&report), expected, "{black}");
        assert!(report.shots.iter().skip(1).all(|shot| shot.opened_by == OpenedBy::Cut), "{black}");
    }
}

#[test]
fn a_film_whose_first_picture_is_black_is_cut_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let graph =
        format!("color=black:s=320x180:r=24,trim=end_frame=1,{RENUMBER}[black];[black][a]concat,{RENUMBER}");
    let clip = from_sample(folder.path(), "black_first.mkv", [40, 0, 0, 0], &graph, "-c:v libx264");
    assert_eq!(starts(&report(&clip)), [0, 1]);
}
