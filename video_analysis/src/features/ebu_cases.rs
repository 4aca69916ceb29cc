//! The signals of EBU Tech 3341 (table 1) and Tech 3342 (table 1) that can be synthesized, against the values and tolerances there;
//! `tests/engine/sound.rs` puts some of them through files and the whole engine. Cases 7 and 8, and 5 and 6 of Tech 3342, are recordings of
//! programmes; 20 to 23 exist as files only.

use std::f64::consts::PI;

use super::*;
use crate::numeric::whole_number;

const RATE: u32 = 48_000;

/// What is measured of the same samples on both channels of a stereo stream.
fn measure(samples: &[f32]) -> (Loudness, LoudnessCurve) {
    let track = AudioTrack {
        index: 0,
        sample_rate: RATE,
        channels: 2,
        layout: Some("stereo".to_owned()),
        start_sample: 0,
        duration_seconds: None,
        time_base: crate::rational::Rational { num: 1, den: 48_000 },
        promised_end: None,
    };
    let mut meter = LoudnessMeter::new(&track).unwrap();
    for block in samples.chunks(4800) {
        meter.push(&block.iter().flat_map(|sample| [*sample, *sample]).collect::<Vec<_>>()).unwrap();
    }
    meter.finish().unwrap()
}

/// A sine of `hertz`, in parts: a level in dBFS, and for how many seconds; minus infinity is silence.
fn sine(hertz: f64, degrees: f64, parts: &[(f64, f64)]) -> Vec<f32> {
    let mut samples = Vec::new();
    for (level, seconds) in parts {
        let end = samples.len()
            + usize::try_from(whole_number((seconds * f64::from(RATE)).round()).unwrap()).unwrap();
        let amplitude = 10f64.powf(level / 20.0);
        while samples.len() < end {
            let phase = 2.0 * PI * hertz * len_to_f64(samples.len()) / f64::from(RATE) + degrees.to_radians();
            samples.push(to_f32(amplitude * phase.sin()));
        }
    }
    samples
}

fn tone(parts: &[(f64, f64)]) -> Vec<f32> {
    sine(1000.0, 0.0, parts)
}

const SILENCE: f64 = f64::NEG_INFINITY;

#[track_caller]
fn assert_near(value: Option<f64>, expected: f64, tolerance: f64, what: &str) {
    let near = value.is_some_and(|value| (value - expected).abs() <= tolerance);
    assert!(near, "{what}: {value:?} instead of {expected}");
}

/// The largest of a part of a curve.
fn largest(levels: &[Option<f64>]) -> Option<f64> {
    levels.iter().flatten().copied().reduce(f64::max)
}

#[test]
fn tech_3341_cases_1_to_5_gate_and_integrate() {
    let cases: [&[(f64, f64)]; 5] = [
        &[(-23.0, 20.0)],
        &[(-33.0, 20.0)],
        &[(-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0)],
        &[(-72.0, 10.0), (-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0), (-72.0, 10.0)],
        &[(-26.0, 20.0), (-20.0, 20.1), (-26.0, 20.0)],
    ];
    for ((number, parts), expected) in (1..).zip(cases).zip([-23.0, -33.0, -23.0, -23.0, -23.0]) {
        let (loudness, curve) = measure(&tone(parts));
        assert_near(loudness.integrated_lufs, expected, 0.1, &format!("case {number}"));
        if let [(level, _)] = parts {
            // Cases 1 and 2 ask it of all three, throughout.
            assert!(curve.momentary().iter().skip(3).all(|value| (value.unwrap() - level).abs() <= 0.1));
            assert!(curve.short_term().iter().skip(29).all(|value| (value.unwrap() - level).abs() <= 0.1));
        }
    }
}

