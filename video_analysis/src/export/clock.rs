//! Whether frame numbers and time say the same thing.

use crate::numeric::{count_to_f64, to_f64};
use crate::rational::Rational;
use crate::report::{Segment, VideoStream};

pub(super) const MILLISECOND: Rational = Rational { num: 1, den: 1000 };
pub(super) const MICROSECOND: Rational = Rational { num: 1, den: 1_000_000 };

/// Rates of film and television (SMPTE ST 12-1 and ST 12-3, ITU-R BT.2020). A container that rounds its timestamps gives an
/// average a little beside them.
const COMMON: [(i64, i64); 13] = [
    (24_000, 1001),
    (24, 1),
    (25, 1),
    (30_000, 1001),
    (30, 1),
    (48_000, 1001),
    (48, 1),
    (50, 1),
    (60_000, 1001),
    (60, 1),
    (100, 1),
    (120_000, 1001),
    (120, 1),
];
/// How far an average may be from the rate it means: twice what 24 and 24000/1001 differ by, so that their timestamps and
/// not the average tell them apart.
const NEAR: f64 = 0.002;
/// Of two fractions that are the same number, the quotients of floats differ by less.
const SAME: f64 = 1e-9;

/// The rate at which the n-th picture is nearest to n frame durations after the first, for all `places`; `None` where the
/// stream's own rates contradict each other, or places do: the frame rate varies.
pub(super) fn constant_rate(video: &VideoStream, first_pts: i64, places: &[Segment]) -> Option<Rational> {
    let average = video.average_frame_rate.filter(|rate| rate.num > 0)?;
    let distance = |rate: Rational| (rate.to_f64() / average.to_f64() - 1.0).abs();
    // The lowest rate that fits all timestamps is the frame rate or, of fields, twice that.
    let real = video.real_frame_rate.map(|real| real.to_f64() / average.to_f64());
    if real.is_some_and(|times| (times - 1.0).abs() > NEAR && (times - 2.0).abs() > 2.0 * NEAR) {
        return None;
    }
    let mut candidates: Vec<Rational> = COMMON.iter().map(|&(num, den)| Rational { num, den }).collect();
    candidates.retain(|rate| distance(*rate) < NEAR);
    candidates.sort_by(|one, other| distance(*one).total_cmp(&distance(*other)));
    // An average of frames that are not all there is a rate of nothing.
    let whole = |times: f64| (times - times.round()).abs() < SAME;
    candidates.extend(real.is_none_or(whole).then_some(average));
    candidates.into_iter().find(|rate| {
        // Ranges of sound have no frames.
        let mut ends = places.iter().flat_map(|place| {
            let of_time_base = place.time_base;
            [
                (place.start_frame, place.start_pts, of_time_base),
                (place.end_frame, place.end_pts, of_time_base),
            ]
        });
        ends.all(|(frame, pts, time_base)| {
            let seconds = time_base.seconds(pts.saturating_sub(first_pts));
            frame.is_none_or(|frame| (seconds * rate.to_f64() - count_to_f64(frame)).abs() < 0.5)
        })
    })
}

/// Seconds of a report, which have six decimals, as a whole number.
pub(super) fn microseconds(seconds: f64) -> Option<i64> {
    format!("{seconds:.6}").replace('.', "").parse().ok()
}

/// A count of ticks as a float, as OTIO has them.
pub(super) fn ticks(value: i64) -> f64 {
    to_f64(value)
}

/// `HH:MM:SS.mmm`
pub(super) fn hms(millis: i64) -> String {
    let millis = millis.max(0);
    let (hours, minutes) = (millis / 3_600_000, millis / 60_000 % 60);
    format!("{hours:02}:{minutes:02}:{:02}.{:03}", millis / 1000 % 60, millis % 1000)
}
