//! Bars around the picture, to the pixel and to the frame.

use std::path::{Path, PathBuf};

use crate::support::{clips, frames, pieces, report, sample};
use video_analysis::report::{Rectangle, SegmentKind};
use video_analysis::{Options, Report, analyze};

/// Five seconds of the sample, 854×480, with bars painted over, as `codec` says.
fn barred(folder: &Path, name: &str, filter: &str, codec: &str) -> PathBuf {
    let source = format!("-ss 14 -t 5 -i {} -an", sample().display());
    clips::make(folder, name, &format!("{source} -vf {filter} {codec}"))
}

const X264: &str = "-c:v libx264 -preset veryfast -crf 23";

/// Paints the outermost pixels black: rows above, below, columns left, right.
fn bars(top: u32, bottom: u32, left: u32, right: u32) -> String {
    [
        ("0", "0", "iw".to_owned(), top.to_string()),
        ("0", &format!("ih-{bottom}"), "iw".to_owned(), bottom.to_string()),
        ("0", "0", left.to_string(), "ih".to_owned()),
        (&format!("iw-{right}"), "0", right.to_string(), "ih".to_owned()),
    ]
    .into_iter()
    .filter(|(.., width, height)| width != "0" && height != "0")
    .map(|(x, y, width, height)| format!("drawbox=x={x}:y={y}:w={width}:h={height}:c=black:t=fill"))
    .collect::<Vec<_>>()
    .join(",")
}

fn found(report: &Report) -> Vec<(SegmentKind, (u64, u64), Rectangle)> {
    report.active_area.iter().map(|area| (area.segment.kind, frames(&area.segment), area.active)).collect()
}

#[test]
fn bars_of_any_height_and_width_are_measured_to_the_pixel() {
    let folder = tempfile::tempdir().unwrap();
    let at = |x, y, width, height| Rectangle { x, y, width, height };
    let cases = [
        ("letter.mp4", bars(62, 62, 0, 0), X264, SegmentKind::Letterbox, at(0, 62, 854, 356)),
        ("thin.mp4", bars(10, 12, 0, 0), X264, SegmentKind::Letterbox, at(0, 10, 854, 458)),
        (
            "coarse.mp4",
            bars(60, 60, 0, 0),
            "-c:v libx264 -preset veryfast -crf 32",
            SegmentKind::Letterbox,
            at(0, 60, 854, 360),
        ),
        (
            "pillar.mkv",
            bars(0, 0, 106, 108),
            "-c:v mpeg2video -q:v 5",
            SegmentKind::Pillarbox,
            at(106, 0, 640, 480),
        ),
        ("window.ts", bars(60, 60, 107, 107), X264, SegmentKind::Windowbox, at(107, 60, 640, 360)),
    ];
    for (name, filter, codec, kind, active) in cases {
        let report = report(&barred(folder.path(), name, &filter, codec));
        let all = (0, report.frames);
        assert_eq!(found(&report), [(kind, all, active)], "{name}");
    }
}

#[test]
fn bars_that_come_and_go_are_several_ranges_and_split_work_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    // As films do that were partly shot for larger screens: from one frame to the next.
    let filter = bars(62, 62, 0, 0).replace(":t=fill", ":t=fill:enable=lt(n\\,40)+gte(n\\,80)");
    let clip = barred(folder.path(), "variable.mp4", &filter, &format!("{X264} -g 24"));
    let report = report(&clip);
    let active = Rectangle { x: 0, y: 62, width: 854, height: 356 };
    let kind = SegmentKind::Letterbox;
    assert_eq!(found(&report), [(kind, (0, 40), active), (kind, (80, report.frames), active)]);
    for count in [1, 3] {
        let again = analyze(&clip, &Options::default(), &pieces(count), &()).unwrap();
        assert_eq!(again.digest, report.digest, "{count} pieces");
    }
}

#[test]
fn dark_scenes_have_no_bars_and_keep_those_they_have() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(found(&report(&sample())), [], "a film without bars that fades to black");
    // A lamp in the night, and titles on black.
    let lamp = "vignette=angle=1.4,eq=brightness=-0.25";
    let title = "drawbox=t=fill:c=black,drawbox=x=250:y=200:w=350:h=60:c=white:t=fill";
    for (name, filter) in [("lamp.mp4", lamp), ("title.mp4", title)] {
        assert_eq!(found(&report(&barred(folder.path(), name, filter, X264))), [], "{name}");
    }
    // Two dark seconds inside a film with bars belong to it.
    let dimmed = format!("eq=brightness=-0.45:enable=between(n\\,40\\,90),{}", bars(62, 62, 0, 0));
    let report = report(&barred(folder.path(), "dimmed.mp4", &dimmed, X264));
    let active = Rectangle { x: 0, y: 62, width: 854, height: 356 };
    assert_eq!(found(&report), [(SegmentKind::Letterbox, (0, report.frames), active)]);
}
