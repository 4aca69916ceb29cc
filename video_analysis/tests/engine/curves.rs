//! The curves of made clips, against what was made.

use crate::support::{clips, pieces};
use video_analysis::report::{AudioCurves, Curves};
use video_analysis::{Execution, FeatureCache, Options, analyze_with_curves};

fn curves(input: &std::path::Path, execution: &Execution) -> Curves {
    let (report, curves) = analyze_with_curves(input, &Options::default(), execution, &()).unwrap();
    assert_eq!((&curves.report_digest, &curves.input), (&report.digest, &report.input));
    curves
}

#[test]
fn change_is_largest_at_the_cut_and_luma_is_that_of_the_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let graph = "color=gray:s=160x90:r=25:d=8[a];color=white:s=160x90:r=25:d=20[b];[a][b]concat";
    let clip = clips::make(
        folder.path(),
        "cut.mkv",
        &format!("-filter_complex {graph},format=yuv420p -c:v libx264 -g 25 -threads 1"),
    );
    let found = curves(&clip, &pieces(2));
    let video = found.video.as_ref().unwrap();
    let [finest, coarser] = &video.resolutions[..] else { panic!("{}", video.resolutions.len()) };
    assert_eq!((finest.frames_per_point, finest.pts.len(), finest.pts[200]), (1, 700, 8000));
    let over =
        |value: f64| (0..).zip(&finest.change).filter(move |(_, change)| **change > value).map(|(at, _)| at);
    assert_eq!(over(100.0).collect::<Vec<u64>>(), [200]);
    assert!((finest.luma[0] - 128.0).abs() < 3.0 && (finest.luma[699] - 255.0).abs() < 3.0);
    assert_eq!((coarser.frames_per_point, coarser.pts.len(), coarser.pts[50]), (4, 175, 8000));
    assert_eq!(coarser.change[50].to_bits(), finest.change[200].to_bits());
    let bit_rate = &video.bit_rate[0];
    assert_eq!((bit_rate.seconds_per_point, bit_rate.mean.len(), video.bit_rate.len()), (1, 28, 1));
    assert!(bit_rate.mean.iter().all(|bits| *bits > 0) && bit_rate.mean == bit_rate.peak);
    assert_eq!(found.audio, []);

    let one = found.canonical_json().unwrap();
    assert_eq!(curves(&clip, &pieces(7)).canonical_json().unwrap(), one, "however the work is split");
    let cache = FeatureCache::new(folder.path().join("features"), u64::MAX);
    let execution = Execution { feature_cache: Some(cache), ..Execution::default() };
    for _ in 0..2 {
        assert_eq!(curves(&clip, &execution).canonical_json().unwrap(), one, "decoded or kept");
    }
}

/// Half a minute of two channels: a tone of -23 dBFS on both, the second with opposite polarity and half as loud from 10 s on.
fn sound() -> AudioCurves {
    let folder = tempfile::tempdir().unwrap();
    let tone = "0.0707945784*sin(2*PI*1000*t)";
    let source = format!("aevalsrc={tone}|-{tone}*if(gte(t\\,10)\\,0.5\\,1):c=stereo:s=48000:d=30");
    let clip = clips::make(folder.path(), "tone.wav", &format!("-filter_complex {source} -c:a pcm_f32le"));
    curves(&clip, &Execution::default()).audio.remove(0)
}

#[test]
fn loudness_is_told_ten_times_a_second_and_the_waveform_as_audiowaveform_tells_it() {
    let AudioCurves { loudness, waveform, stream, .. } = sound();
    assert_eq!((stream, loudness.len()), (0, 1));
    let curve = &loudness[0];
    assert_eq!((curve.momentary_lufs.len(), curve.short_term_lufs.len()), (300, 300));
    assert!((curve.seconds_per_point - 0.1).abs() < 1e-9);
    assert_eq!((curve.momentary_lufs[2], curve.short_term_lufs[28]), (None, None), "no window is full");
    // Two channels of -23 dBFS measure -23 LUFS; with one at half the amplitude, 2.04 LU less.
    for (at, expected) in [(3, -23.0), (50, -23.0), (250, -25.04)] {
        assert!((curve.momentary_lufs[at].unwrap() - expected).abs() < 0.1, "{:?}", curve.momentary_lufs[at]);
    }
    assert!((curve.short_term_lufs[29].unwrap() + 23.0).abs() < 0.1);

    let zooms: Vec<_> = waveform.iter().map(|peaks| (peaks.samples_per_pixel, peaks.length)).collect();
    assert_eq!(zooms, [(256, 5625), (1024, 1407), (4096, 352)]);
    for peaks in &waveform {
        assert_eq!((peaks.version, peaks.bits, peaks.channels, peaks.sample_rate), (2, 16, 2, 48_000));
        assert_eq!(peaks.data.len(), usize::try_from(peaks.length).unwrap() * 4);
        // 0.0708 and half of it in 16 bits.
        let last = &peaks.data[peaks.data.len() - 4..];
        for (value, expected) in last.iter().zip([-2320, 2320, -1160, 1160]) {
            assert!((value - expected).abs() <= 2, "{last:?}");
        }
    }
}
