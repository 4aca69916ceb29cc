//! One analysis from file to report.

use std::path::Path;
use std::time::Instant;

use crate::active;
use crate::audio_timing::timing_of;
use crate::curves::{of_pictures, of_sound};
use crate::damage;
use crate::decode::{SHORTCUTS, VideoJob, decode_pictures, decode_sound};
use crate::detect::{Film, Findings, sound_detectors, video_detectors};
use crate::digest::{file_size, identify};
use crate::error::{Error, ErrorKind};
use crate::examined::{Examined, examined_pictures, examined_sound, run_of};
use crate::execution::Execution;
use crate::features::{Footage, Levels, Room, Sound, SoundExtractor};
use crate::numeric::len;
use crate::observer::{Observer, Tracker};
use crate::options::Options;
use crate::packets::{MOST_SECONDS, packets_of};
use crate::probe::{
    AudioTrack, PacketIndex, Probe, Structure, VideoTrack, check_duration, probe, span_seconds,
};
use crate::process::Processes;
use crate::report::{
    AudioCurves, AudioFindings, CURVES_VERSION, Curves, DetectorRun, Engine, Input, Report, SCHEMA_VERSION,
    StreamDamage, VideoCurves, VideoPackets,
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

/// What detectors work from, and what it was made of.
struct Material {
    input: Input,
    footage: Option<Footage>,
    /// Of every audio stream, in the order of the tracks.
    sounds: Vec<Sound>,
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
        let Material { input, footage, sounds } = self.material(&probe, video.as_ref(), &audio)?;
        self.tracker.detecting();
        let packets = video.as_ref().zip(footage.as_ref()).map(|(track, footage)| packets_of(track, footage));
        let damage = damage::map(video.as_ref().zip(footage.as_ref()), audio.iter().zip(&sounds));
        let seconds = footage.as_ref().map(|footage| footage.structure.seconds.clone()).unwrap_or_default();
        let film = video.as_ref().zip(footage).map(|(track, footage)| {
            let cut_off = is_cut_off(&probe.container.format, track.declared_frames, footage.listed);
            let damaged = probe.damaged || footage.damaged || cut_off;
            let rate = track.average_frame_rate;
            let film = Film::new(footage.frames, track.time_base, footage.last_duration, rate);
            (film.with_areas(footage.areas), damaged)
        });
        let frames = film.as_ref().map_or(0, |(film, _)| len(film.frames.len()));
        if frames == 0 && sounds.iter().all(|sound| sound.samples == 0) {
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
            if let Some((film, _)) = film.as_ref().filter(|(film, _)| !film.frames.is_empty()) {
                detector.detect(film, &mut findings).map_err(|error| Error::io("features", &error))?;
            }
            detectors.push(run_of(detector.as_ref(), seen.as_ref(), "video")?);
        }
        let sound_detectors = sound_detectors(self.options);
        for detector in &sound_detectors {
            detectors.push(run_of(detector.as_ref(), heard.first(), "audio")?);
        }
        let shown = film.as_ref().and_then(|(film, _)| film.span_seconds());
        let mut listened = Vec::new();
        for ((track, sound), examined) in audio.iter().zip(&sounds).zip(heard) {
            let mut found = AudioFindings::of(examined.coverage);
            for detector in &sound_detectors {
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

    /// From the cache where it is there, else by decoding.
    fn material(
        &self,
        probe: &Probe,
        video: Option<&VideoTrack>,
        audio: &[AudioTrack],
    ) -> Result<Material, Error> {
        let Some(cache) = &self.execution.feature_cache else {
            return self.decode(probe, video, audio, None, Kept::default());
        };
        let key = |input: &Input| {
            let sounds: Vec<u32> = audio.iter().map(|track| track.index).collect();
            Key::new(input, &probe.decoder, video.map(|track| track.index), &sounds)
        };
        // The digest is waited for only where it may be worth it; it is otherwise made while decoding.
        let promising = cache.has_any_of_size(file_size(self.input)?);
        let known = promising.then(|| identify(self.input, &self.processes.watch)).transpose()?;
        let mut kept = known
            .as_ref()
            .map(|input| cache.load(&key(input), &Room::new(self.execution)))
            .unwrap_or_default();
        kept.sounds = kept.sounds.filter(|sounds| {
            sounds.len() == audio.len() && sounds.iter().all(|sound| sound.serves(self.options))
        });
        let has = (kept.footage.is_some(), kept.sounds.is_some());
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
        let whole = !audio.is_empty() && material.sounds.iter().all(|sound| !sound.damaged);
        let sounds = whole.then_some(material.sounds.as_slice());
        if has != (footage.is_some(), sounds.is_some()) {
            cache.keep(&key(&material.input), footage, sounds);
        }
        Ok(material)
    }

    /// Identity, sound and pictures, side by side, as far as they are not there already.
    fn decode(
        &self,
        probe: &Probe,
        video: Option<&VideoTrack>,
        audio: &[AudioTrack],
        known: Option<Input>,
        kept: Kept,
    ) -> Result<Material, Error> {
        std::thread::scope(|scope| {
            let identity =
                scope.spawn(|| known.map_or_else(|| identify(self.input, &self.processes.watch), Ok));
            // One after the other: each is a fraction of the pictures, and the cores are busy with those.
            let listen = || audio.iter().map(|track| self.sound(probe, track)).collect::<Result<_, Error>>();
            let sounds = scope.spawn(move || kept.sounds.map_or_else(listen, Ok));
            let footage = video.filter(|_| kept.footage.is_none()).map(|track| self.footage(probe, track));
            let (input, sounds) = (joined(identity), joined(sounds));
            let footage = footage.transpose()?.or(kept.footage);
            Ok(Material { input: input?, footage, sounds: sounds? })
        })
    }

    fn sound(&self, probe: &Probe, track: &AudioTrack) -> Result<Sound, Error> {
        let asked = Levels::asked(&self.options.silence);
        let levels = if self.execution.feature_cache.is_some() { asked.and_others() } else { asked };
        let extractor = SoundExtractor::new(track, levels, &self.options.clipping)?;
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
        let damaged = index.damaged || pictures.damaged;
        let complaints = if damaged {
            damage::complaints(&probe.url, track.index, self.execution.max_pixels, self.processes)?
        } else {
            Vec::new()
        };
        let cut_off = is_cut_off(&probe.container.format, track.declared_frames, index.listed);
        // A MOV that is whole is not to be asked how long it is: its edits may say otherwise.
        let broken_off = cut_off || (damaged && !is_mov(&probe.container.format));
        let promised_end = track.promised_end.filter(|_| broken_off);
        let promised = track.declared_frames.filter(|_| cut_off);
        let damage = damage::of_pictures(&index, frames.pts(), &complaints, promised_end, promised);
        Ok(Footage {
            frames,
            areas,
            packets: index.packets,
            listed: index.listed,
            span,
            last_duration: index.last_duration,
            structure: Structure::of(&index, track.time_base, MOST_SECONDS),
            damage,
            damaged,
        })
    }

    fn check_span(&self, ticks: u64, track: &VideoTrack) -> Result<(), Error> {
        check_duration(span_seconds(ticks, track.time_base), self.execution.max_duration)
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

/// Whether packets are missing that the container says it has. Only MP4 and its kin know: elsewhere the number is an
/// estimate, or counts empty slots as well.
fn is_cut_off(format: &str, declared: Option<u64>, listed: u64) -> bool {
    is_mov(format) && declared.is_some_and(|declared| declared > listed)
}

fn is_mov(format: &str) -> bool {
    format.split(',').any(|name| name == "mov")
}

/// Width and height of the pictures of a stream as they are coded.
fn coded_size(probe: &Probe, track: &VideoTrack) -> (u32, u32) {
    let stream = probe.streams.iter().find(|stream| stream.index == track.index);
    stream.and_then(|stream| stream.video.as_ref()).map_or((0, 0), |video| (video.width, video.height))
}

fn joined<T>(thread: std::thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
