//! One analysis from file to report.

use std::path::Path;
use std::time::Instant;

use crate::active;
use crate::decode::{VideoJob, decode_pictures, decode_sound};
use crate::detect::{Detector, Film, Findings, sound_detectors, video_detectors};
use crate::digest::{file_size, identify};
use crate::error::{Error, ErrorKind};
use crate::execution::Execution;
use crate::features::{Footage, Levels, Sound, SoundExtractor};
use crate::numeric::{count_to_f64, len, round};
use crate::observer::{Observer, Tracker};
use crate::options::Options;
use crate::probe::{AudioTrack, PacketIndex, Probe, VideoTrack, check_duration, probe, span_seconds};
use crate::process::Processes;
use crate::report::{
    Coverage, DetectorRun, DetectorStatus, Engine, Input, Report, SCHEMA_VERSION, canonical_value,
};
use crate::store::{Kept, Key};

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
    examine(input, options, execution, observer).map(|(report, _)| report)
}

/// The same, with what the video detectors worked from.
pub(crate) fn examine(
    input: &Path,
    options: &Options,
    execution: &Execution,
    observer: &dyn Observer,
) -> Result<(Report, Option<Film>), Error> {
    options.validate().map_err(|invalid| Error::new(ErrorKind::InvalidOptions, invalid.to_string()))?;
    file_size(input)?;
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

/// What detectors work from, and what it was made of.
struct Material {
    input: Input,
    footage: Option<Footage>,
    sound: Option<Sound>,
}

/// The examined part of a stream.
struct Examined {
    coverage: Coverage,
    /// Whether there was anything.
    empty: bool,
}

impl Analysis<'_> {
    fn run(&self) -> Result<(Report, Option<Film>), Error> {
        let (probe, video, audio) = probe(self.input, self.execution, self.processes)?;
        let Material { input, footage, sound } = self.material(&probe, video.as_ref(), audio.as_ref())?;
        self.tracker.detecting();
        let film = video.as_ref().zip(footage).map(|(track, footage)| {
            let cut_off = is_cut_off(&probe.container.format, track.declared_frames, footage.listed);
            let damaged = probe.damaged || footage.damaged || cut_off;
            let rate = track.average_frame_rate;
            let film = Film::new(footage.frames, track.time_base, footage.last_duration, rate);
            (film.with_areas(footage.areas), damaged)
        });
        let frames = film.as_ref().map_or(0, |(film, _)| len(film.frames.len()));
        let sound = audio.as_ref().zip(sound.as_ref());
        if frames == 0 && sound.is_none_or(|(_, sound)| sound.samples == 0) {
            return Err(Error::new(ErrorKind::Undecodable, "no picture and no sample"));
        }
        let seen = video
            .as_ref()
            .zip(film.as_ref())
            .map(|(track, (film, damaged))| examined_pictures(track, film, *damaged));
        let heard = sound.map(|(track, sound)| examined_sound(track, sound, probe.damaged));

        let mut findings = Findings::default();
        let mut detectors = Vec::new();
        for detector in video_detectors(self.options) {
            if let Some((film, _)) = film.as_ref().filter(|(film, _)| !film.frames.is_empty()) {
                detector.detect(film, &mut findings);
            }
            detectors.push(run_of(detector.as_ref(), seen.as_ref(), "video")?);
        }
        for detector in sound_detectors(self.options) {
            if let Some((track, sound)) = sound {
                detector.detect(track, sound, &mut findings);
            }
            detectors.push(run_of(detector.as_ref(), heard.as_ref(), "audio")?);
        }

        let report = Self::report(probe, input, frames, findings, detectors)?;
        self.tracker.finished();
        Ok((report, film.map(|(film, _)| film)))
    }

    /// From the cache where it is there, else by decoding.
    fn material(
        &self,
        probe: &Probe,
        video: Option<&VideoTrack>,
        audio: Option<&AudioTrack>,
    ) -> Result<Material, Error> {
        let Some(cache) = &self.execution.feature_cache else {
            return self.decode(probe, video, audio, None, Kept::default());
        };
        let key = |input: &Input| {
            let streams = [video.map(|track| track.index), audio.map(|track| track.index)];
            Key::new(input, &probe.decoder, streams)
        };
        // The digest is waited for only where it may be worth it; it is otherwise made while decoding.
        let promising = cache.has_any_of_size(file_size(self.input)?);
        let known = promising.then(|| identify(self.input, &self.processes.watch)).transpose()?;
        let mut kept = known.as_ref().map(|input| cache.load(&key(input))).unwrap_or_default();
        kept.sound = kept.sound.filter(|sound| sound.quiet.below(&self.options.silence).is_some());
        let has = (kept.footage.is_some(), kept.sound.is_some());
        if let (Some(track), Some(footage)) = (video, &kept.footage) {
            self.check_span(footage.span, track)?;
            self.tracker.probed(Some(footage.packets));
            self.tracker.decoded(footage.packets);
        }
        if has.0 || has.1 {
            log::info!("features from cache pictures={} sound={}", has.0, has.1);
        }
        let material = self.decode(probe, video, audio, known, kept)?;
        // What a decoder complained about may be its limits and not the file: that is decoded anew each time.
        let footage = material.footage.as_ref().filter(|footage| !footage.damaged);
        let sound = material.sound.as_ref().filter(|sound| !sound.damaged);
        if has != (footage.is_some(), sound.is_some()) {
            cache.keep(&key(&material.input), footage, sound);
        }
        Ok(material)
    }

    /// Identity, sound and pictures, side by side, as far as they are not there already.
    fn decode(
        &self,
        probe: &Probe,
        video: Option<&VideoTrack>,
        audio: Option<&AudioTrack>,
        known: Option<Input>,
        kept: Kept,
    ) -> Result<Material, Error> {
        std::thread::scope(|scope| {
            let identity =
                scope.spawn(|| known.map_or_else(|| identify(self.input, &self.processes.watch), Ok));
            let sound = audio.filter(|_| kept.sound.is_none());
            let sound = sound.map(|track| scope.spawn(move || self.sound(probe, track)));
            let footage = video.filter(|_| kept.footage.is_none()).map(|track| self.footage(probe, track));
            let (input, sound) = (joined(identity), sound.map(joined));
            let footage = footage.transpose()?.or(kept.footage);
            let sound = sound.transpose()?.or(kept.sound);
            Ok(Material { input: input?, footage, sound })
        })
    }

    fn sound(&self, probe: &Probe, track: &AudioTrack) -> Result<Sound, Error> {
        let asked = Levels::asked(&self.options.silence);
        let levels = if self.execution.feature_cache.is_some() { asked.and_others() } else { asked };
        let extractor = SoundExtractor::new(track, levels)?;
        decode_sound(probe, track, self.execution, self.processes, extractor)
    }

    fn footage(&self, probe: &Probe, track: &VideoTrack) -> Result<Footage, Error> {
        let index = PacketIndex::read(&probe.url, track.index, self.execution.max_pixels, self.processes)?;
        let ends = index.shown.first().zip(index.shown.last());
        let span = ends.map_or(0, |((first, _), (last, _))| last.abs_diff(*first));
        self.check_span(span, track)?;
        self.tracker.probed(Some(index.packets));
        let job = VideoJob {
            probe,
            track,
            index: &index,
            execution: self.execution,
            processes: self.processes,
            tracker: self.tracker,
        };
        let pictures = decode_pictures(&job)?;
        let frames = pictures.features.frames;
        log::debug!(
            "pictures decoded frames={} pieces={} damaged={}",
            frames.len(),
            pictures.pieces,
            pictures.damaged
        );
        let areas = active::find(&job, &frames, coded_size(probe, track))?;
        Ok(Footage {
            frames,
            areas,
            packets: index.packets,
            listed: index.listed,
            span,
            last_duration: index.last_duration,
            damaged: index.damaged || pictures.damaged,
        })
    }

    fn check_span(&self, ticks: u64, track: &VideoTrack) -> Result<(), Error> {
        check_duration(span_seconds(ticks, track.time_base), self.execution.max_duration)
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
            plain: findings.plain,
            freezes: findings.freezes,
            active_area: findings.active_area,
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

/// Width and height of the pictures of a stream as they are coded.
fn coded_size(probe: &Probe, track: &VideoTrack) -> (u32, u32) {
    let stream = probe.streams.iter().find(|stream| stream.index == track.index);
    stream.and_then(|stream| stream.video.as_ref()).map_or((0, 0), |video| (video.width, video.height))
}

fn joined<T>(thread: std::thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
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
