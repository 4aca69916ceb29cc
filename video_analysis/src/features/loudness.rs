//! Loudness by EBU R 128, measured by the `ebur128` crate: ITU-R BS.1770-4 with the momentary and short-term windows of EBU
//! Tech 3341 and the loudness range of EBU Tech 3342.

use std::collections::VecDeque;

use ebur128::{Channel, EbuR128, Mode};

use crate::error::{Error, ErrorKind};
use crate::numeric::{len, len_to_f64, round};
use crate::probe::AudioTrack;
use crate::report::Loudness;

/// Measures one stream.
pub(super) struct LoudnessMeter {
    meter: EbuR128,
    channels: u32,
    /// Mean weighted energies of the last blocks of 100 ms: both windows are means of these, which costs a thirtieth of
    /// asking the meter for the windows themselves.
    blocks: VecDeque<f64>,
    /// Samples per channel of a block.
    block: u64,
    /// Largest mean energies of full windows.
    momentary_max: f64,
    short_term_max: f64,
}

/// Blocks of 100 ms in the momentary window of 400 ms and in the short-term window of 3 s.
const MOMENTARY: usize = 4;
const SHORT_TERM: usize = 30;

impl LoudnessMeter {
    pub(super) fn new(track: &AudioTrack) -> Result<Self, Error> {
        let mode = Mode::I | Mode::LRA | Mode::S | Mode::TRUE_PEAK;
        let mut meter = EbuR128::new(track.channels, track.sample_rate, mode).map_err(failed)?;
        meter.set_channel_map(&positions(track)).map_err(failed)?;
        Ok(Self {
            meter,
            channels: track.channels,
            blocks: VecDeque::with_capacity(SHORT_TERM + 1),
            block: u64::from(track.sample_rate / 10).max(1),
            momentary_max: 0.0,
            short_term_max: 0.0,
        })
    }

    /// Adds the next block of 100 ms of interleaved samples.
    pub(super) fn push(&mut self, samples: &[f32]) -> Result<(), Error> {
        self.meter.add_frames_f32(samples).map_err(failed)?;
        if len(samples.len()) < self.block * u64::from(self.channels) {
            // The end of the sound, which fills no window anew.
            return Ok(());
        }
        self.blocks.push_back(energy(self.meter.loudness_window(100).map_err(failed)?));
        if self.blocks.len() > SHORT_TERM {
            self.blocks.pop_front();
        }
        // A window is measured once it is full: before, it would hold the silence before the file.
        let mean = |window: usize| {
            let full = self.blocks.len() >= window;
            full.then(|| self.blocks.iter().rev().take(window).sum::<f64>() / len_to_f64(window))
        };
        self.momentary_max = self.momentary_max.max(mean(MOMENTARY).unwrap_or(0.0));
        self.short_term_max = self.short_term_max.max(mean(SHORT_TERM).unwrap_or(0.0));
        Ok(())
    }

    pub(super) fn finish(self) -> Result<Loudness, Error> {
        let integrated = level(self.meter.loudness_global().map_err(failed)?);
        let (mut true_peak, mut sample_peak) = (0f64, 0f64);
        for channel in 0..self.channels {
            true_peak = true_peak.max(self.meter.true_peak(channel).map_err(failed)?);
            sample_peak = sample_peak.max(self.meter.sample_peak(channel).map_err(failed)?);
        }
        let range = integrated.map(|_| self.meter.loudness_range().map_err(failed)).transpose()?;
        let too_short = self.blocks.len() < SHORT_TERM;
        let reasons = [
            (integrated.is_none(), "No 400 ms block is above the absolute gate of -70 LUFS."),
            (true_peak <= 0.0, "Every sample is zero: the level of digital silence is minus infinity."),
            (too_short, "The sound is shorter than the short-term window of 3 s."),
        ];
        let reasons: Vec<&str> =
            reasons.iter().filter(|(applies, _)| *applies).map(|(_, reason)| *reason).collect();
        Ok(Loudness {
            integrated_lufs: integrated,
            range_lu: range.and_then(level),
            true_peak_dbtp: level(20.0 * true_peak.log10()),
            sample_peak_dbfs: level(20.0 * sample_peak.log10()),
            momentary_max_lufs: level(loudness(self.momentary_max)),
            short_term_max_lufs: level(loudness(self.short_term_max)),
            note: (!reasons.is_empty()).then(|| reasons.join(" ")),
        })
    }
}

/// Loudness of a mean weighted energy, and back (BS.1770-4, equation 2).
fn loudness(energy: f64) -> f64 {
    10.0 * energy.log10() - 0.691
}

fn energy(loudness: f64) -> f64 {
    10f64.powf((loudness + 0.691) / 10.0)
}

/// JSON has no infinity: digital silence is no level at all.
fn level(decibels: f64) -> Option<f64> {
    decibels.is_finite().then(|| round(decibels, 2))
}

fn failed(error: ebur128::Error) -> Error {
    Error::new(ErrorKind::UnsupportedFormat, format!("loudness meter: {error}"))
}

/// Where each channel's loudspeaker stands, which decides its weight (BS.1770-4, table 3): low-frequency effects do not
/// count, surrounds count more. FFmpeg orders the channels of a layout as listed here (its `channelmap` documentation).
fn positions(track: &AudioTrack) -> Vec<Channel> {
    use Channel::{Center, Left, LeftSurround, Mm090, Mp090, Mp180, Right, RightSurround, Unused as Lfe};
    // Rear speakers stand at 135 degrees where there are side speakers too, at 110 otherwise.
    let (rear_left, rear_right) = (Channel::Mp135, Channel::Mm135);
    let channels = usize::try_from(track.channels).unwrap_or(0);
    let known: &[Channel] = match track.layout.as_deref().unwrap_or_default() {
        "mono" => &[Center],
        "2.1" => &[Left, Right, Lfe],
        "3.0" => &[Left, Right, Center],
        "3.0(back)" => &[Left, Right, Mp180],
        "4.0" => &[Left, Right, Center, Mp180],
        "quad" | "quad(side)" => &[Left, Right, LeftSurround, RightSurround],
        "3.1" => &[Left, Right, Center, Lfe],
        "5.0" | "5.0(side)" => &[Left, Right, Center, LeftSurround, RightSurround],
        "4.1" => &[Left, Right, Center, Lfe, Mp180],
        "5.1" | "5.1(side)" => &[Left, Right, Center, Lfe, LeftSurround, RightSurround],
        "6.0" => &[Left, Right, Center, Mp180, Mp090, Mm090],
        "hexagonal" => &[Left, Right, Center, LeftSurround, RightSurround, Mp180],
        "6.1" => &[Left, Right, Center, Lfe, Mp180, Mp090, Mm090],
        "6.1(back)" => &[Left, Right, Center, Lfe, LeftSurround, RightSurround, Mp180],
        "7.0" => &[Left, Right, Center, rear_left, rear_right, Mp090, Mm090],
        "7.1" => &[Left, Right, Center, Lfe, rear_left, rear_right, Mp090, Mm090],
        _ => &[],
    };
    if known.len() == channels {
        return known.to_vec();
    }
    // Without a known layout: by number of channels as the formats that omit it mean it, else all alike in front.
    match channels {
        1 => vec![Center],
        6 => vec![Left, Right, Center, Lfe, LeftSurround, RightSurround],
        _ => [Left, Right].into_iter().chain(std::iter::repeat(Center)).take(channels).collect(),
    }
}
