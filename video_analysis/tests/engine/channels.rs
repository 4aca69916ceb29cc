//! Clipping, and dead, inverted and duplicated channels, in sound of which the truth is known; every audio stream.

use std::path::Path;

use crate::support::{clips, detector, report, seconds};
use video_analysis::report::{AudioFindings, ChannelFaultKind, DetectorStatus};

/// What was found in sound that is given by an expression per channel.
fn heard(folder: &Path, name: &str, expressions: &str, layout: &str, codec: &str) -> AudioFindings {
    let source = format!("-f lavfi -i aevalsrc={expressions}:c={layout}:s=48000:d=3 {codec}");
    report(&clips::make(folder, name, &source)).audio.remove(0)
}

fn faults(found: &AudioFindings) -> Vec<(ChannelFaultKind, u32, Option<u32>)> {
    found.channel_faults.iter().map(|fault| (fault.kind, fault.channel, fault.other_channel)).collect()
}

/// Two tones that have nothing in common.
const LEFT: &str = "0.3*sin(2*PI*440*t)";
const RIGHT: &str = "0.3*sin(2*PI*1000*t)";

#[test]
fn a_dead_channel_is_named_and_an_ordinary_pair_is_not() {
    let folder = tempfile::tempdir().unwrap();
    for (name, codec) in [("a.wav", "-c:a pcm_s16le"), ("a.m4a", "-c:a aac -b:a 128k")] {
        let ordinary = heard(folder.path(), name, &format!("{LEFT}|{RIGHT}"), "stereo", codec);
        assert_eq!(faults(&ordinary), [], "{name}");
        let dead = heard(folder.path(), name, &format!("{LEFT}|0"), "stereo", codec);
        assert_eq!(faults(&dead), [(ChannelFaultKind::Dead, 1, None)], "{name}");
        assert!(dead.channel_faults[0].confidence > 0.9 && !dead.silent);
    }
    let dead = heard(
        folder.path(),
        "six.wav",
        &format!("{LEFT}|{RIGHT}|0.1*sin(t*900)|0|0|0.2*sin(t*3000)"),
        "5.1",
        "",
    );
    assert_eq!(faults(&dead), [(ChannelFaultKind::Dead, 3, None), (ChannelFaultKind::Dead, 4, None)]);
    assert_eq!(dead.channels[3].sample_peak_dbfs, None);
    assert_eq!(dead.channels[0].sample_peak_dbfs, Some(-10.46));
    // As many channels as another layout has, which FFmpeg would take for it.
    let three = heard(folder.path(), "three.wav", &format!("{LEFT}|{RIGHT}|0.1*sin(t*900)"), "3.0", "");
    let peaks = three.channels.iter().map(|channel| channel.sample_peak_dbfs);
    assert_eq!(peaks.collect::<Vec<_>>(), [Some(-10.46), Some(-10.46), Some(-20.0)]);
}

#[test]
fn dual_mono_and_inverted_polarity_are_found_also_after_lossy_coding() {
    let folder = tempfile::tempdir().unwrap();
    let mixed = format!("({LEFT}+{RIGHT})*(0.6+0.4*sin(5*t))");
    let copy = format!("{mixed}|{mixed}");
    let inverse = format!("{mixed}|-({mixed})");
    for (name, codec) in
        [("a.wav", "-c:a pcm_s16le"), ("a.m4a", "-c:a aac -b:a 128k"), ("a.mp3", "-c:a libmp3lame -b:a 128k")]
    {
        let found = heard(folder.path(), name, &copy, "stereo", codec);
        assert_eq!(faults(&found), [(ChannelFaultKind::Duplicated, 1, Some(0))], "{name}");
        let found = heard(folder.path(), name, &inverse, "stereo", codec);
        assert_eq!(faults(&found), [(ChannelFaultKind::Inverted, 1, Some(0))], "{name}");
        assert_eq!(found.channel_faults[0].evidence.metric, "correlation");
        assert!(found.channel_faults[0].evidence.value < -0.99);
    }
    let panned = heard(folder.path(), "panned.wav", &format!("{mixed}|0.5*({mixed})"), "stereo", "");
    assert_eq!(faults(&panned), [], "a source to the left is no copy");
}

