//! Packets picked from the file for a decoder that cannot be told to leave out others, or would be told to decode all.
//!
//! FFmpeg 5's decoders of VP9 and AV1 decode every picture, whatever they are told to skip; and films of codecs that have nothing but
//! keyframes have more of them than anybody looks at. One process reads the file and writes packets, which costs next to nothing, and
//! another one decodes these. Between them is Nut, which has any codec and any time base.

use super::keyframes::Job;
use crate::process::demuxing_rules;
use crate::rational::Rational;

/// Codecs whose packets are pictures that need no others.
const PICTURES_ALONE: [&str; 12] = [
    "cfhd", "dnxhd", "dvvideo", "ffvhuff", "huffyuv", "jpeg2000", "magicyuv", "mjpeg", "prores", "rawvideo",
    "utvideo", "v210",
];
/// Codecs whose decoders do not skip.
const NEVER_SKIPPED: [&str; 2] = ["av1", "vp9"];

/// By how many seconds all times are later between the two processes: Nut has none below zero.
const LATER: i64 = 3600;

/// Which packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pick {
    /// Those of keyframes.
    Keyframes,
    /// About one a second, of a film of keyframes alone.
    Seconds,
}

impl Pick {
    /// For a codec, by its name in FFmpeg; `None` where a decoder can be told to skip.
    pub(super) fn of(codec: Option<&str>) -> Option<Self> {
        match codec {
            Some(codec) if PICTURES_ALONE.contains(&codec) => Some(Self::Seconds),
            Some(codec) if NEVER_SKIPPED.contains(&codec) => Some(Self::Keyframes),
            _ => None,
        }
    }

    /// FFmpeg's filter of packets that lets through those that are picked, of so many pictures a second.
    fn filter(self, pictures_a_second: u64) -> String {
        match self {
            Self::Keyframes => "noise=drop='not(key)'".to_owned(),
            Self::Seconds => format!("noise=drop='mod(n,{pictures_a_second})'"),
        }
    }

    /// Arguments of the process that writes packets to standard output, from where `seek` leads.
    pub(super) fn arguments(self, job: &Job<'_>, seek: Vec<String>) -> Vec<String> {
        let mut args = vec!["-nostdin".to_owned()];
        args.extend(demuxing_rules(job.execution.max_pixels));
        args.extend(["-copyts", "-itsoffset", &LATER.to_string()].map(str::to_owned));
        args.extend(seek);
        let map = format!("0:{}", job.track.index);
        let filter = self.filter(job.times.pictures_a_second(job.track.time_base));
        args.extend(
            ["-i", &job.probe.url, "-map", &map, "-c", "copy", "-bsf:v", &filter, "-f", "nut", "pipe:1"]
                .map(str::to_owned),
        );
        args
    }

    /// The time in the film, in its ticks, of a picture that was decoded from such a packet.
    pub(super) fn time(pts: i64, time_base: Rational) -> i64 {
        const SECOND: Rational = Rational { num: 1, den: 1 };
        pts.saturating_sub(SECOND.rescale(LATER, time_base))
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn of_any_container_few_packets_are_left() {
        let folder = tempfile::tempdir().unwrap();
        let vp9 = "libvpx-vp9 -deadline realtime -cpu-used 8";
        let films = [
            ("vp9.mp4", "vp9", vp9),
            ("vp9.webm", "vp9", vp9),
            ("av1.mkv", "av1", "libsvtav1 -preset 12"),
            ("prores.mov", "prores", "prores_ks"),
            ("mjpeg.avi", "mjpeg", "mjpeg"),
        ];
        let ffmpeg = |arguments: &str| {
            let mut command = Command::new("ffmpeg");
            command.args(["-nostdin", "-v", "error"]).args(arguments.split_whitespace());
            // SVT-AV1 knows nothing of FFmpeg's level of logs.
            let output = command.env("SVT_LOG", "1").current_dir(folder.path()).output().unwrap();
            assert!(output.status.success(), "ffmpeg {arguments}");
            String::from_utf8(output.stdout).unwrap()
        };
        for (film, codec, encoder) in films {
            ffmpeg(&format!("-f lavfi -i testsrc2=s=320x180:r=25:d=4 -c:v {encoder} -g 25 {film}"));
            let filter = Pick::of(Some(codec)).unwrap().filter(25);
            let packets = ffmpeg(&format!("-i {film} -c copy -bsf:v {filter} -f framehash -"));
            assert_eq!(packets.lines().filter(|line| !line.starts_with('#')).count(), 4, "{film}");
        }
        assert_eq!(Pick::of(Some("h264")), None);
    }
}
