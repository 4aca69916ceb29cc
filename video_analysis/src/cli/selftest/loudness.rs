//! The sine signals of EBU Tech 3341 (2016, tables 1 and 2) and EBU Tech 3342 (2016, table 1), measured.

use std::path::Path;

use serde::Serialize;
use video_analysis::report::Loudness;
use video_analysis::{Execution, Options, analyze};

use super::{Failure, make};

/// A measurement beside what it must be.
#[derive(Serialize)]
pub(super) struct Level {
    pub(super) what: &'static str,
    pub(super) demanded: f64,
    pub(super) measured: Option<f64>,
    /// How far it may be below and above.
    pub(super) below: f64,
    pub(super) above: f64,
    pub(super) passed: bool,
}

/// Level in dBFS and seconds of a part of a signal, a stereo sine of 1 kHz.
type Part = (f64, f64);
/// What it is, the signal, what is measured, what it must be, and how far it may be below and above.
type Case<'a> = (&'static str, Vec<Part>, fn(&Loudness) -> Option<f64>, f64, f64, f64);

pub(super) fn measure(folder: &Path) -> Result<Vec<Level>, Failure> {
    let integrated: fn(&Loudness) -> Option<f64> = |loudness| loudness.integrated_lufs;
    let range: fn(&Loudness) -> Option<f64> = |loudness| loudness.range_lu;
    let around = vec![(-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0)];
    let five = vec![(-72.0, 10.0), (-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0), (-72.0, 10.0)];
    let steps = vec![(-50.0, 20.0), (-35.0, 20.0), (-20.0, 20.0), (-35.0, 20.0), (-50.0, 20.0)];
    let uneven = vec![(-26.0, 20.0), (-20.0, 20.1), (-26.0, 20.0)];
    let cases: Vec<Case> = vec![
        ("Tech 3341 case 1, integrated LUFS", vec![(-23.0, 20.0)], integrated, -23.0, 0.1, 0.1),
        (
            "Tech 3341 case 1, momentary LUFS",
            vec![(-23.0, 20.0)],
            |loudness| loudness.momentary_max_lufs,
            -23.0,
            0.1,
            0.1,
        ),
        (
            "Tech 3341 case 1, short-term LUFS",
            vec![(-23.0, 20.0)],
            |loudness| loudness.short_term_max_lufs,
            -23.0,
            0.1,
            0.1,
        ),
        ("Tech 3341 case 2, integrated LUFS", vec![(-33.0, 20.0)], integrated, -33.0, 0.1, 0.1),
        ("Tech 3341 case 3, integrated LUFS", around, integrated, -23.0, 0.1, 0.1),
        ("Tech 3341 case 4, integrated LUFS", five, integrated, -23.0, 0.1, 0.1),
        ("Tech 3341 case 5, integrated LUFS", uneven, integrated, -23.0, 0.1, 0.1),
        ("Tech 3342 case 1, range LU", vec![(-20.0, 20.0), (-30.0, 20.0)], range, 10.0, 1.0, 1.0),
        ("Tech 3342 case 2, range LU", vec![(-20.0, 20.0), (-15.0, 20.0)], range, 5.0, 1.0, 1.0),
        ("Tech 3342 case 3, range LU", vec![(-40.0, 20.0), (-20.0, 20.0)], range, 20.0, 1.0, 1.0),
        ("Tech 3342 case 4, range LU", steps, range, 15.0, 1.0, 1.0),
    ];
    let sines = cases.into_iter().map(|(what, parts, value, demanded, below, above)| {
        let part = |(number, (level, seconds)): (usize, &Part)| {
            let sine = format!("{:.12}*sin(2*PI*1000*t)", 10f64.powf(level / 20.0));
            format!("aevalsrc={sine}|{sine}:s=48000:d={seconds}[p{number}];")
        };
        let sources = parts.iter().enumerate().map(part).collect::<Vec<_>>().concat();
        let labels = (0..parts.len()).map(|number| format!("[p{number}]")).collect::<Vec<_>>().concat();
        let graph = format!("{sources}{labels}concat=n={}:v=0:a=1", parts.len());
        level(folder, what, &graph, value, (demanded, below, above))
    });
    // Sines whose samples miss their peaks: fraction of the sample rate, phase in degrees, amplitude, true peak. They come
    // and go slowly: a sine that begins at once overshoots, and so truly has a higher peak.
    let peaks = [
        ("Tech 3341 case 15, true peak dBTP", 4, 0.0, 0.5, -6.0),
        ("Tech 3341 case 16, true peak dBTP", 4, 45.0, 0.5, -6.0),
        ("Tech 3341 case 17, true peak dBTP", 6, 60.0, 0.5, -6.0),
        ("Tech 3341 case 18, true peak dBTP", 8, 67.5, 0.5, -6.0),
        ("Tech 3341 case 19, true peak dBTP", 4, 45.0, 1.41, 3.0),
    ];
    let peaks = peaks.into_iter().map(|(what, fraction, phase, amplitude, demanded)| {
        let graph = format!("aevalsrc={amplitude}*sin(2*PI*n/{fraction}+{phase}*PI/180):s=48000:d=2,afade=in:d=0.2,afade=out:st=1.8:d=0.2");
        level(folder, what, &graph, |loudness| loudness.true_peak_dbtp, (demanded, 0.4, 0.2))
    });
    sines.chain(peaks).collect()
}

fn level(
    folder: &Path,
    what: &'static str,
    graph: &str,
    value: fn(&Loudness) -> Option<f64>,
    (demanded, below, above): (f64, f64, f64),
) -> Result<Level, Failure> {
    let path = make::clip(folder, "loudness.wav", graph, "-c:a pcm_f32le")?;
    let report = analyze(&path, &Options::default(), &Execution::default(), &())?;
    let measured = report.loudness.as_ref().and_then(value);
    let passed = measured.is_some_and(|measured| (demanded - below..=demanded + above).contains(&measured));
    Ok(Level { what, demanded, measured, below, above, passed })
}
