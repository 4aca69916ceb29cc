//! The packets of the video stream: how many pictures there are, and where decoding can start.

use std::io::{self, BufRead, BufReader};

use crate::error::Error;
use crate::process::{Processes, Program, demuxing_rules};

/// What the list of packets tells, without decoding.
#[derive(Debug, Default)]
pub(crate) struct PacketIndex {
    /// Timestamp and size of every packet that is to be shown, sorted by timestamp. Packets without one are missing here.
    pub(crate) shown: Vec<(i64, u32)>,
    /// Where decoding can start, sorted.
    pub(crate) keyframes: Vec<Keyframe>,
    /// Whether every packet has a timestamp, and no two have the same.
    pub(crate) timed: bool,
    /// Duration of the packet that is shown last, in ticks, where the container has it.
    pub(crate) last_duration: Option<i64>,
    /// Packets to be shown, also those without a timestamp.
    pub(crate) packets: u64,
    /// All packets, also those that are decoded but not shown, as before the beginning of an edit list.
    pub(crate) listed: u64,
    /// Packets to be shown before one that came earlier.
    pub(crate) reordered: u64,
    /// Where timestamps go back, and not for reordering: to which, from the latest so far.
    pub(crate) backwards: Vec<(i64, i64)>,
    /// Whether ffprobe complained, or called a packet corrupt.
    pub(crate) damaged: bool,
}

/// A packet from which decoding can start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Keyframe {
    pub(crate) pts: i64,
    /// No picture that is decoded later is shown earlier: a closed group of pictures follows.
    pub(crate) closed: bool,
    /// Where its packet is in the file, in bytes.
    pub(crate) place: Option<i64>,
}

/// What came so far: the timestamp that is shown last, and the decoding timestamp of the packet before.
#[derive(Default)]
struct Last {
    shown: Option<i64>,
    dts: Option<i64>,
}

/// One line of ffprobe's `compact` format.
struct Packet {
    pts: Option<i64>,
    dts: Option<i64>,
    duration: Option<i64>,
    place: Option<i64>,
    size: u32,
    key: bool,
    discarded: bool,
    /// Bytes of it are missing, as far as the demuxer knows: that of MPEG-TS does. Told by FFmpeg 6 and newer.
    corrupt: bool,
}

impl PacketIndex {
    /// Whether decoding can start with the picture of that timestamp.
    pub(crate) fn has_keyframe(&self, pts: i64) -> bool {
        self.keyframe(pts).is_some()
    }

    /// The keyframe of that timestamp.
    pub(crate) fn keyframe(&self, pts: i64) -> Option<&Keyframe> {
        let found = self.keyframes.binary_search_by_key(&pts, |keyframe| keyframe.pts);
        found.ok().and_then(|at| self.keyframes.get(at))
    }

    /// How many keyframes there are from one timestamp to another, both included.
    pub(crate) fn keyframes_between(&self, first: i64, last: i64) -> usize {
        let until = |limit: i64| self.keyframes.partition_point(|keyframe| keyframe.pts < limit);
        until(last.saturating_add(1)) - until(first)
    }

    /// Reads all packets of a stream; nothing is decoded.
    pub(crate) fn read(
        url: &str,
        stream: u32,
        max_pixels: u64,
        processes: &Processes,
    ) -> Result<Self, Error> {
        let mut args = demuxing_rules(max_pixels);
        let stream = stream.to_string();
        args.extend(
            [
                "-select_streams",
                &stream,
                "-show_entries",
                "packet=pts,dts,duration,size,pos,flags",
                "-of",
                "compact=p=0",
                "-i",
                url,
            ]
            .map(str::to_owned),
        );
        let mut running = processes.spawn(Program::Ffprobe, &args, None)?;
        let mut index = match Self::parse(BufReader::new(running.stdout()?)) {
            Ok(index) => index,
            Err(error) => {
                processes.watch.check()?;
                return Err(Error::io("list of packets", &error));
            }
        };
        let exit = running.finish()?;
        index.damaged |= !exit.success() || !exit.complaints.is_empty();
        Ok(index)
    }

    /// From ffprobe's lines, one a packet, in the order of decoding.
    pub(crate) fn parse(lines: impl BufRead) -> io::Result<Self> {
        let mut index = Self { timed: true, ..Self::default() };
        let mut last = Last::default();
        for line in lines.lines() {
            if let Some(packet) = Packet::parse(&line?) {
                index.add(&packet, &mut last);
            }
        }
        index.sort();
        Ok(index)
    }

