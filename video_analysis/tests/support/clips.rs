//! Clips of known content, made by the installed FFmpeg from its own synthetic sources.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Frames of the four scenes of [`scenes`], at 25 frames per second.
pub(crate) const SCENES: [u64; 4] = [30, 7, 45, 18];

/// Runs ffmpeg on arguments that are separated by blanks, writing `name` in `folder`.
pub(crate) fn make(folder: &Path, name: &str, arguments: &str) -> PathBuf {
    let path = folder.join(name);
    let status = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-y"])
        // SVT-AV1 knows nothing of FFmpeg's level of logs.
        .env("SVT_LOG", "1")
        .args(arguments.split_whitespace())
        .args(["-fflags", "+bitexact"])
        .arg(&path)
        .status()
        .expect("ffmpeg is installed");
    assert!(status.success(), "ffmpeg {arguments}");
    path
}

/// A filter graph of four different moving scenes, one cut after the other, of a size.
pub(crate) fn scenes(size: &str) -> String {
    let sources = ["testsrc2", "mandelbrot", "smptehdbars", "rgbtestsrc"];
    let scene = |(number, (source, frames)): (usize, (&&str, u64))| {
        format!("{source}=s={size}:r=25,trim=end_frame={frames},setpts=N/25/TB,format=yuv420p[s{number}];")
    };
    let graph: String = sources.iter().zip(SCENES).enumerate().map(scene).collect();
    // Numbered again at the end: `concat` lets the first picture of a scene share the time of the last one before.
    graph + "[s0][s1][s2][s3]concat=n=4,setpts=N/25/TB"
}

/// Four scenes encoded by `codec` arguments.
pub(crate) fn four_scenes(folder: &Path, name: &str, codec: &str) -> PathBuf {
    make(folder, name, &format!("-filter_complex {} {codec}", scenes("320x180")))
}

/// A container and codec as they come in the wild.
pub(crate) struct Variety {
    pub(crate) name: &'static str,
    pub(crate) codec: &'static str,
}

const fn variety(name: &'static str, codec: &'static str) -> Variety {
    Variety { name, codec }
}

/// Containers and codecs, ways to group pictures, and kinds of timestamps.
pub(crate) const VARIETIES: [Variety; 29] = [
    variety("b_frames.mp4", "-c:v libx264 -bf 3 -g 12"),
    variety("open_gop.mp4", "-c:v libx264 -bf 3 -x264-params open-gop=1:keyint=12:scenecut=0"),
    variety("fragmented.mp4", "-c:v libx264 -g 12 -movflags frag_keyframe+empty_moov"),
    variety("vfr.mp4", "-vf select=lt(n\\,20)+not(mod(n\\,3)) -fps_mode vfr -c:v libx264 -g 9"),
    variety("late.mkv", "-c:v libx264 -g 12 -output_ts_offset 7.7"),
    variety("ten_bit.mkv", "-c:v libx264 -g 12 -pix_fmt yuv420p10le"),
    variety("hevc_open.mp4", "-c:v libx265 -x265-params log-level=none:keyint=12:min-keyint=12:scenecut=0"),
    variety("all_intra.mov", "-c:v prores_ks"),
    variety("mjpeg.avi", "-c:v mjpeg -q:v 3"),
    variety("mpeg4.avi", "-c:v mpeg4 -g 12 -q:v 3"),
    variety("mpeg4_b.avi", "-c:v mpeg4 -bf 2 -g 12 -q:v 3"),
    variety("vp8.webm", "-c:v libvpx -g 12 -deadline good -cpu-used 5 -b:v 1M"),
    variety("vp9.webm", "-c:v libvpx-vp9 -g 12 -deadline good -cpu-used 5 -b:v 1M"),
    variety("mpeg2_open.mkv", "-c:v mpeg2video -bf 2 -g 12 -q:v 3"),
    variety("h264.ts", "-c:v libx264 -bf 2 -g 12"),
    variety("mpeg2.ts", "-c:v mpeg2video -bf 2 -g 12 -q:v 3"),
    variety("mpeg2.mpg", "-c:v mpeg2video -bf 2 -g 12 -q:v 3"),
    variety("h264.flv", "-c:v libx264 -bf 2 -g 12"),
    variety("raw.h264", "-c:v libx264 -bf 2 -g 12"),
    variety("av1.mp4", "-c:v libsvtav1 -preset 12 -g 12"),
    variety("av1.webm", "-c:v libaom-av1 -usage realtime -cpu-used 8 -g 12 -b:v 1M"),
    variety("hevc_ten_bit.mkv", "-c:v libx265 -pix_fmt yuv420p10le -x265-params log-level=none:keyint=12"),
    variety("rotated.mp4", "-c:v libx264 -g 12 -metadata:s:v:0 rotate=90"),
    variety("anamorphic.mkv", "-vf setsar=16/11 -c:v libx264 -g 12"),
    variety("odd_size.mkv", "-vf scale=321:179,format=yuv444p -c:v libx264 -g 12"),
    variety("negative_offsets.mp4", "-c:v libx264 -bf 3 -g 12 -movflags negative_cts_offsets"),
    variety("begins_before_zero.mp4", "-c:v libx264 -bf 2 -g 12 -output_ts_offset -0.5"),
    variety(
        "h264_fragmented_b.mp4",
        "-c:v libx264 -bf 3 -g 12 -movflags frag_keyframe+empty_moov+default_base_moof",
    ),
    variety("interlaced.mkv", "-vf setfield=tff -c:v libx264 -bf 2 -g 12 -flags +ildct+ilme"),
];

impl Variety {
    pub(crate) fn make(&self, folder: &Path) -> PathBuf {
        // A simple filter cannot follow a complex graph, so it is appended to it.
        match self.codec.strip_prefix("-vf ").and_then(|rest| rest.split_once(' ')) {
            Some((filter, codec)) => {
                make(folder, self.name, &format!("-filter_complex {},{filter} {codec}", scenes("320x180")))
            }
            None => four_scenes(folder, self.name, self.codec),
        }
    }
}
