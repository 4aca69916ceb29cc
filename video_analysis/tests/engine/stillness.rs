//! Pictures that stand still and pictures of one colour, at known frames.

use std::path::{Path, PathBuf};

use crate::support::{clips, frames, report, sample};
use video_analysis::Report;

/// A film of 25 pictures a second that ends its first two seconds' motion, stands still over frames 49 to 123, and goes on.
fn frozen(folder: &Path, name: &str, noise: u32, codec: &str) -> PathBuf {
    let graph = format!(
        "trim=start_frame=400:end_frame=500,loop=loop=74:size=1:start=50,setpts=N/25/TB,noise=alls={noise}:allf=t"
    );
    clips::make(folder, name, &format!("-i {} -an -vf {graph} -r 25 {codec}", sample().display()))
}

/// Five seconds made from one real picture.
fn from_one_picture(folder: &Path, name: &str, filter: &str) -> PathBuf {
    let picture = folder.join("picture.png");
    if !picture.exists() {
        clips::make(folder, "picture.png", &format!("-ss 20 -i {} -frames:v 1", sample().display()));
    }
    let source = format!("-loop 1 -framerate 25 -i {} -t 5", picture.display());
    let codec = "-c:v libx264 -preset ultrafast -crf 22 -pix_fmt yuv420p";
    clips::make(folder, name, &format!("{source} -vf {filter},noise=alls=4:allf=t {codec}"))
}

fn freezes(report: &Report) -> Vec<(u64, u64)> {
    report.freezes.iter().map(frames).collect()
}

#[test]
fn footage_that_stands_still_is_found_in_spite_of_noise_and_compression() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let clips = [
        frozen(folder, "clean.mp4", 0, "-c:v libx264 -preset veryfast -crf 23"),
        frozen(folder, "grain.mp4", 12, "-c:v libx264 -preset veryfast -crf 20"),
        frozen(folder, "pulsing.mp4", 6, "-c:v libx264 -preset veryfast -crf 28 -g 12"),
        frozen(folder, "old.mpg", 6, "-c:v mpeg2video -q:v 5 -g 12"),
    ];
    for clip in clips {
        let found = freezes(&report(&clip));
        let name = clip.file_name().unwrap();
        assert_eq!(found.len(), 1, "{name:?}: {found:?}");
        // After motion, compression needs some pictures until the still one has all its detail.
        assert!((49..=55).contains(&found[0].0) && found[0].1 == 124, "{name:?}: {found:?}");
    }
}

#[test]
fn slow_motion_is_no_freeze_however_slow() {
    let folder = tempfile::tempdir().unwrap();
    let crop = |speed: &str| format!("scale=1708:960,crop=854:480:100+{speed}*n:100");
    let slow = [
        // Pixels of the picture are two of these.
        ("pan.mp4", crop("1")),
        ("slow_pan.mp4", crop("0.2")),
        ("zoom.mp4", "zoompan=z=1.001+0.0005*in:d=1:s=854x480:fps=25:x=iw/2-iw/zoom/2:y=0".to_owned()),
        ("dimmed.mp4", "lutyuv=y=val,eq=brightness=-0.012*t:eval=frame".to_owned()),
        (
            "mouth.mp4",
            "drawbox=x=420:y=200:w=18:h=4:c=black:t=fill,\
             drawbox=x=420:y=200:w=18:h=9:c=black:t=fill:enable=lt(mod(n\\,11)\\,5)"
                .to_owned(),
        ),
    ];
    for (name, filter) in slow {
        let found = freezes(&report(&from_one_picture(folder.path(), name, &filter)));
        assert!(found.is_empty(), "{name}: {found:?}");
    }
    let still = report(&from_one_picture(folder.path(), "still.mp4", "null"));
    assert_eq!(freezes(&still), [(0, 125)], "the control");
}

#[test]
fn ranges_of_one_colour_have_their_frames_and_their_colour() {
    let folder = tempfile::tempdir().unwrap();
    let colors = ["red", "0x2040c0", "white", "black", "0x808080"];
    let mut parts = vec!["testsrc2=s=320x180:r=25,trim=end_frame=30,format=yuv420p[p];".to_owned()];
    parts.extend(colors.map(|color| {
        format!("color={color}:s=320x180:r=25,trim=end_frame=20,noise=alls=8:allf=t,format=yuv420p[{color}];")
    }));
    // A card with a title is not of one colour, a sky that gets darker is not either.
    parts.push(
        "color=white:s=320x180:r=25,trim=end_frame=20,drawbox=x=100:y=70:w=120:h=40:c=black:t=fill,format=yuv420p[t];\
              gradients=s=320x180:r=25:c0=0x4080c0:c1=0x80b0f0:x0=0:y0=0:x1=0:y1=180:speed=0.00001,\
              trim=end_frame=20,format=yuv420p[s];\
              [p][red][0x2040c0][t][white][s][black][0x808080]concat=n=8"
        .to_owned(),
    );
    let graph = parts.concat();
    let clip =
        clips::make(folder.path(), "colors.mp4", &format!("-filter_complex {graph} -c:v libx264 -crf 20"));
    let report = report(&clip);
    let found: Vec<_> = report.plain.iter().map(|plain| frames(&plain.segment)).collect();
    assert_eq!(found, [(30, 50), (50, 70), (90, 110), (150, 170)], "{:?}", report.plain);
    let colors = [[254, 0, 0], [0x20, 0x40, 0xc0], [252, 252, 252], [0x80; 3]];
    for (plain, expected) in report.plain.iter().zip(colors) {
        let far = plain.color.0.iter().zip(expected).any(|(one, other)| one.abs_diff(other) > 5);
        assert!(!far && plain.segment.confidence > 0.5, "{plain:?}");
    }
    assert_eq!(report.black.iter().map(frames).collect::<Vec<_>>(), [(130, 150)], "black stays what it is");
}

#[test]
fn what_is_black_or_of_one_colour_is_not_told_again_as_a_freeze() {
    let folder = tempfile::tempdir().unwrap();
    let graph = "color=black:s=320x180:r=25,trim=end_frame=75,format=yuv420p[a];\
                 color=blue:s=320x180:r=25,trim=end_frame=75,format=yuv420p[b];\
                 smptebars=s=320x180:r=25,trim=end_frame=75,format=yuv420p[c];[a][b][c]concat=n=3";
    let report =
        report(&clips::make(folder.path(), "cards.mp4", &format!("-filter_complex {graph} -c:v libx264")));
    assert_eq!(report.black.iter().map(frames).collect::<Vec<_>>(), [(0, 75)]);
    assert_eq!(report.plain.iter().map(|plain| frames(&plain.segment)).collect::<Vec<_>>(), [(75, 150)]);
    assert_eq!(freezes(&report), [(150, 225)]);
}
