//! What the targets in `fuzz` reach into, with the feature `fuzzing` alone: every parser here of bytes that are not ours. Each
//! function takes what a fuzzer thinks up, and panics where more than an error comes of it.

#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a fuzz target is to stop")]

use std::num::NonZeroUsize;
use std::str::FromStr as _;

use serde::Serialize;

use crate::curves::{of_pictures, of_sound};
use crate::damage::{self, Damage};
use crate::decode::{Clock, Timestamps, cut, finite, seek};
use crate::detect::{Film, Findings, sound_detectors, video_detectors};
use crate::execution::Execution;
use crate::export::{Format, Media, Timecode, export};
use crate::features::{Extractor, FRAME_BYTES, Levels, Room, Sound, SoundExtractor};
use crate::numeric::len;
use crate::options::Options;
use crate::packets::MOST_SECONDS;
use crate::probe::{
    AudioTrack, LATEST_SAMPLE, Metadata, PacketIndex, Structure, VideoTrack, refused_size, span_seconds,
};
use crate::rational::Rational;
use crate::report::{AudioFindings, Coverage, Report};
use crate::store::record;

/// The time base of what is decoded here; what others do is in [`rational`].
const TIME_BASE: Rational = Rational { num: 1, den: 90_000 };
/// Most pictures of a film here: enough for a shot to end and another to begin.
const MOST_PICTURES: usize = 64;

/// As a report has it: a number that is none would have no place there.
fn canonical(value: &impl Serialize) -> Vec<u8> {
    let value = serde_json::to_value(value).unwrap();
    serde_json_canonicalizer::to_vec(&value).unwrap()
}

/// ffprobe's document of a file, and what it complains about.
pub fn ffprobe_metadata(json: &[u8]) {
    if let Ok(text) = std::str::from_utf8(json) {
        let _ = refused_size(text);
    }
    let execution = Execution::default();
    let Ok(metadata) = Metadata::parse(json, &execution) else { return };
    canonical(&metadata.container);
    canonical(&metadata.streams);
    assert!(metadata.streams.len() <= execution.max_streams);
    if let Some(video) = &metadata.video {
        assert!(video.time_base.num > 0 && video.time_base.den > 0);
    }
    for audio in &metadata.audio {
        // What is allocated for it before a sample is there.
        assert!(u64::from(audio.channels) * u64::from(audio.sample_rate) < 1 << 23 && audio.channels > 0);
        assert!(audio.block() > 0 && audio.start_sample.unsigned_abs() <= LATEST_SAMPLE.unsigned_abs());
    }
}

/// ffprobe's lines, one a packet, some with complaints.
pub fn ffprobe_packets(lines: &[u8]) {
    let complaints = damage::parse(lines).unwrap_or_default();
    let Ok(index) = PacketIndex::parse(lines) else { return };
    for frames in [&[] as &[i64], &[0, 1, i64::MAX]] {
        let damage = damage::of_pictures(&index, frames, &complaints, Some(i64::MAX), Some(9));
        let told = damage.report(0, TIME_BASE, Some(frames));
        assert!(told.coverage.is_none_or(|share| (0.0..=1.0).contains(&share)) && told.ranges.len() <= 1000);
        canonical(&told);
    }
    let structure = Structure::of(&index, TIME_BASE, MOST_SECONDS);
    assert!(structure.seconds.len() <= MOST_SECONDS);
    let _ = structure.rate(TIME_BASE, [Rational::new(25, 1), Rational::new(30_000, 1001)]);
    if let (Some((first, _)), Some((last, _))) = (index.shown.first(), index.shown.last()) {
        let _ = span_seconds(last.abs_diff(*first), TIME_BASE);
        for pts in [*first, *last] {
            let _ = index.has_keyframe(pts);
            let _ = seek(TIME_BASE, pts);
        }
    }
    for codec in ["h264", "hevc"] {
        let pieces = cut(&index, "mov,mp4", Some(codec), NonZeroUsize::MIN.saturating_add(4));
        let ends = pieces.iter().map(|piece| piece.end);
        let starts = pieces.iter().map(|piece| piece.start).chain([index.shown.len()]);
        assert!(pieces.len() <= 5 && [0].into_iter().chain(ends).eq(starts));
    }
}

/// A decoder's pictures: the first line feed ends how they look, a byte of repeated pixels each; their timestamps follow.
pub fn decoded_pictures(bytes: &[u8]) {
    let (looks, lines) = bytes.split_at(bytes.iter().position(|byte| *byte == b'\n').unwrap_or(0));
    let (mut timestamps, mut clock) = (Timestamps::new(lines), Clock::default());
    let mut extractor = Extractor::default();
    for look in looks.iter().take(MOST_PICTURES) {
        let Ok(Some(told)) = timestamps.next() else { break };
        let pts = clock.time(told);
        let pixels = (0u8..=255).cycle().map(|at| if at % 16 < look % 16 { *look } else { !*look });
        let rgb: Vec<u8> = pixels.take(FRAME_BYTES).collect();
        extractor.push(pts, &rgb);
    }
    let frames = extractor.finish().frames;
    if frames.is_empty() {
        return;
    }
    let track = VideoTrack {
        index: 0,
        codec: None,
        size: (0, 0),
        time_base: TIME_BASE,
        duration_seconds: None,
        average_frame_rate: None,
        real_frame_rate: None,
        declared_frames: None,
        promised_end: None,
    };
    let film = Film::new(frames, TIME_BASE, None, Rational::new(25, 1));
    let mut found = Findings::default();
    for detector in video_detectors(&Options::default()) {
        detector.detect(&film, &mut found).unwrap();
    }
    let shots = found.shots.iter().map(|shot| &shot.segment);
    let mut next = Some(0);
    for segment in shots {
        assert!(segment.start_frame == next && segment.end_frame > next, "{segment:?}");
        next = segment.end_frame;
    }
    assert_eq!(next, Some(len(film.frames.len())));
    canonical(&of_pictures(&track, &film, &[]).unwrap());
    canonical(&found.shots);
    canonical(&found.transitions);
    canonical(&(found.black, found.plain, found.freezes, found.active_area, found.poster));
}

