//! What detectors work from: features that were kept, and for the rest decoders.

use crate::active;
use crate::choice::DetectorName;
use crate::damage;
use crate::decode::{VideoJob, decode_pictures, decode_sound};
use crate::detect::Boundaries;
use crate::digest::{file_size, identify};
use crate::error::Error;
use crate::features::{Footage, Frames, Levels, Room, Sound, SoundExtractor};
use crate::packets::MOST_SECONDS;
use crate::probe::{AudioTrack, PacketIndex, Probe, Structure, VideoTrack, check_duration, span_seconds};
use crate::report::Input;
use crate::store::{Kept, Key, Stretches};

use super::Analysis;

/// What detectors work from, and what it was made of.
pub(super) struct Material {
    pub(super) input: Input,
    pub(super) footage: Option<Footage>,
    /// Of every audio stream, in the order of the tracks.
    pub(super) sounds: Vec<Sound>,
    /// Where shots begin, if they were looked for beside decoders.
    pub(super) boundaries: Option<Boundaries>,
}

/// Where the features of one film are kept.
struct Keeping<'a> {
    stretches: Stretches<'a>,
    decoder: &'a str,
    video: Option<u32>,
    sounds: Vec<u32>,
}

impl Keeping<'_> {
    fn key(&self, input: &Input) -> Key {
        Key::new(input, self.decoder, self.video, &self.sounds)
    }
}

