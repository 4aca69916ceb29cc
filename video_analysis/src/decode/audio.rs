//! Sound: one decoder, as 32-bit float samples, handed on block by block.

use std::fs::File;
use std::io::{ErrorKind as IoErrorKind, Read};
use std::os::fd::AsRawFd as _;

use rustix::pipe::{PipeFlags, pipe_with};

use super::timestamps::{Timestamps, piece_of_sound, tell_sound};
use crate::damage::{self, Damage};
use crate::error::{Error, ErrorKind};
use crate::execution::Execution;
use crate::features::{Sound, SoundClock, SoundExtractor, SoundTimes};
use crate::probe::{AudioTrack, Probe};
use crate::process::{Exit, Processes, Program, Running, demuxing_rules};

/// Decodes the whole stream, and hands it to `extractor` in blocks of 100 ms, the last one shorter.
pub(crate) fn decode_sound(
    probe: &Probe,
    track: &AudioTrack,
    execution: &Execution,
    processes: &Processes,
    mut extractor: SoundExtractor,
) -> Result<Sound, Error> {
    let _place = processes.places.take();
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).map_err(|error| Error::io("pipe", &error.into()))?;
    let args = arguments(probe, track, execution, writer.as_raw_fd());
    let running = processes.spawn(Program::Ffmpeg, &args, Some(writer))?;
    let timestamps = Timestamps::new(File::from(reader));
    std::thread::scope(|scope| {
        // Beside the samples, so that neither pipe is full while the other one is waited for.
        let times = scope.spawn(|| times(timestamps, track));
        let exit = listen(running, track, processes, &mut extractor)?;
        let times = times.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        let damaged = !exit.success() || !exit.complaints.is_empty();
        let damage = damage_of(probe, track, times.as_ref(), damaged, execution, processes)?;
        extractor.finish(times, damage, damaged)
    })
}

/// The samples, to the end of the decoder.
fn listen(
    mut running: Running<'_>,
    track: &AudioTrack,
    processes: &Processes,
    extractor: &mut SoundExtractor,
) -> Result<Exit, Error> {
    let mut output = running.stdout()?;
    let channels =
        usize::try_from(track.channels).map_err(|_| Error::new(ErrorKind::Io, "too many channels"))?;
    let block = usize::try_from(track.block()).unwrap_or(1) * channels;
    let mut bytes = vec![0; block * size_of::<f32>()];
    let mut samples = Vec::with_capacity(block);
    loop {
        let filled = fill(&mut output, &mut bytes).map_err(|error| Error::io("decoded sound", &error));
        let filled = filled.or_else(|error| processes.watch.check().and(Err(error)))?;
        let (floats, _) = bytes.get(..filled).unwrap_or_default().as_chunks::<4>();
        samples.clear();
        samples.extend(floats.iter().map(|bytes| finite(f32::from_le_bytes(*bytes))));
        samples.truncate(samples.len() / channels * channels);
        if !samples.is_empty() {
            extractor.push(&samples)?;
        }
        if filled < bytes.len() {
            break;
        }
    }
    drop(output);
    running.finish()
}

fn damage_of(
    probe: &Probe,
    track: &AudioTrack,
    times: Option<&SoundTimes>,
    damaged: bool,
    execution: &Execution,
    processes: &Processes,
) -> Result<Damage, Error> {
    let complaints = if damaged {
        damage::complaints(&probe.url, track.index, execution.max_pixels, processes)?
    } else {
        Vec::new()
    };
    let promised_end = track.promised_end.filter(|_| damaged || probe.damaged);
    Ok(damage::of_sound(track, times, &complaints, promised_end))
}

/// The timestamps of all blocks.
fn times(mut timestamps: Timestamps<File>, track: &AudioTrack) -> Result<Option<SoundTimes>, Error> {
    let mut clock = SoundClock::new(track.sample_rate);
    while let Some(told) = timestamps.next()? {
        // A piece without a time, or with one beyond all numbers, is a gap.
        if let Some(told) = told {
            let (pts, samples) = piece_of_sound(told, track.start_sample);
            clock.push(pts, samples);
        }
    }
    Ok(clock.finish())
}

/// Float codecs can carry what is no number; one such sample would make every sum one.
pub(crate) fn finite(sample: f32) -> f32 {
    if sample.is_finite() { sample } else { 0.0 }
}

/// Reads until the buffer is full or the input ends.
fn fill(input: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match input.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == IoErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Samples on standard output, their timestamps on `side`.
fn arguments(probe: &Probe, track: &AudioTrack, execution: &Execution, side: i32) -> Vec<String> {
    let mut args = vec!["-nostdin".to_owned()];
    args.extend(demuxing_rules(execution.max_pixels));
    args.extend(["-threads", "1", "-copyts", "-i", &probe.url].map(str::to_owned));
    // Rate and channels are the stream's own, and so change nothing, unless the stream changes on its way. A number of channels
    // alone would mean FFmpeg's default layout of that many, and mix three fronts into two and an effects channel.
    let layout = track.layout.as_deref().filter(|layout| is_name(layout));
    let layouts = layout.map(|layout| format!(":channel_layouts={layout}")).unwrap_or_default();
    let filters = format!(
        "aformat=sample_rates={}{layouts},{}",
        track.sample_rate,
        tell_sound(side, track.start_sample)
    );
    args.extend(["-map", &format!("0:{}", track.index), "-af", &filters].map(str::to_owned));
    if layout.is_none() {
        args.extend(["-ac".to_owned(), track.channels.to_string()]);
    }
    // Nobody waits for a single packet: each would wake who reads.
    args.extend(["-c:a", "pcm_f32le", "-flush_packets", "0", "-f", "f32le", "pipe:1"].map(str::to_owned));
    args
}

/// Whether a layout is one of those that have a name, such as `5.1(side)`, and not a list of channels.
fn is_name(layout: &str) -> bool {
    layout.chars().all(|letter| letter.is_ascii_alphanumeric() || "().".contains(letter))
}
