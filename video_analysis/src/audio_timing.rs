//! How sound lies beside the pictures, and whether its timestamps agree with its samples.

use crate::features::Sound;
use crate::numeric::{count_to_f64, round, to_f64};
use crate::probe::AudioTrack;
use crate::report::AudioTiming;

/// Timestamps are rounded up here and down there: less than so many ticks are no drift.
const ROUNDED_TICKS: f64 = 2.0;
/// A rate of drift is told to this, in parts per million: a tick of the time base must be less of the whole.
const RESOLUTION_PPM: f64 = 100.0;
const MILLION: f64 = 1e6;

/// `pictures` are shown from then to then, in seconds; `None` without any.
pub(crate) fn timing_of(
    track: &AudioTrack,
    sound: &Sound,
    pictures: Option<(f64, f64)>,
) -> Option<AudioTiming> {
    let times = sound.times.as_ref()?;
    let sample = track.sample();
    let rounded = |seconds: f64| round(seconds, 6);
    let (start, end) = (sample.seconds(times.start), sample.seconds(times.end));
    let decoded = count_to_f64(sound.samples) * sample.to_f64();
    let (drift, tick) = (to_f64(times.drift) * sample.to_f64(), track.time_base.to_f64());
    let drift = if drift.abs() < ROUNDED_TICKS * tick { 0.0 } else { drift };
    let is_estimable = tick * MILLION <= RESOLUTION_PPM * decoded;
    Some(AudioTiming {
        start_seconds: rounded(start),
        end_seconds: rounded(end),
        start_offset_seconds: pictures.map(|(first, _)| rounded(start - first)),
        end_offset_seconds: pictures.map(|(_, last)| rounded(end - last)),
        duration_difference_seconds: pictures.map(|(first, last)| rounded((end - start) - (last - first))),
        decoded_seconds: rounded(decoded),
        gap_seconds: rounded(count_to_f64(sound.damage.totals().gap) * sample.to_f64()),
        drift_seconds: rounded(drift),
        drift_ppm: is_estimable.then(|| round(drift / decoded * MILLION, 1)),
    })
}
