//! One analysis from file to report.

mod material;

use std::path::Path;
use std::time::Instant;

use crate::audio_timing::timing_of;
use crate::curves::{of_pictures, of_sound};
use crate::damage;
use crate::decode::SHORTCUTS;
use crate::detect::{Film, Findings, sound_detectors, video_detectors};
use crate::digest::file_size;
use crate::error::{Error, ErrorKind};
use crate::examined::{Examined, examined_pictures, examined_sound, run_of};
use crate::execution::Execution;
use crate::numeric::len;
use crate::observer::{Observer, Tracker};
use crate::options::Options;
use crate::packets::packets_of;
use crate::probe::{Probe, probe};
use crate::process::Processes;
use crate::report::{
    AudioCurves, AudioFindings, CURVES_VERSION, Curves, DetectorRun, Engine, Input, Report, SCHEMA_VERSION,
    StreamDamage, VideoCurves, VideoPackets,
};
use material::{Material, is_cut_off};

/// Analyses one file. Blocks until it is done; decoding uses `execution.workers` processes at a time.
///
/// # Errors
/// See [`ErrorKind`]; a damaged file from which something can be decoded is not an error: the report says what was examined.
pub fn analyze(
    input: &Path,
    options: &Options,
    execution: &Execution,
    observer: &dyn Observer,
) -> Result<Report, Error> {
    run(input, options, execution, observer, false).map(|(report, ..)| report)
}

/// The same, with what the video detectors worked from.
pub(crate) fn examine(
    input: &Path,
    options: &Options,
    execution: &Execution,
    observer: &dyn Observer,
) -> Result<(Report, Option<Film>), Error> {
    run(input, options, execution, observer, false).map(|(report, film, _)| (report, film))
}

/// The same, with the curves that go with the report.
///
/// # Errors
/// As [`analyze`].
pub fn analyze_with_curves(
    input: &Path,
    options: &Options,
    execution: &Execution,
    observer: &dyn Observer,
) -> Result<(Report, Curves), Error> {
    let (report, _, (video, audio)) = run(input, options, execution, observer, true)?;
    let curves = Curves {
        schema_version: CURVES_VERSION.to_owned(),
        input: report.input.clone(),
        report_digest: report.digest.clone(),
        video,
        audio,
    };
    Ok((report, curves))
}

/// Curves of the pictures and of every audio stream.
type AllCurves = (Option<VideoCurves>, Vec<AudioCurves>);