impl Analysis<'_> {
    /// From the cache where it is there, else by decoding; of pictures and sound what the detectors that are asked for need.
    pub(super) fn material(
        &self,
        probe: &Probe,
        video: Option<&VideoTrack>,
        audio: &[AudioTrack],
    ) -> Result<Material, Error> {
        let asked = &self.options.detectors;
        let (all_video, all_audio) = (video, audio);
        let video = video.filter(|_| asked.is_of_pictures());
        let audio = if asked.is_of_sound() { audio } else { &[] };
        let Some(cache) = &self.execution.feature_cache else {
            return self.decode(probe, video, audio, None, Kept::default(), None);
        };
        let keeping = Keeping {
            stretches: Stretches::new(cache),
            decoder: &probe.decoder,
            video: all_video.map(|track| track.index),
            sounds: all_audio.iter().map(|track| track.index).collect(),
        };
        // The digest is waited for only where it may be worth it; it is otherwise made while decoding.
        let promising = cache.has_any_of_size(file_size(self.input)?);
        let known = promising.then(|| identify(self.input, &self.processes.watch)).transpose()?;
        let mut kept = known
            .as_ref()
            .map(|input| cache.load(&keeping.key(input), &Room::new(self.execution)))
            .unwrap_or_default();
        // What nobody asks for now stays as it is kept.
        let others = Kept {
            footage: kept.footage.take_if(|_| !asked.is_of_pictures()),
            sounds: kept.sounds.take_if(|_| !asked.is_of_sound()),
        };
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
        let material = self.decode(probe, video, audio, known, kept, Some(&keeping))?;
        // What a decoder complained about may be its limits and not the file: that is decoded anew each time.
        let footage = material.footage.as_ref().filter(|footage| !footage.damaged);
        let sounds = undamaged(&material.sounds);
        if has != (footage.is_some(), sounds.is_some()) {
            let (footage, sounds) =
                (footage.or(others.footage.as_ref()), sounds.or(others.sounds.as_deref()));
            cache.keep(&keeping.key(&material.input), footage, sounds);
        }
        if asked.is_of_pictures() {
            keeping.stretches.forget();
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
        keeping: Option<&Keeping<'_>>,
    ) -> Result<Material, Error> {
        let identified = || {
            let input = known.map_or_else(|| identify(self.input, &self.processes.watch), Ok)?;
            if let Some(keeping) = keeping {
                keeping.stretches.belong_to(&keeping.key(&input));
            }
            Ok(input)
        };
        let has_footage = kept.footage.is_some();
        let listened = || {
            // One after the other: each is a fraction of the pictures, and the cores are busy with those.
            let sounds: Vec<Sound> =
                audio.iter().map(|track| self.sound(probe, track)).collect::<Result<_, Error>>()?;
            // Kept before the pictures are there, in case these never are.
            let keeping = keeping.filter(|_| video.is_some() && !has_footage);
            if let Some((keeping, sounds)) = keeping.zip(undamaged(&sounds)) {
                keeping.stretches.keep_sounds(sounds);
            }
            Ok(sounds)
        };
        let failed = |error: &Error| self.processes.watch.stop_for(error);
        std::thread::scope(|scope| {
            let identity = scope.spawn(|| identified().inspect_err(failed));
            let sounds = scope.spawn(|| kept.sounds.map_or_else(listened, Ok).inspect_err(failed));
            let stretches = keeping.map(|keeping| &keeping.stretches);
            let footage = video.filter(|_| !has_footage).map(|track| self.footage(probe, track, stretches));
            let footage = footage.transpose().inspect_err(failed);
            let (input, sounds) = (joined(identity), joined(sounds));
            let (footage, boundaries) = match footage? {
                Some((footage, boundaries)) => (Some(footage), boundaries),
                None => (kept.footage, None),
            };
            Ok(Material { input: input?, footage, sounds: sounds?, boundaries })
        })
    }

    fn sound(&self, probe: &Probe, track: &AudioTrack) -> Result<Sound, Error> {
        let asked = Levels::asked(&self.options.silence);
        let levels = if self.execution.feature_cache.is_some() { asked.and_others() } else { asked };
        let extractor = SoundExtractor::new(track, levels, &self.options.clipping)?;
        decode_sound(probe, track, self.execution, self.processes, extractor)
    }

    fn footage(
        &self,
        probe: &Probe,
        track: &VideoTrack,
        stretches: Option<&Stretches<'_>>,
    ) -> Result<(Footage, Option<Boundaries>), Error> {
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
            stretches,
        };
        let pictures = decode_pictures(&job)?;
        let frames = pictures.features.frames;
        log::debug!(
            "pictures decoded frames={} pieces={} damaged={}",
            frames.len(),
            pictures.pieces,
            pictures.damaged
        );
        // Decoders of the search for bars come one or two at a time, and leave time for what needs none.
        let (areas, boundaries) = std::thread::scope(|scope| {
            let boundaries = scope.spawn(|| self.early_boundaries(&frames));
            (active::find(&job, &frames), joined(boundaries))
        });
        let (areas, boundaries) = (areas?, boundaries?);
        let damaged = index.damaged || pictures.damaged;
        let complaints = if damaged {
            let _place = self.processes.places.take();
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
        let footage = Footage {
            frames,
            areas,
            packets: index.packets,
            listed: index.listed,
            span,
            last_duration: index.last_duration,
            structure: Structure::of(&index, track.time_base, MOST_SECONDS),
            damage,
            damaged,
        };
        Ok((footage, boundaries))
    }

    fn early_boundaries(&self, frames: &Frames) -> Result<Option<Boundaries>, Error> {
        if !self.options.detectors.has(DetectorName::Shots) {
            return Ok(None);
        }
        let boundaries = Boundaries::find_early(frames, &self.options.shots);
        boundaries.map_err(|error| Error::io("features", &error))
    }

    fn check_span(&self, ticks: u64, track: &VideoTrack) -> Result<(), Error> {
        check_duration(span_seconds(ticks, track.time_base), self.execution.max_duration)
    }
}

/// Whether packets are missing that the container says it has. Only MP4 and its kin know: elsewhere the number is an
/// estimate, or counts empty slots as well.
pub(super) fn is_cut_off(format: &str, declared: Option<u64>, listed: u64) -> bool {
    is_mov(format) && declared.is_some_and(|declared| declared > listed)
}

fn is_mov(format: &str) -> bool {
    format.split(',').any(|name| name == "mov")
}

fn joined<T>(thread: std::thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Those of all streams, where there are any and no decoder complained.
fn undamaged(sounds: &[Sound]) -> Option<&[Sound]> {
    (!sounds.is_empty() && sounds.iter().all(|sound| !sound.damaged)).then_some(sounds)
}
