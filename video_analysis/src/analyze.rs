//! One analysis from file to report.

use std::path::Path;
use std::time::Instant;

use crate::decode::{Pictures, Sound, VideoJob, decode_pictures, decode_sound};
use crate::detect::{AudioDetector, Detector, Film, Findings, audio_detectors, video_detectors};
use crate::digest::{check_file, identify};
use crate::error::{Error, ErrorKind};
use crate::execution::Execution;
use crate::numeric::{count_to_f64, len, round};
use crate::observer::{Observer, Tracker};
use crate::options::Options;
use crate::probe::{AudioTrack, PacketIndex, Probe, VideoTrack, check_duration, probe, span_seconds};
use crate::process::Processes;
use crate::report::{
    Coverage, DetectorRun, DetectorStatus, Engine, Input, Report, SCHEMA_VERSION, canonical_value,
};

/// Analyses one file. Blocks until it is done; decoding uses `execution.workers` processes and one more for sound.
///
/// # Errors
/// See [`ErrorKind`]; a damaged file from which something can be decoded is not an error: the report says what was examined.
pub fn analyze(
    input: &Path,
    options: &Options,
    execution: &Execution,
    observer: &dyn Observer,
) -> Result<Report, Error> {
    options.validate().map_err(|invalid| Error::new(ErrorKind::InvalidOptions, invalid.to_string()))?;
    check_file(input)?;
    let processes = Processes::new(execution)?;
    watched(&processes, execution, observer, || {
        let tracker = Tracker::new(observer);
        Analysis { input, options, execution, processes: &processes, tracker: &tracker }.run()
    })
}

/// Runs `work` while another thread enforces the deadline and asks the observer.
pub(crate) fn watched<T>(
    processes: &Processes,
    execution: &Execution,
    observer: &dyn Observer,
    work: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    /// Ends the watch also when `work` panics: the scope would wait for it for ever.
    struct Finish<'a>(&'a Processes);
    impl Drop for Finish<'_> {
        fn drop(&mut self) {
            self.0.watch.finish();
        }
    }
    let deadline = Instant::now() + execution.limits.wall;
    std::thread::scope(|scope| {
        scope.spawn(|| processes.watch.run(deadline, observer));
        let _finish = Finish(processes);
        let result = work();
        // A decoder that was killed looks broken to whoever reads from it; the reason is what is told.
        processes.watch.check().and(result)
    })
}

struct Analysis<'a> {
    input: &'a Path,
    options: &'a Options,
    execution: &'a Execution,
    processes: &'a Processes,
    tracker: &'a Tracker<'a>,
}

/// The examined part of a stream.
struct Examined {
    coverage: Coverage,
    /// Whether there was anything.
    empty: bool,
}