fn run(
    input: &Path,
    options: &Options,
    execution: &Execution,
    observer: &dyn Observer,
    with_curves: bool,
) -> Result<(Report, Option<Film>, AllCurves), Error> {
    options.validate().map_err(|invalid| Error::new(ErrorKind::InvalidOptions, invalid.to_string()))?;
    file_size(input)?;
    let processes = Processes::new(input, execution)?;
    watched(&processes, execution, observer, || {
        let tracker = Tracker::new(observer);
        Analysis { input, options, execution, processes: &processes, tracker: &tracker }.run(with_curves)
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

/// All that was found.
struct Examination {
    packets: Option<VideoPackets>,
    frames: u64,
    findings: Findings,
    /// Of the audio streams, the one to be played by default first.
    audio: Vec<AudioFindings>,
    damage: Vec<StreamDamage>,
    detectors: Vec<DetectorRun>,
}

impl Analysis<'_> {
    fn run(&self, with_curves: bool) -> Result<(Report, Option<Film>, AllCurves), Error> {
        let (probe, video, audio) = probe(self.input, self.execution, self.processes)?;
        let Material { input, footage, sounds, boundaries } =
            self.material(&probe, video.as_ref(), &audio)?;
        self.tracker.detecting();
        let packets = video.as_ref().zip(footage.as_ref()).map(|(track, footage)| packets_of(track, footage));
        let damage = damage::map(video.as_ref().zip(footage.as_ref()), audio.iter().zip(&sounds));
        let seconds = footage.as_ref().map(|footage| footage.structure.seconds.clone()).unwrap_or_default();
        let film = video.as_ref().zip(footage).map(|(track, footage)| {
            let cut_off = is_cut_off(&probe.container.format, track.declared_frames, footage.listed);
            let damaged = probe.damaged || footage.damaged || cut_off;
            let rate = track.average_frame_rate;
            let film = Film::new(footage.frames, track.time_base, footage.last_duration, rate);
            (film.with_areas(footage.areas).with_boundaries(boundaries), damaged)
        });
        let frames = film.as_ref().map_or(0, |(film, _)| len(film.frames.len()));
        let tried = film.is_some() || !sounds.is_empty();
        if tried && frames == 0 && sounds.iter().all(|sound| sound.samples == 0) {
            return Err(Error::new(ErrorKind::Undecodable, "no picture and no sample"));
        }
        let seen = video
            .as_ref()
            .zip(film.as_ref())
            .map(|(track, (film, damaged))| examined_pictures(track, film, *damaged));
        let heard: Vec<Examined> = audio
            .iter()
            .zip(&sounds)
            .map(|(track, sound)| examined_sound(track, sound, probe.damaged))
            .collect();

        let mut findings = Findings::default();
        let mut detectors = Vec::new();
        for detector in video_detectors(self.options) {
            let asked = self.options.detectors.has(detector.name());
            let film = film.as_ref().filter(|(film, _)| asked && !film.frames.is_empty());
            if let Some((film, _)) = film {
                detector.detect(film, &mut findings).map_err(|error| Error::io("features", &error))?;
            }
            detectors.push(run_of(detector.as_ref(), asked, seen.as_ref(), "video")?);
        }
        let mut listeners = sound_detectors(self.options);
        for detector in &listeners {
            let asked = self.options.detectors.has(detector.name());
            detectors.push(run_of(detector.as_ref(), asked, heard.first(), "audio")?);
        }
        listeners.retain(|detector| self.options.detectors.has(detector.name()));
        let shown = film.as_ref().and_then(|(film, _)| film.span_seconds());
        let mut listened = Vec::new();
        for ((track, sound), examined) in audio.iter().zip(&sounds).zip(heard) {
            let mut found = AudioFindings::of(examined.coverage);
            for detector in &listeners {
                detector.detect(track, sound, &mut found);
            }
            found.timing = timing_of(track, sound, shown);
            listened.push(found);
        }

        let mut all_curves = AllCurves::default();
        if with_curves {
            all_curves.0 = film
                .as_ref()
                .zip(video.as_ref())
                .map(|((film, _), track)| of_pictures(track, film, &seconds))
                .transpose()
                .map_err(|error| Error::io("features", &error))?;
            all_curves.1 = audio.iter().zip(&sounds).map(|(track, sound)| of_sound(track, sound)).collect();
            all_curves.1.sort_by_key(|curves| curves.stream);
        }
        let examined = Examination { packets, frames, findings, audio: listened, damage, detectors };
        let report = Self::report(probe, input, examined)?;
        self.tracker.finished();
        Ok((report, film.map(|(film, _)| film), all_curves))
    }

    fn report(probe: Probe, input: Input, examination: Examination) -> Result<Report, Error> {
        let Examination { packets, frames, findings, mut audio, damage, detectors } = examination;
        let (silence, loudness) = audio
            .first()
            .map(|default| (default.silence.clone(), default.loudness.clone()))
            .unwrap_or_default();
        audio.sort_by_key(|found| found.coverage.stream);
        let mut report = Report {
            schema_version: SCHEMA_VERSION.to_owned(),
            engine: Engine {
                name: env!("CARGO_PKG_NAME").to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                decoder: probe.decoder,
                shortcuts: SHORTCUTS.map(|(option, value)| format!("{option}={value}")).to_vec(),
            },
            input,
            container: probe.container,
            streams: probe.streams,
            packets,
            frames,
            shots: findings.shots,
            transitions: findings.transitions,
            black: findings.black,
            plain: findings.plain,
            freezes: findings.freezes,
            active_area: findings.active_area,
            silence,
            loudness,
            audio,
            damage,
            poster: findings.poster,
            detectors,
            digest: String::new(),
        };
        report.digest = report.computed_digest()?;
        Ok(report)
    }
}