#[test]
fn tech_3341_cases_9_and_12_are_steady_although_the_tone_is_not() {
    let (_, curve) = measure(&tone(&[(-20.0, 1.34), (-30.0, 1.66)].repeat(5)));
    for value in &curve.short_term()[30..] {
        assert_near(*value, -23.0, 0.1, "case 9");
    }
    let (_, curve) = measure(&tone(&[(-20.0, 0.18), (-30.0, 0.22)].repeat(25)));
    for value in &curve.momentary()[4..] {
        assert_near(*value, -23.0, 0.1, "case 12");
    }
}

#[test]
fn tech_3341_cases_10_and_13_find_a_burst_wherever_it_begins() {
    for number in (0..20).map(f64::from) {
        let (loudness, _) = measure(&tone(&[(SILENCE, 0.15 * number), (-23.0, 3.0), (SILENCE, 1.0)]));
        assert_near(loudness.short_term_max_lufs, -23.0, 0.1, &format!("case 10-{}", number + 1.0));
        let (loudness, _) = measure(&tone(&[(SILENCE, 0.02 * number), (-23.0, 0.4), (SILENCE, 1.0)]));
        assert_near(loudness.momentary_max_lufs, -23.0, 0.1, &format!("case 13-{}", number + 1.0));
    }
}

#[test]
fn tech_3341_cases_11_and_14_follow_bursts_that_grow_louder() {
    let bursts = |step: f64, length: f64| -> Vec<(f64, f64)> {
        let burst = |number: f64| {
            let wait = step * number;
            [(SILENCE, wait), (number - 38.0, length), (SILENCE, length - wait)]
        };
        (0..20).map(f64::from).flat_map(burst).collect()
    };
    let (_, curve) = measure(&tone(&bursts(0.15, 3.0)));
    for (level, part) in (-38..).map(f64::from).zip(curve.short_term().chunks(60)) {
        assert_near(largest(part), level, 0.1, "case 11");
    }
    let (_, curve) = measure(&tone(&bursts(0.02, 0.4)));
    for (level, part) in (-38..).map(f64::from).zip(curve.momentary().chunks(8)) {
        assert_near(largest(part), level, 0.1, "case 14");
    }
}

#[test]
fn tech_3341_cases_15_to_19_find_peaks_between_samples() {
    // A share of the sample rate, the phase, the amplitude, and the true peak; tolerance +0.2 and -0.4 dB.
    let cases = [
        (4.0, 0.0, 0.5, -6.0),
        (4.0, 45.0, 0.5, -6.0),
        (6.0, 60.0, 0.5, -6.0),
        (8.0, 67.5, 0.5, -6.0),
        (4.0, 45.0, 1.41, 3.0),
    ];
    for (number, (share, degrees, amplitude, expected)) in (15..).zip(cases) {
        let level = 20.0 * f64::log10(amplitude);
        let mut samples = sine(f64::from(RATE) / share, degrees, &[(level, 2.0)]);
        // A tone that is switched on at once rings, and really has a higher peak there.
        for (number, sample) in samples.iter_mut().enumerate() {
            *sample *= to_f32((len_to_f64(number) / 4800.0).min(1.0));
        }
        let (loudness, _) = measure(&samples);
        let peak = loudness.true_peak_dbtp.unwrap();
        assert!((expected - 0.4..=expected + 0.2).contains(&peak), "case {number}: {peak}");
    }
}

#[test]
fn tech_3342_cases_1_to_4_measure_the_loudness_range() {
    let cases: [(&[f64], f64); 4] = [
        (&[-20.0, -30.0], 10.0),
        (&[-20.0, -15.0], 5.0),
        (&[-40.0, -20.0], 20.0),
        (&[-50.0, -35.0, -20.0, -35.0, -50.0], 15.0),
    ];
    for (number, (levels, expected)) in (1..).zip(cases) {
        let parts: Vec<_> = levels.iter().map(|level| (*level, 20.0)).collect();
        let (loudness, _) = measure(&tone(&parts));
        assert_near(loudness.range_lu, expected, 1.0, &format!("case {number}"));
    }
}
