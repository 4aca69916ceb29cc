//! The report does not depend on how the work was split.

use crate::support::{clips, pieces, report};
use video_analysis::{Options, analyze};

#[test]
fn the_report_has_the_same_bytes_for_any_number_of_pieces_and_every_time() {
    let folder = tempfile::tempdir().unwrap();
    for variety in &clips::VARIETIES {
        let clip = variety.make(folder.path());
        let bytes = |count: usize| {
            let report = analyze(&clip, &Options::default(), &pieces(count), &()).unwrap();
            String::from_utf8(report.canonical_json().unwrap()).unwrap()
        };
        let one = bytes(1);
        for count in [1, 2, 3, 7, 16] {
            assert_eq!(bytes(count), one, "{} in {count} pieces", variety.name);
        }
    }
}

#[test]
fn shots_tile_the_film_and_the_digest_proves_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let report = report(&clips::four_scenes(folder.path(), "clip.mkv", "-c:v libx264 -bf 2 -g 24"));
    assert_eq!(report.shots[0].segment.start_frame, Some(0));
    assert_eq!(report.shots.last().unwrap().segment.end_frame, Some(report.frames));
    assert!(report.shots.windows(2).all(|pair| {
        pair[0].segment.end_frame == pair[1].segment.start_frame
            && pair[0].segment.end_pts == pair[1].segment.start_pts
    }));
    assert_eq!(report.computed_digest().unwrap(), report.digest);

    let bytes = report.canonical_json().unwrap();
    let again: video_analysis::Report = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(again, report);
    let changed = video_analysis::Report { frames: report.frames + 1, ..report };
    assert_ne!(changed.computed_digest().unwrap(), changed.digest);
}