/// A decoder's samples: two bytes of which channels and rate follow, and 32-bit floats.
pub fn decoded_sound(bytes: &[u8]) {
    let Some(([first, second], samples)) = bytes.split_first_chunk() else { return };
    let channels = u32::from(first % 8) + 1;
    // Low ones, so that few samples are a second.
    let sample_rate = 1000 + u32::from(*second) * 7;
    let track = AudioTrack {
        index: 0,
        sample_rate,
        channels,
        layout: None,
        start_sample: if first & 0x80 == 0 { 0 } else { LATEST_SAMPLE },
        duration_seconds: None,
        time_base: TIME_BASE,
        promised_end: None,
    };
    let options = Options::default();
    let levels = Levels::asked(&options.silence).and_others();
    let mut extractor = SoundExtractor::new(&track, levels, &options.clipping).unwrap();
    let (samples, _) = samples.as_chunks::<4>();
    let samples: Vec<f32> = samples.iter().map(|bytes| finite(f32::from_le_bytes(*bytes))).collect();
    let channels = usize::try_from(channels).unwrap();
    let block = usize::try_from(track.block()).unwrap() * channels;
    let whole = samples.get(..samples.len() / channels * channels).unwrap_or_default();
    whole.chunks(block).for_each(|block| extractor.push(block).unwrap());
    let sound: Sound = extractor.finish(None, Damage::default(), false).unwrap();
    let coverage = Coverage {
        stream: 0,
        frames: None,
        samples: Some(sound.samples),
        seconds: 0.0,
        expected_seconds: None,
        damaged: false,
    };
    let mut found = AudioFindings::of(coverage);
    for detector in sound_detectors(&options) {
        detector.detect(&track, &sound, &mut found);
    }
    canonical(&found);
    canonical(&of_sound(&track, &sound));
}

/// Kept features behind their header and decompressed: what is read is written as it was.
pub fn kept_features(bytes: &[u8]) {
    let room = Room::new(&Execution::default());
    let write = |kept: &record::Kept| {
        let mut written = Vec::new();
        record::write(&mut written, kept.footage.as_ref(), kept.sounds.as_deref()).map(|()| written)
    };
    if let Ok((ends, frames)) = record::read_stretch(&mut &*bytes) {
        let mut written = Vec::new();
        record::write_stretch(&mut written, &ends, &frames).unwrap();
        assert!(record::read_stretch(&mut written.as_slice()).unwrap().0 == ends);
    }
    let Ok(kept) = record::read(&mut &*bytes, &room) else { return };
    let written = write(&kept).unwrap();
    let again = record::read(&mut written.as_slice(), &room).unwrap();
    assert!(write(&again).unwrap() == written);
}

/// A report in a file, as `export` and `verify` read it.
pub fn report(json: &[u8]) {
    let Ok(report) = serde_json::from_slice::<Report>(json) else { return };
    let media = Media { name: "a & b.mp4".to_owned(), url: None };
    for format in Format::ALL {
        if let Ok(text) = export(&report, format, &media) {
            assert!(!text.is_empty(), "{format:?}");
        }
    }
    if let Some(poster) = &report.poster {
        let _ = seek(poster.time_base, poster.pts);
    }
    let _ = report.options();
    assert_eq!(report.differences(&report).unwrap(), []);
    let bytes = report.canonical_json().unwrap();
    let again: Report = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(again.computed_digest().unwrap(), report.computed_digest().unwrap());
}

/// Options: what is valid stays so, and is the same, once written and read.
pub fn options(json: &[u8]) {
    let Ok(options) = serde_json::from_slice::<Options>(json) else { return };
    if options.validate().is_ok() {
        let again: Options = serde_json::from_slice(&canonical(&options)).unwrap();
        assert!(again == options && again.validate().is_ok());
    }
}

/// Two fractions and a number, in text, by blanks: times and timecodes of them.
pub fn rational(text: &[u8]) {
    let text = String::from_utf8_lossy(text);
    let mut words = text.split_whitespace();
    let mut fraction = || words.next().and_then(|word| Rational::from_str(word).ok());
    let (Some(one), Some(other)) = (fraction(), fraction()) else { return };
    let ticks: i64 = words.next().and_then(|word| word.parse().ok()).unwrap_or(1);
    assert_eq!(one.to_string().parse::<Rational>().unwrap(), one);
    let reduced = one.reduced();
    assert_eq!(
        i128::from(reduced.num) * i128::from(one.den),
        i128::from(one.num) * i128::from(reduced.den),
        "{one}"
    );
    let _ = (one.to_f64(), one.seconds(ticks), one.rescale(ticks, other), seek(one, ticks));
    if one.num > 0 && one.num.max(one.den) < 1 << 31 {
        assert_eq!(one.rescale(ticks, one), ticks);
    }
    if let Ok(timecode) = Timecode::of(one) {
        assert!(timecode.at(ticks.unsigned_abs()).len() == "00:00:00:00".len());
    }
}
