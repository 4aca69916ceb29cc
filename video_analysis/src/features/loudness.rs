//! Loudness by EBU R 128, measured by the `ebur128` crate: ITU-R BS.1770-4 with the momentary and short-term windows of EBU
//! Tech 3341 and the loudness range of EBU Tech 3342.

use std::collections::VecDeque;

use ebur128::{Channel, EbuR128, Mode};
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};
use crate::numeric::{len_to_f64, round, to_f32};
use crate::probe::AudioTrack;
use crate::report::Loudness;

/// Measures one stream.
pub(super) struct LoudnessMeter {
    meter: EbuR128,
    channels: usize,
    /// Samples per channel of a block of 100 ms.
    block: usize,
    /// Mean weighted energies of the last steps of 10 ms: both windows are means of these, which costs a thirtieth of asking the
    /// meter for the windows themselves. Case 13 of Tech 3341 moves a burst of 400 ms by 20 ms and allows 0.1 LU: of a window that
    /// moves by 100 ms it would miss up to 0.6.
    steps: VecDeque<f64>,
    curve: LoudnessCurve,
    /// Largest mean energies of full windows.
    momentary_max: f64,
    short_term_max: f64,
}

/// The largest mean weighted energies (BS.1770) of the windows that end in each full block of 100 ms; 0 before one is full.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct LoudnessCurve {
    momentary: Vec<f32>,
    short_term: Vec<f32>,
}

impl LoudnessCurve {
    /// Momentary loudness in LUFS at 10 Hz; `None` before the first full window, and for minus infinity.
    pub(crate) fn momentary(&self) -> Vec<Option<f64>> {
        self.momentary.iter().map(|energy| level(loudness((*energy).into()))).collect()
    }

    /// Short-term loudness, likewise.
    pub(crate) fn short_term(&self) -> Vec<Option<f64>> {
        self.short_term.iter().map(|energy| level(loudness((*energy).into()))).collect()
    }
}

/// Steps of 10 ms in a block of 100 ms, in the momentary window of 400 ms and in the short-term window of 3 s.
const BLOCK: usize = 10;
const MOMENTARY: usize = 40;
const SHORT_TERM: usize = 300;

impl LoudnessMeter {
    pub(super) fn new(track: &AudioTrack) -> Result<Self, Error> {
        let mode = Mode::I | Mode::LRA | Mode::S | Mode::TRUE_PEAK;
        let mut meter = EbuR128::new(track.channels, track.sample_rate, mode).map_err(failed)?;
        meter.set_channel_map(&positions(track)).map_err(failed)?;
        Ok(Self {
            meter,
            channels: usize::try_from(track.channels).unwrap_or(1).max(1),
            block: usize::try_from(track.block()).unwrap_or(1),
            steps: VecDeque::with_capacity(SHORT_TERM + 1),
            curve: LoudnessCurve::default(),
            momentary_max: 0.0,
            short_term_max: 0.0,
        })
    }

    /// Adds the next block of 100 ms of interleaved samples.
    pub(super) fn push(&mut self, samples: &[f32]) -> Result<(), Error> {
        if samples.len() < self.block * self.channels || self.block < BLOCK {
            // The end of the sound, which fills no window anew.
            return self.meter.add_frames_f32(samples).map_err(failed);
        }
        let end_of = |step: usize| self.block * step / BLOCK * self.channels;
        let (mut momentary, mut short_term) = (0f64, 0f64);
        for step in 0..BLOCK {
            let samples = samples.get(end_of(step)..end_of(step + 1)).unwrap_or_default();
            self.meter.add_frames_f32(samples).map_err(failed)?;
            self.steps.push_back(energy(self.meter.loudness_window(10).map_err(failed)?));
            if self.steps.len() > SHORT_TERM {
                self.steps.pop_front();
            }
            momentary = momentary.max(self.last(MOMENTARY).unwrap_or(0.0));
            short_term = short_term.max(self.last(SHORT_TERM).unwrap_or(0.0));
        }
        self.momentary_max = self.momentary_max.max(momentary);
        self.short_term_max = self.short_term_max.max(short_term);
        self.curve.momentary.push(to_f32(momentary));
        self.curve.short_term.push(to_f32(short_term));
        Ok(())
    }

    /// Mean energy of the last steps. A window is measured once it is full: before, it would hold the silence before the file.
    fn last(&self, window: usize) -> Option<f64> {
        let before = self.steps.len().checked_sub(window)?;
        Some(self.steps.range(before..).sum::<f64>() / len_to_f64(window))
    }

    pub(super) fn finish(self) -> Result<(Loudness, LoudnessCurve), Error> {
        let integrated = level(self.meter.loudness_global().map_err(failed)?);
        let (mut true_peak, mut sample_peak) = (0f64, 0f64);
        for channel in 0..self.meter.channels() {
            true_peak = true_peak.max(self.meter.true_peak(channel).map_err(failed)?);
            sample_peak = sample_peak.max(self.meter.sample_peak(channel).map_err(failed)?);
        }
        let range = integrated.map(|_| self.meter.loudness_range().map_err(failed)).transpose()?;
        let too_short = self.steps.len() < SHORT_TERM;
        let reasons = [
            (integrated.is_none(), "No 400 ms block is above the absolute gate of -70 LUFS."),
            (true_peak <= 0.0, "Every sample is zero: the level of digital silence is minus infinity."),
            (too_short, "The sound is shorter than the short-term window of 3 s."),
        ];
        let reasons: Vec<&str> =
            reasons.iter().filter(|(applies, _)| *applies).map(|(_, reason)| *reason).collect();
        let loudness = Loudness {
            integrated_lufs: integrated,
            range_lu: range.and_then(level),
            true_peak_dbtp: level(20.0 * true_peak.log10()),
            sample_peak_dbfs: level(20.0 * sample_peak.log10()),
            momentary_max_lufs: level(loudness(self.momentary_max)),
            short_term_max_lufs: level(loudness(self.short_term_max)),
            note: (!reasons.is_empty()).then(|| reasons.join(" ")),
        };
        Ok((loudness, self.curve))
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

#[cfg(test)]
#[path = "ebu_cases.rs"]
mod ebu_cases;