#[test]
fn clipping_is_found_where_it_is_on_the_channel_it_is_on() {
    let folder = tempfile::tempdir().unwrap();
    // Twice full scale from 0.55 to 1.05 s and from 2.1 s on; at full scale throughout, which touches it and does not clip.
    let loud = "if(between(t\\,0.55\\,1.05)+gte(t\\,2.1)\\,2\\,0.2)*sin(2*PI*100*t)";
    let source = format!("{LEFT}|{loud}|0.99996*sin(2*PI*12000*t)");
    let found = heard(folder.path(), "clipped.wav", &source, "3.0", "-c:a pcm_s16le");
    let ranges: Vec<_> =
        found.clipping.iter().map(|range| (range.channel, seconds(&range.segment))).collect();
    assert_eq!(ranges, [(1, (0.5, 1.1)), (1, (2.1, 3.0))]);
    // A sine of twice full scale is above it for two thirds of its time: 161 of 480 samples, twice a period.
    let first = &found.clipping[0];
    assert_eq!(first.samples, 16_100, "{first:?}");
    assert!((160.0..=161.0).contains(&first.segment.evidence.as_ref().unwrap().value), "{first:?}");

    let lossy =
        heard(folder.path(), "clipped.m4a", &format!("{loud}|{loud}"), "stereo", "-c:a aac -b:a 192k");
    // What is cut off is smoothed by lossy coding, here after some periods, but not everywhere.
    let starts: Vec<_> = lossy.clipping.iter().map(|range| range.segment.start_seconds).collect();
    assert_eq!(starts, [0.5, 2.1, 0.5, 2.1]);
}

#[test]
fn a_wholly_silent_file_says_so_and_has_no_dead_channel() {
    let folder = tempfile::tempdir().unwrap();
    let found = heard(folder.path(), "silent.wav", "0|0.0005*sin(t*1000)", "stereo", "-c:a pcm_s24le");
    assert!(found.silent && found.silence.len() == 1);
    assert_eq!(faults(&found), [(ChannelFaultKind::Dead, 0, None)], "the other one reaches -66 dBFS");
    let found = heard(folder.path(), "digital.wav", "0|0", "stereo", "");
    assert!(found.silent && found.channel_faults.is_empty() && found.clipping.is_empty());
}

#[test]
fn every_audio_stream_is_examined_and_the_default_one_stays_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let sources = format!(
        "aevalsrc={LEFT}:s=48000:d=2[a];aevalsrc=0|0:s=44100:d=3[b];aevalsrc={RIGHT}|0:s=48000:d=4[c]"
    );
    let clip = clips::make(
        folder.path(),
        "three.mkv",
        &format!(
            "-filter_complex {sources} -map [a] -map [b] -map [c] -c:a flac -disposition:a:0 0 -disposition:a:2 default"
        ),
    );
    let report = report(&clip);
    assert!(report.streams.iter().all(|stream| stream.analyzed));
    let streams: Vec<_> = report.audio.iter().map(|found| (found.coverage.stream, found.silent)).collect();
    assert_eq!(streams, [(0, false), (1, true), (2, false)]);
    let seconds: Vec<_> = report.audio.iter().map(|found| found.coverage.seconds).collect();
    assert_eq!(seconds, [2.0, 3.0, 4.0]);
    assert_eq!(report.loudness, report.audio[2].loudness);
    assert_eq!(faults(&report.audio[2]), [(ChannelFaultKind::Dead, 1, None)]);
    let run = detector(&report, "channels");
    assert_eq!((run.status, run.coverage.as_ref().unwrap().stream), (DetectorStatus::Completed, 2));
}
