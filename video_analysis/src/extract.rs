//! One picture out of a file, by its timestamp or its ordinal, scaled and encoded.

use crate::decode::{only, seek};
use crate::error::Error;
use crate::execution::Execution;
use crate::process::{Processes, Program, demuxing_rules};
use crate::rational::Rational;
use crate::report::Report;

/// Filters that make pixels square, and sides even.
pub(crate) const SQUARE_PIXELS: &str =
    "scale=w=2*max(1\\,round(iw*max(1\\,sar)/2)):h=2*max(1\\,round(ih/min(1\\,sar)/2)),setsar=1";
/// Encoder arguments of a JPEG that looks like its picture.
pub(crate) const JPEG: [&str; 6] = ["-c:v", "mjpeg", "-q:v", "3", "-f", "image2pipe"];

/// A stream of a file.
pub(crate) struct Source<'a> {
    pub(crate) url: &'a str,
    pub(crate) stream: u32,
    pub(crate) time_base: Rational,
    pub(crate) execution: &'a Execution,
    pub(crate) processes: &'a Processes,
}

/// Which picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// The one with this timestamp.
    Pts(i64),
    /// The one that comes out of a decoder as this one, counted from 0.
    Ordinal(u64),
}

impl Which {
    /// A picture that a report names.
    pub(crate) fn of(report: &Report, stream: u32, frame: u64, pts: i64) -> Self {
        if report.goes_back(stream) { Self::Ordinal(frame) } else { Self::Pts(pts) }
    }
}

impl Source<'_> {
    /// The picture through `filters` and an encoder, at most `most` bytes; empty when there is none.
    pub(crate) fn extract(
        &self,
        which: Which,
        filters: &str,
        encoder: &[&str],
        most: u64,
    ) -> Result<Vec<u8>, Error> {
        // Seeking is quick; where it misses, the file is read from its beginning.
        let seeks: &[bool] = if matches!(which, Which::Pts(_)) { &[true, false] } else { &[false] };
        for seek in seeks {
            let args = self.arguments(which, filters, encoder, *seek);
            let (bytes, _) = self.processes.output(Program::Ffmpeg, &args, most)?;
            if !bytes.is_empty() {
                return Ok(bytes);
            }
        }
        Ok(Vec::new())
    }

    fn arguments(&self, which: Which, filters: &str, encoder: &[&str], seeks: bool) -> Vec<String> {
        let mut args = vec!["-nostdin".to_owned()];
        args.extend(demuxing_rules(self.execution.max_pixels));
        args.extend(["-threads", "1", "-copyts"].map(str::to_owned));
        // The picture is chosen before anything is scaled.
        let chosen = match which {
            Which::Pts(pts) if seeks => {
                args.extend(seek(self.time_base, pts));
                format!("{},{filters}", only(pts))
            }
            // Where timestamps go back, it may come after later ones.
            Which::Pts(pts) => format!("select=eq(pts\\,{pts}),{filters}"),
            Which::Ordinal(ordinal) => format!("select=eq(n\\,{ordinal}),{filters}"),
        };
        let map = format!("0:{}", self.stream);
        let rest = ["-i", self.url, "-map", &map, "-filter_threads", "1", "-vf", &chosen, "-frames:v", "1"];
        args.extend(
            rest.iter().chain(&["-fps_mode", "passthrough"]).chain(encoder).map(|&arg| arg.to_owned()),
        );
        args.push("pipe:1".to_owned());
        args
    }
}
