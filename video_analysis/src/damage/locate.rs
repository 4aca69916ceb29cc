//! Which packets a decoder complains about.
//!
//! A decoder beside a pipe only says that something is wrong. ffprobe, which does one thing after the other, says it between the
//! packet it has just decoded and the picture that came out: so it is asked, in one piece, about a stream that is damaged.

use std::io::{self, BufRead, BufReader};

use crate::error::{Error, ErrorKind};
use crate::process::{Processes, Program, demuxing_rules};

/// FFmpeg's level of errors, which ffprobe takes as a number here.
const ERRORS: &str = "16";
/// Packets without a picture between them of which one may be meant; of more, the last ones.
const MOST_PENDING: usize = 64;

/// A packet that was complained about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Complaint {
    /// Its timestamp and duration, where the container has them, in the stream's time base.
    pub(crate) pts: Option<i64>,
    pub(crate) duration: Option<i64>,
    /// How many pictures or blocks of sound had come out before.
    pub(crate) frame: usize,
}

/// All of a stream, in the order of decoding.
pub(crate) fn complaints(
    url: &str,
    stream: u32,
    max_pixels: u64,
    processes: &Processes,
) -> Result<Vec<Complaint>, Error> {
    let mut args = demuxing_rules(max_pixels);
    let stream = stream.to_string();
    let asked = ["-select_streams", &stream, "-show_packets", "-show_frames", "-show_log", ERRORS];
    let entries =
        ["-show_entries", "packet=pts,duration,flags:frame=pts:log=level", "-of", "compact", "-i", url];
    args.extend(["-threads", "1"].iter().chain(&asked).chain(&entries).map(|&arg| arg.to_owned()));
    let mut running = processes.spawn(Program::Ffprobe, &args, None)?;
    let found = match parse(BufReader::new(running.stdout()?)) {
        Ok(found) => found,
        Err(error) => {
            processes.watch.check()?;
            return Err(Error::io("list of complaints", &error));
        }
    };
    match running.finish() {
        // What came until then is of the file; that the other decoder survived it is no reason to fail.
        Err(error) if error.kind() != ErrorKind::DecoderCrashed => Err(error),
        _ => Ok(found),
    }
}

/// From ffprobe's lines: `packet|pts=…` for each packet, and for each picture `frame|pts=…`, with `|log|…` where something was said since
/// the one before.
pub(crate) fn parse(lines: impl BufRead) -> io::Result<Vec<Complaint>> {
    let mut found = Vec::new();
    let mut pending: Vec<Complaint> = Vec::new();
    let mut frame = 0;
    for line in lines.lines() {
        let line = line?;
        if line.starts_with("packet|") {
            let (packet, corrupt) = packet(&line, frame);
            if corrupt {
                found.push(packet);
            } else {
                pending.push(packet);
                if pending.len() > MOST_PENDING {
                    pending.remove(0);
                }
            }
        } else if line.starts_with("frame|") {
            frame += 1;
            if line.contains("|log|") {
                found.append(&mut pending);
            }
            pending.clear();
        }
    }
    Ok(found)
}

/// A packet, and whether the demuxer calls it corrupt, as that of MPEG-TS does in FFmpeg 6 and newer.
fn packet(line: &str, frame: usize) -> (Complaint, bool) {
    let field = |name: &str| line.split('|').find_map(|field| field.strip_prefix(name)?.strip_prefix('='));
    let number = |name: &str| field(name).and_then(|value| value.parse().ok());
    let complaint = Complaint { pts: number("pts"), duration: number("duration"), frame };
    (complaint, field("flags").is_some_and(|flags| flags.contains('C')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_is_about_the_packets_since_the_picture_before() {
        let lines = "packet|pts=0|duration=1|flags=K_\npacket|pts=3|duration=1|flags=__\nframe|pts=0|\n\
                     packet|pts=2|duration=1|flags=__\nframe|pts=2|log|level=16\nlog|level=16\n\n\
                     packet|pts=5|duration=N/A|flags=__C\npacket|pts=N/A|duration=1|flags=__\nframe|pts=3|\nframe|pts=5|log|level=8\n";
        let found = parse(lines.as_bytes()).unwrap();
        let expected = [
            Complaint { pts: Some(2), duration: Some(1), frame: 1 },
            Complaint { pts: Some(5), duration: None, frame: 2 },
        ];
        assert_eq!(found, expected);
    }
}
