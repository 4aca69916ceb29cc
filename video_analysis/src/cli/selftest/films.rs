//! Films of synthetic scenes, and where in them everything is.

use std::path::{Path, PathBuf};

use super::{Failure, make};

/// A film to make, and what is to be found in it.
pub(super) struct Film {
    pub(super) name: &'static str,
    graph: String,
    /// Encoder and container.
    arguments: &'static str,
    /// What it is asked about: of other kinds it may have what it likes.
    pub(super) kinds: &'static [&'static str],
    /// Every event: its kind as in the report, its first frame and the one after it; of sound, milliseconds. A cut has no
    /// length.
    pub(super) truth: Vec<(&'static str, u64, u64)>,
}

impl Film {
    pub(super) fn make(&self, folder: &Path) -> Result<PathBuf, Failure> {
        make::clip(folder, self.name, &self.graph, self.arguments)
    }
}

/// FFmpeg's sources that move or differ clearly, and what is done to them.
const SCENES: [(&str, &str); 8] = [
    ("testsrc2", ""),
    ("mandelbrot", ""),
    ("smptehdbars", ""),
    ("rgbtestsrc", ""),
    ("testsrc2", ",negate"),
    ("mandelbrot", ",hflip,negate"),
    ("smptehdbars", ",vflip,hue=h=120"),
    ("yuvtestsrc", ""),
];
/// Lengths of scenes, long and short ones in turn.
const LENGTHS: [u64; 12] = [30, 7, 45, 18, 5, 60, 12, 25, 9, 33, 6, 40];
const OF_SHOTS: &[&str] = &["cut", "fade_out", "fade_in", "dissolve", "wipe"];
const OF_PICTURES: &[&str] = &["cut", "fade_out", "fade_in", "dissolve", "wipe", "black"];
/// Length of each of two scenes that are joined by more than a cut.
const WHOLE: u64 = 70;

pub(super) fn all() -> Vec<Film> {
    vec![
        cuts("cuts_25.mkv", "25", "N/25/TB", "-c:v mpeg4 -q:v 3 -bf 2 -g 12"),
        cuts("cuts_23.976.ts", "24000/1001", "N/(24000/1001)/TB", "-c:v mpeg2video -q:v 4 -bf 2 -g 15"),
        cuts("cuts_29.97.avi", "30000/1001", "N/(30000/1001)/TB", "-c:v mjpeg -q:v 4"),
        cuts("cuts_vfr.mkv", "50", "(N+floor(N/3))/50/TB", "-fps_mode vfr -c:v mpeg4 -q:v 8 -g 30"),
        no_events(),
        fades("fades_black.mkv", "black", [8, 15, 30]),
        fades("fades_white.mkv", "white", [10, 20, 40]),
        mixed("dissolves.mkv", "dissolve", [("fade", 40), ("fade", 12), ("fade", 25), ("fade", 30)]),
        mixed("wipes.mkv", "wipe", [("wipeleft", 20), ("slidedown", 12), ("wipeup", 30), ("wipebr", 16)]),
        black_and_silence(),
        still_and_plain(),
        letterbox(),
    ]
}

fn cuts(name: &'static str, rate: &str, times: &str, arguments: &'static str) -> Film {
    let scenes: Vec<String> =
        SCENES.iter().cycle().zip(LENGTHS).map(|(scene, frames)| some_of(*scene, rate, frames)).collect();
    let ends = LENGTHS.iter().scan(0, |end, length| {
        *end += length;
        Some(*end)
    });
    let truth = ends.take(LENGTHS.len() - 1).map(|frame| ("cut", frame, frame)).collect();
    Film { name, graph: joined(&scenes, times), arguments, kinds: OF_PICTURES, truth }
}

/// Flashes, a picture that stands still, one that scrolls, and noise: nothing of it is a cut.
fn no_events() -> Film {
    let graph = "testsrc2=s=320x180:r=25,drawbox=t=fill:c=white:enable=eq(n\\,40)+eq(n\\,41)+eq(n\\,90),\
                 loop=loop=30:size=1:start=100,trim=end_frame=150,scroll=h=0.01,noise=alls=12:allf=t:all_seed=1,\
                 setpts=N/25/TB,format=yuv420p";
    let arguments = "-c:v mpeg4 -q:v 4 -g 50";
    Film { name: "no_events.mkv", graph: graph.to_owned(), arguments, kinds: OF_PICTURES, truth: Vec::new() }
}

/// Through one colour, in different lengths; from one pair of scenes to the next with a cut.
fn fades(name: &'static str, color: &str, lengths: [u64; 3]) -> Film {
    const PLAIN: u64 = 20;
    let mut scenes = Vec::new();
    let mut truth = Vec::new();
    let mut start = 0;
    for ((one, other), length) in SCENES.iter().zip(SCENES.iter().skip(1)).step_by(2).zip(lengths) {
        let fade_out = start + WHOLE - length;
        let fade_in = start + WHOLE + PLAIN;
        scenes.push(format!(
            "{},fade=out:{}:{length}:color={color}",
            some_of(*one, "25", WHOLE),
            WHOLE - length
        ));
        scenes.push(some_of(("color", &format!(",drawbox=t=fill:c={color}")), "25", PLAIN));
        scenes.push(format!("{},fade=in:0:{length}:color={color}", some_of(*other, "25", WHOLE)));
        if start > 0 {
            truth.push(("cut", start, start));
        }
        truth.push(("fade_out", fade_out, fade_out + length));
        truth.push(("fade_in", fade_in, fade_in + length));
        start = fade_in + WHOLE;
    }
    let arguments = "-c:v mpeg4 -q:v 3 -g 25";
    Film { name, graph: joined(&scenes, "N/25/TB"), arguments, kinds: OF_SHOTS, truth }
}

