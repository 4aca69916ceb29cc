//! Where features are kept while a film is analysed does not matter to what is found, and nothing is left of them.

use std::path::{Path, PathBuf};

use crate::support::{clips, pieces, sample};
use video_analysis::explain::explain;
use video_analysis::{ErrorKind, Execution, FeatureCache, Options, analyze, analyze_with_curves};

/// A film that every detector of pictures finds something in.
fn film(folder: &Path) -> PathBuf {
    let graph = "testsrc2=s=320x180:r=25,trim=end_frame=60[a];mandelbrot=s=320x180:r=25,trim=end_frame=70[b];\
                 [a][b]xfade=duration=0.6:offset=1.6,fade=out:st=3.4:d=0.6,trim=end_frame=101[c];\
                 color=black:s=320x180:r=25,trim=end_frame=40[d];color=white:s=320x180:r=25,trim=end_frame=30[e];\
                 rgbtestsrc=s=320x180:r=25,trim=end_frame=60[f];\
                 testsrc2=s=320x130:r=25,trim=end_frame=60,pad=320:180:0:25[g];[c][d][e][f][g]concat=n=5";
    clips::make(
        folder,
        "film.mp4",
        &format!("-filter_complex {graph},format=yuv420p -c:v libx264 -g 12 -bf 2 -threads 1"),
    )
}

fn kept(pictures_in_memory: usize, temporary: &Path, count: usize) -> Execution {
    Execution { pictures_in_memory, temporary: temporary.to_owned(), ..pieces(count) }
}

/// The report's bytes and those of the curves.
fn bytes(input: &Path, execution: &Execution) -> (String, String) {
    let (report, curves) = analyze_with_curves(input, &Options::default(), execution, &()).unwrap();
    let [report, curves] = [report.canonical_json(), curves.canonical_json()];
    (String::from_utf8(report.unwrap()).unwrap(), String::from_utf8(curves.unwrap()).unwrap())
}

fn entries(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

#[test]
fn reports_and_curves_are_the_same_bytes_from_memory_and_from_disk() {
    let folder = tempfile::tempdir().unwrap();
    let temporary = tempfile::tempdir().unwrap();
    for input in [film(folder.path()), sample()] {
        let expected = bytes(&input, &pieces(1));
        if input != sample() {
            for list in ["transitions", "black", "plain", "freezes", "active_area"] {
                assert!(!expected.0.contains(&format!("\"{list}\":[]")), "no {list}: {}", expected.0);
            }
        }
        for (pictures, count) in [(0, 1), (1, 3), (50, 1), (50, 4), (300, 2), (100_000, 3)] {
            let found = bytes(&input, &kept(pictures, temporary.path(), count));
            assert_eq!(found, expected, "{pictures} pictures in memory, {count} pieces");
        }
    }
    assert_eq!(entries(temporary.path()), 0);
}

#[test]
fn kept_features_are_written_from_disk_and_read_to_disk() {
    let folder = tempfile::tempdir().unwrap();
    let temporary = tempfile::tempdir().unwrap();
    let film = film(folder.path());
    let cache = |name: &str, execution: Execution| {
        let cache = FeatureCache::new(folder.path().join(name), u64::MAX);
        Execution { feature_cache: Some(cache), ..execution }
    };
    let kept_in = |name: &str| {
        let mut entries = std::fs::read_dir(folder.path().join(name)).unwrap();
        std::fs::read(entries.next().unwrap().unwrap().path()).unwrap()
    };
    let expected = bytes(&film, &cache("memory", pieces(2)));
    let on_disk = cache("disk", kept(10, temporary.path(), 2));
    for _ in 0..2 {
        assert_eq!(bytes(&film, &on_disk), expected, "decoded, then kept");
    }
    assert!(kept_in("disk") == kept_in("memory"));
    let by_hand = explain(&film, 101, 3, &Options::default(), &pieces(1), &()).unwrap();
    assert_eq!(explain(&film, 101, 3, &Options::default(), &on_disk, &()).unwrap(), by_hand);
}

#[test]
fn a_folder_that_is_not_there_is_told_where_it_is_needed_and_only_there() {
    let nowhere = Path::new("/nowhere");
    let analyzed = |execution: &Execution| analyze(&sample(), &Options::default(), execution, &());
    let error = analyzed(&kept(10, nowhere, 2)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.retryable(), "{error}");
    assert_eq!(analyzed(&kept(720, nowhere, 2)).unwrap().frames, 720);
}
