//! OpenTimelineIO: one video track, a clip a shot, all of the same media; what else was found in the film as markers.
//!
//! Times are frame numbers at the film's rate; of a film whose rate varies they are timestamps, at the rate of their time
//! base. Both count from the first picture and are whole numbers, so that nothing is rounded.

use serde_json::{Value, json};

use super::film::{Film, Shot};
use super::{Media, clock};
use crate::numeric::count_to_f64;
use crate::rational::Rational;
use crate::report::findings::{self, Finding};

/// Where OTIO keeps what its schema has no place for.
const NAMESPACE: &str = "video_analysis";

pub(super) fn write(film: &Film, media: &Media) -> String {
    let times = Times::of(film);
    let end = film.shots.last().map_or(film.first_pts, |shot| shot.pts.1);
    let available = times.range((0, film.frames()), (film.first_pts, end));
    let reference = json!({
        "OTIO_SCHEMA": if media.url.is_some() { "ExternalReference.1" } else { "MissingReference.1" },
        "name": media.name,
        "available_range": available,
        "metadata": { NAMESPACE: { "sha256": film.report.input.sha256 } },
    });
    let reference = with(reference, "target_url", media.url.clone().map(Value::from));
    let clips: Vec<Value> = film.shots.iter().map(|shot| clip(shot, &times, &reference)).collect();
    let found = findings::of(film.report).into_iter().filter(|finding| finding.list != "shots");
    let markers: Vec<Value> = found.map(|finding| marker(&finding, film, &times)).collect();
    let track = json!({
        "OTIO_SCHEMA": "Track.1", "name": "V1", "kind": "Video", "children": clips, "markers": markers,
    });
    let timeline = json!({
        "OTIO_SCHEMA": "Timeline.1",
        "name": media.name,
        "metadata": { NAMESPACE: { "digest": film.report.digest } },
        "tracks": { "OTIO_SCHEMA": "Stack.1", "name": "tracks", "children": [track] },
    });
    format!("{timeline:#}\n")
}

fn clip(shot: &Shot, times: &Times, reference: &Value) -> Value {
    json!({
        "OTIO_SCHEMA": "Clip.2",
        "name": format!("Shot {}", shot.number),
        "source_range": times.range(shot.frames, shot.pts),
        "media_references": { "DEFAULT_MEDIA": reference },
        "active_media_reference_key": "DEFAULT_MEDIA",
        "metadata": { NAMESPACE: { "opened_by": shot.opened_by, "confidence": shot.confidence } },
    })
}

fn marker(finding: &Finding, film: &Film, times: &Times) -> Value {
    let segment = &finding.segment;
    let range = if let Some(frames) = segment.start_frame.zip(segment.end_frame) {
        times.range(frames, (segment.start_pts, segment.end_pts))
    } else {
        // Sound counts in samples, from its own zero.
        let samples = Rational { num: segment.time_base.den, den: segment.time_base.num.max(1) };
        let zero = film.time_base.rescale(film.first_pts, segment.time_base);
        range(segment.start_pts.saturating_sub(zero), segment.end_pts.saturating_sub(zero), samples)
    };
    json!({
        "OTIO_SCHEMA": "Marker.2",
        "name": segment.kind,
        "color": "PURPLE",
        "marked_range": range,
        "metadata": { NAMESPACE: { "confidence": segment.confidence, "evidence": segment.evidence } },
    })
}

/// How the film's pictures are timed.
enum Times {
    Frames(Rational),
    Timestamps { rate: Rational, first: i64 },
}

impl Times {
    fn of(film: &Film) -> Self {
        let Rational { num, den } = film.time_base;
        film.constant_rate().map_or(
            Self::Timestamps { rate: Rational { num: den, den: num.max(1) }, first: film.first_pts },
            Self::Frames,
        )
    }

    fn range(&self, frames: (u64, u64), pts: (i64, i64)) -> Value {
        match self {
            Self::Frames(rate) => {
                let (start, length) =
                    (count_to_f64(frames.0), count_to_f64(frames.1.saturating_sub(frames.0)));
                time_range(start, length, *rate)
            }
            Self::Timestamps { rate, first } => {
                range(pts.0.saturating_sub(*first), pts.1.saturating_sub(*first), *rate)
            }
        }
    }
}

fn range(start: i64, end: i64, rate: Rational) -> Value {
    time_range(clock::ticks(start), clock::ticks(end.saturating_sub(start)), rate)
}

fn time_range(start: f64, length: f64, rate: Rational) -> Value {
    let time = |value: f64| json!({ "OTIO_SCHEMA": "RationalTime.1", "value": value, "rate": rate.to_f64() });
    json!({ "OTIO_SCHEMA": "TimeRange.1", "start_time": time(start), "duration": time(length) })
}

fn with(mut object: Value, name: &str, value: Option<Value>) -> Value {
    if let (Some(members), Some(value)) = (object.as_object_mut(), value) {
        members.insert(name.to_owned(), value);
    }
    object
}
