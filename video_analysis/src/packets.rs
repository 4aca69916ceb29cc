//! The structure of the packets, as the report tells it.

use crate::features::Footage;
use crate::numeric::len;
use crate::probe::VideoTrack;
use crate::report::{BitRate, GroupsOfPictures, Timing, VideoPackets};

/// Seconds of bit rate that are kept: twelve hours.
pub(crate) const MOST_SECONDS: usize = 43_200;

pub(crate) fn packets_of(track: &VideoTrack, footage: &Footage) -> VideoPackets {
    let structure = &footage.structure;
    let [min_frames, median_frames, max_frames] = structure.lengths;
    let [min_interval_pts, median_interval_pts, max_interval_pts] = structure.intervals;
    VideoPackets {
        stream: track.index,
        packets: footage.packets,
        discarded: footage.listed - footage.packets,
        gop: GroupsOfPictures {
            count: structure.keyframes,
            open: structure.open,
            min_frames,
            median_frames,
            max_frames,
            reordered: structure.reordered,
        },
        timing: Timing {
            constant: (structure.timed > 1).then_some(structure.constant),
            frame_rate: structure.rate(track.time_base, [track.real_frame_rate, track.average_frame_rate]),
            min_interval_pts,
            median_interval_pts,
            max_interval_pts,
            missing_timestamps: structure.missing,
            duplicated_timestamps: structure.duplicated,
        },
        bit_rate: bit_rate(&structure.seconds),
    }
}

/// From the bytes of each second; the last one is not whole and would seem poor.
fn bit_rate(seconds: &[u32]) -> Option<BitRate> {
    let whole =
        seconds.split_last().map_or(seconds, |(_, whole)| if whole.is_empty() { seconds } else { whole });
    let bytes: u64 = whole.iter().map(|bytes| u64::from(*bytes)).sum();
    // Of several with as many, the first.
    let (second, peak) =
        (0u64..).zip(whole).reduce(|most, next| if next.1 > most.1 { next } else { most })?;
    Some(BitRate { mean: bytes * 8 / len(whole.len()), peak: u64::from(*peak) * 8, peak_second: second })
}