/// Pairs of scenes that go over into one another by FFmpeg's `xfade`, in different ways and lengths; from one pair to the next with a
/// cut. Its first picture is all of the one scene.
fn mixed(name: &'static str, kind: &'static str, ways: [(&str, u64); 4]) -> Film {
    /// Milliseconds, of 25 a second.
    const PICTURE: u64 = 40;
    let mut scenes = Vec::new();
    let mut truth = Vec::new();
    let mut start = 0;
    let pairs = SCENES.iter().zip(SCENES.iter().skip(1)).step_by(2);
    for ((pair, (one, other)), (way, length)) in (0u32..).zip(pairs).zip(ways) {
        let [one, other] = [one, other].map(|scene| some_of(*scene, "25", WHOLE));
        scenes.push(format!(
            "{one}[one{pair}];{other}[other{pair}];[one{pair}][other{pair}]xfade={way}:{}ms:{}ms",
            length * PICTURE,
            (WHOLE - length) * PICTURE
        ));
        if start > 0 {
            truth.push(("cut", start, start));
        }
        truth.push((kind, start + WHOLE - length + 1, start + WHOLE));
        start += 2 * WHOLE - length;
    }
    let arguments = "-c:v mpeg4 -q:v 3 -g 25";
    Film { name, graph: joined(&scenes, "N/25/TB"), arguments, kinds: OF_SHOTS, truth }
}

/// Black between scenes, longer and shorter than what is told of; sound that stops for a while.
fn black_and_silence() -> Film {
    let black = |frames| some_of(("color", ",drawbox=t=fill:c=black"), "25", frames);
    let [one, other, third] = [0, 4, 3].map(|scene| {
        SCENES.iter().cycle().skip(scene).map(|scene| some_of(*scene, "25", 40)).next().unwrap_or_default()
    });
    let pictures = joined(&[one, black(25), other, black(4), third], "N/25/TB");
    let sound = "sine=1000:r=48000:d=2[d];anullsrc=r=48000:cl=mono:d=1.25[e];sine=440:r=48000:d=2[f];[d][e][f]concat=n=3:v=0:a=1";
    Film {
        name: "black_silence.mkv",
        graph: format!("{pictures};{sound}"),
        arguments: "-c:v mpeg4 -q:v 3 -g 25 -c:a flac",
        kinds: &["cut", "black", "silence"],
        truth: vec![
            ("cut", 40, 40),
            ("cut", 65, 65),
            ("cut", 105, 105),
            ("cut", 109, 109),
            ("black", 40, 65),
            ("silence", 2000, 3250),
        ],
    }
}

/// A picture that stands still for three seconds, and blue.
fn still_and_plain() -> Film {
    let moving = |source| some_of((source, ""), "25", 40);
    let still = format!("{},loop=loop=74:size=1:start=39", moving("mandelbrot"));
    let blue = some_of(("color", ",drawbox=t=fill:c=blue"), "25", 30);
    Film {
        name: "still_plain.mkv",
        graph: joined(&[moving("testsrc2"), still, blue, moving("testsrc2")], "N/25/TB"),
        arguments: "-c:v mpeg4 -q:v 2 -g 25",
        kinds: &["cut", "freeze", "plain"],
        truth: vec![
            ("cut", 40, 40),
            ("cut", 154, 154),
            ("cut", 184, 184),
            ("freeze", 79, 154),
            ("plain", 154, 184),
        ],
    }
}

/// Bars above and below, and then none.
fn letterbox() -> Film {
    let narrow = some_of(("testsrc2", ",scale=320:132,pad=320:180:0:24,setsar=1"), "25", 75);
    Film {
        name: "letterbox.mkv",
        graph: joined(&[narrow, some_of(("testsrc2", ",negate"), "25", 60)], "N/25/TB"),
        arguments: "-c:v mpeg4 -q:v 2 -g 25",
        kinds: &["cut", "letterbox"],
        truth: vec![("cut", 75, 75), ("letterbox", 0, 75)],
    }
}

/// So many frames of a source.
fn some_of((source, changes): (&str, &str), rate: &str, frames: u64) -> String {
    format!("{source}=s=320x180:r={rate}{changes},trim=end_frame={frames},format=yuv420p")
}

/// One after the other, timed anew: `concat` lets the first frame of a scene share the time of the last one before.
fn joined(scenes: &[String], times: &str) -> String {
    let parts = (0u32..).zip(scenes).map(|(number, scene)| format!("{scene}[s{number}];"));
    let labels = (0..scenes.len()).map(|number| format!("[s{number}]"));
    let (parts, labels) = (parts.collect::<Vec<_>>().concat(), labels.collect::<Vec<_>>().concat());
    format!("{parts}{labels}concat=n={},setpts={times}", scenes.len())
}