    /// Adds the next packet in the order of decoding.
    fn add(&mut self, packet: &Packet, last: &mut Last) {
        self.listed += 1;
        self.damaged |= packet.corrupt;
        if packet.discarded {
            return;
        }
        self.packets += 1;
        let Some(pts) = packet.pts else {
            self.timed = false;
            return;
        };
        self.shown.push((pts, packet.size));
        let returns = packet.dts.zip(last.dts).is_some_and(|(dts, last)| dts < last);
        last.dts = packet.dts.or(last.dts);
        if let Some(from) = last.shown.filter(|from| returns && pts < *from) {
            self.backwards.push((pts, from));
        }
        if last.shown.is_none_or(|last| pts >= last) {
            last.shown = Some(pts);
            self.last_duration = packet.duration.filter(|duration| *duration > 0);
        } else {
            self.reordered += 1;
        }
        if packet.key {
            self.keyframes.push(Keyframe { pts, closed: true, place: packet.place });
        } else if let Some(keyframe) = self.keyframes.last_mut()
            && pts < keyframe.pts
        {
            keyframe.closed = false;
        }
    }

    fn sort(&mut self) {
        // Kept as long as decoders run: of a long film what is reserved for more would be megabytes.
        self.shown.shrink_to_fit();
        self.shown.sort_unstable();
        self.keyframes.sort_unstable_by_key(|keyframe| keyframe.pts);
        self.timed &= self.shown.iter().zip(self.shown.iter().skip(1)).all(|(one, next)| one.0 < next.0);
    }
}

impl Packet {
    /// `pts=0|duration=512|size=1042|flags=K__`, in whatever order.
    fn parse(line: &str) -> Option<Self> {
        let mut packet = Self {
            pts: None,
            dts: None,
            duration: None,
            place: None,
            size: 0,
            key: false,
            discarded: false,
            corrupt: false,
        };
        let mut fields = 0;
        for (name, value) in line.split('|').filter_map(|field| field.split_once('=')) {
            match name {
                "pts" => packet.pts = value.parse().ok(),
                "dts" => packet.dts = value.parse().ok(),
                "duration" => packet.duration = value.parse().ok(),
                "pos" => packet.place = value.parse().ok(),
                "size" => packet.size = value.parse().ok()?,
                "flags" => {
                    (packet.key, packet.discarded) = (value.contains('K'), value.contains('D'));
                    packet.corrupt = value.contains('C');
                }
                _ => continue,
            }
            fields += 1;
        }
        (fields > 0).then_some(packet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(lines: &[&str]) -> PacketIndex {
        PacketIndex::parse(lines.join("\n").as_bytes()).unwrap()
    }

    #[test]
    fn a_keyframe_followed_by_earlier_pictures_is_open() {
        let index = index(&[
            "pts=0|duration=1|size=9|flags=K_",
            "pts=1|duration=1|size=3|flags=__",
            "pts=4|duration=2|size=9|flags=K_",
            "pts=3|duration=1|size=2|flags=__",
        ]);
        let closed: Vec<bool> = index.keyframes.iter().map(|keyframe| keyframe.closed).collect();
        assert_eq!(closed, [true, false]);
        assert_eq!(index.last_duration, Some(2));
        assert!(index.timed);
    }

    #[test]
    fn missing_or_repeated_timestamps_make_seeking_untrustworthy() {
        assert!(!index(&["pts=N/A|duration=1|size=9|flags=K_"]).timed);
        assert!(!index(&["pts=5|size=9|flags=K_", "pts=5|size=9|flags=__"]).timed);
    }

    #[test]
    fn decoding_timestamps_that_go_back_are_no_reordering() {
        let index = index(&[
            "pts=80|dts=0|size=9|flags=K_",
            "pts=40|dts=40|size=9|flags=__",
            "pts=20|dts=10|size=9|flags=K_",
            "pts=60|dts=50|size=9|flags=__",
        ]);
        assert_eq!((index.backwards, index.reordered), (vec![(20, 80)], 3));
    }

    #[test]
    fn a_packet_that_the_demuxer_calls_corrupt_is_damage() {
        assert!(index(&["pts=0|size=9|flags=K__", "pts=1|size=9|flags=__C"]).damaged);
        assert!(!index(&["pts=0|size=9|flags=K__", "pts=1|size=9|flags=___"]).damaged);
    }

    #[test]
    fn a_packet_cut_away_by_an_edit_list_is_no_picture() {
        assert_eq!(index(&["pts=-512|size=9|flags=KD", "pts=0|size=9|flags=__"]).packets, 1);
    }
}
