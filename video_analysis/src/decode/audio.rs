//! Sound: one decoder, as 32-bit float samples, handed on block by block.

use std::io::{ErrorKind as IoErrorKind, Read};

use crate::error::{Error, ErrorKind};
use crate::execution::Execution;
use crate::features::{Sound, SoundExtractor};
use crate::probe::{AudioTrack, Probe};
use crate::process::{Processes, Program, demuxing_rules};

/// Decodes the whole stream, and hands it to `extractor` in blocks of 100 ms, the last one shorter.
pub(crate) fn decode_sound(
    probe: &Probe,
    track: &AudioTrack,
    execution: &Execution,
    processes: &Processes,
    mut extractor: SoundExtractor,
) -> Result<Sound, Error> {
    let mut running = processes.spawn(Program::Ffmpeg, &arguments(probe, track, execution), None)?;
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
    let exit = running.finish()?;
    extractor.finish(!exit.success() || !exit.complaints.is_empty())
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

fn arguments(probe: &Probe, track: &AudioTrack, execution: &Execution) -> Vec<String> {
    let mut args = vec!["-nostdin".to_owned()];
    args.extend(demuxing_rules(execution.max_pixels));
    let map = format!("0:{}", track.index);
    let rate = track.sample_rate.to_string();
    args.extend(["-threads", "1", "-i", &probe.url, "-map", &map, "-ar", &rate].map(str::to_owned));
    // Rate and channels are the stream's own, and so change nothing, unless the stream changes on its way. A number of channels
    // alone would mean FFmpeg's default layout of that many, and mix three fronts into two and an effects channel.
    args.extend(match track.layout.as_deref().filter(|layout| is_name(layout)) {
        Some(layout) => ["-af".to_owned(), format!("aformat=channel_layouts={layout}")],
        None => ["-ac".to_owned(), track.channels.to_string()],
    });
    args.extend(["-c:a", "pcm_f32le", "-f", "f32le", "pipe:1"].map(str::to_owned));
    args
}

/// Whether a layout is one of those that have a name, such as `5.1(side)`, and not a list of channels.
fn is_name(layout: &str) -> bool {
    layout.chars().all(|letter| letter.is_ascii_alphanumeric() || "().".contains(letter))
}