impl Analysis<'_> {
    fn run(&self) -> Result<Report, Error> {
        let (probe, video, audio) = probe(self.input, self.execution, self.processes)?;
        let mut findings = Findings::default();
        let (input, pictures, sound) = self.decode(&probe, video.as_ref(), audio.as_ref(), &mut findings)?;
        self.tracker.detecting();
        let film = video.as_ref().zip(pictures).map(|(track, (index, pictures))| {
            let cut_off = is_cut_off(&probe.container.format, track.declared_frames, index.listed);
            let damaged = probe.damaged || index.damaged || pictures.damaged || cut_off;
            let rate = track.average_frame_rate;
            (Film::new(pictures.features.frames, track.time_base, index.last_duration, rate), damaged)
        });
        let frames = film.as_ref().map_or(0, |(film, _)| len(film.frames.len()));
        if frames == 0 && sound.as_ref().is_none_or(|(sound, _)| sound.samples == 0) {
            return Err(Error::new(ErrorKind::Undecodable, "no picture and no sample"));
        }
        let seen = video
            .as_ref()
            .zip(film.as_ref())
            .map(|(track, (film, damaged))| examined_pictures(track, film, *damaged));
        let heard = audio
            .as_ref()
            .zip(sound.as_ref())
            .map(|(track, (sound, _))| examined_sound(track, sound, probe.damaged));

        let mut detectors = Vec::new();
        for detector in video_detectors(self.options) {
            if let Some((film, _)) = film.as_ref().filter(|(film, _)| !film.frames.is_empty()) {
                detector.detect(film, &mut findings);
            }
            detectors.push(run_of(detector.as_ref(), seen.as_ref(), "video")?);
        }
        detectors.extend(
            self.audio_runs(heard.as_ref(), sound.as_ref().map(|(_, detectors)| detectors.as_slice()))?,
        );

        let report = Self::report(probe, input, frames, findings, detectors)?;
        self.tracker.finished();
        Ok(report)
    }

    /// Identity, sound and pictures, side by side.
    #[expect(clippy::type_complexity, reason = "three results of one scope, taken apart by the only caller")]
    fn decode(
        &self,
        probe: &Probe,
        video: Option<&VideoTrack>,
        audio: Option<&AudioTrack>,
        findings: &mut Findings,
    ) -> Result<(Input, Option<(PacketIndex, Pictures)>, Option<(Sound, Vec<Box<dyn AudioDetector>>)>), Error>
    {
        std::thread::scope(|scope| {
            let identity = scope.spawn(|| identify(self.input, &self.processes.watch));
            let sound = audio.map(|track| scope.spawn(move || self.sound(probe, track)));
            let pictures = video.map(|track| self.pictures(probe, track));
            let (input, sound) = (joined(identity), sound.map(joined));
            let pictures = pictures.transpose()?;
            let sound = match sound.transpose()? {
                Some((sound, mut detectors)) => {
                    if sound.samples > 0 {
                        detectors.iter_mut().try_for_each(|detector| detector.finish(findings))?;
                    }
                    Some((sound, detectors))
                }
                None => None,
            };
            Ok((input?, pictures, sound))
        })
    }

    fn sound(
        &self,
        probe: &Probe,
        track: &AudioTrack,
    ) -> Result<(Sound, Vec<Box<dyn AudioDetector>>), Error> {
        let mut detectors = audio_detectors(self.options, track)?;
        let sound = decode_sound(probe, track, self.execution, self.processes, &mut detectors)?;
        Ok((sound, detectors))
    }

    fn pictures(&self, probe: &Probe, track: &VideoTrack) -> Result<(PacketIndex, Pictures), Error> {
        let index = PacketIndex::read(&probe.url, track.index, self.execution.max_pixels, self.processes)?;
        if let (Some((first, _)), Some((last, _))) = (index.shown.first(), index.shown.last()) {
            check_duration(
                span_seconds(last.abs_diff(*first), track.time_base),
                self.execution.max_duration,
            )?;
        }
        self.tracker.probed(Some(index.packets));
        let pictures = decode_pictures(&VideoJob {
            probe,
            track,
            index: &index,
            dark_below: dark_below(self.options.black.pixel_threshold),
            execution: self.execution,
            processes: self.processes,
            tracker: self.tracker,
        })?;
        let frames = pictures.features.frames.len();
        log::debug!(
            "pictures decoded frames={frames} pieces={} damaged={}",
            pictures.pieces,
            pictures.damaged
        );
        Ok((index, pictures))
    }

    /// Audio detectors exist only for a stream; without one, their names and parameters are still told.
    fn audio_runs(
        &self,
        heard: Option<&Examined>,
        detectors: Option<&[Box<dyn AudioDetector>]>,
    ) -> Result<Vec<DetectorRun>, Error> {
        if let Some(detectors) = detectors {
            return detectors.iter().map(|detector| run_of(detector.as_ref(), heard, "audio")).collect();
        }
        let nominal = AudioTrack::nominal();
        let detectors = audio_detectors(self.options, &nominal)?;
        detectors.iter().map(|detector| run_of(detector.as_ref(), None, "audio")).collect()
    }

    fn report(
        probe: Probe,
        input: Input,
        frames: u64,
        findings: Findings,
        detectors: Vec<DetectorRun>,
    ) -> Result<Report, Error> {
        let mut report = Report {
            schema_version: SCHEMA_VERSION.to_owned(),
            engine: Engine {
                name: env!("CARGO_PKG_NAME").to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                decoder: probe.decoder,
            },
            input,
            container: probe.container,
            streams: probe.streams,
            frames,
            shots: findings.shots,
            transitions: findings.transitions,
            black: findings.black,
            silence: findings.silence,
            loudness: findings.loudness,
            poster: findings.poster,
            detectors,
            digest: String::new(),
        };
        report.digest = report.computed_digest()?;
        Ok(report)
    }
}

/// Whether packets are missing that the container says it has. Only MP4 and its kin know: elsewhere the number is an
/// estimate, or counts empty slots as well.
fn is_cut_off(format: &str, declared: Option<u64>, listed: u64) -> bool {
    format.split(',').any(|name| name == "mov") && declared.is_some_and(|declared| declared > listed)
}

fn joined<T>(thread: std::thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// The first luma value that is not black.
fn dark_below(pixel_threshold: f64) -> u8 {
    let limit = pixel_threshold * 255.0;
    (0..=u8::MAX)
        .take_while(|value| f64::from(*value) < limit)
        .last()
        .map_or(0, |value| value.saturating_add(1))
}

fn examined_pictures(track: &VideoTrack, film: &Film, damaged: bool) -> Examined {
    Examined {
        empty: film.frames.is_empty(),
        coverage: Coverage {
            stream: track.index,
            frames: Some(len(film.frames.len())),
            samples: None,
            seconds: round(film.duration_seconds(), 6),
            expected_seconds: track.duration_seconds,
            damaged,
        },
    }
}

fn examined_sound(track: &AudioTrack, sound: &Sound, damaged: bool) -> Examined {
    Examined {
        empty: sound.samples == 0,
        coverage: Coverage {
            stream: track.index,
            frames: None,
            samples: Some(sound.samples),
            seconds: round(count_to_f64(sound.samples) / f64::from(track.sample_rate), 6),
            expected_seconds: track.duration_seconds,
            damaged: damaged || sound.damaged,
        },
    }
}

fn run_of<D: Detector + ?Sized>(
    detector: &D,
    examined: Option<&Examined>,
    what: &str,
) -> Result<DetectorRun, Error> {
    let (status, skipped_reason, coverage) = match examined {
        None => (DetectorStatus::Skipped, Some(format!("the file has no {what} stream")), None),
        Some(Examined { empty: true, .. }) => {
            (DetectorStatus::Skipped, Some(format!("nothing of the {what} stream could be decoded")), None)
        }
        Some(Examined { coverage, .. }) if coverage.damaged => {
            (DetectorStatus::Damaged, None, Some(coverage.clone()))
        }
        Some(Examined { coverage, .. }) => (DetectorStatus::Completed, None, Some(coverage.clone())),
    };
    Ok(DetectorRun {
        name: detector.name().to_owned(),
        version: detector.version().to_owned(),
        params: canonical_value(&detector.params())?,
        status,
        skipped_reason,
        coverage,
    })
}
