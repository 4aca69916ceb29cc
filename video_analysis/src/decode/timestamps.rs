//! Exact timestamps beside raw pictures: the second output of the decoder, in FFmpeg's `framecrc` format.
//!
//! Raw video has no timestamps, and the containers that could carry both round them. `framecrc` writes a line per picture:
//! stream, dts, pts, duration, size, checksum; and before them `#tb 0: num/den`, the time base.

use std::io::{BufRead, BufReader, Read};

use crate::error::{Error, ErrorKind};
use crate::rational::Rational;

/// Reads one timestamp per picture, or block of sound.
pub(crate) struct Timestamps<R> {
    lines: BufReader<R>,
    time_base: Rational,
}

impl<R: Read> Timestamps<R> {
    /// Reads from `pipe`, and insists on `time_base`.
    pub(crate) fn new(pipe: R, time_base: Rational) -> Self {
        Self { lines: BufReader::new(pipe), time_base }
    }

    /// The next picture's timestamp, or that of a block of sound, and its duration; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<(i64, i64)>, Error> {
        let mut line = String::new();
        loop {
            line.clear();
            let read = self.lines.read_line(&mut line).map_err(|error| Error::io("timestamps", &error))?;
            if read == 0 {
                return Ok(None);
            }
            if let Some(header) = line.strip_prefix('#') {
                self.check(header)?;
            } else {
                let mut fields = line.split(',').skip(2).map(|field| field.trim().parse().ok());
                let times = fields.next().flatten().zip(fields.next().flatten());
                return times.map(Some).ok_or_else(|| unexpected(&line));
            }
        }
    }

    fn check(&self, header: &str) -> Result<(), Error> {
        match header.trim().strip_prefix("tb 0: ").map(str::parse::<Rational>) {
            None => Ok(()),
            Some(Ok(found)) if same(found, self.time_base) => Ok(()),
            Some(_) => Err(unexpected(header)),
        }
    }
}

/// FFmpeg may reduce a time base.
fn same(one: Rational, other: Rational) -> bool {
    i128::from(one.num) * i128::from(other.den) == i128::from(other.num) * i128::from(one.den)
}

fn unexpected(line: &str) -> Error {
    Error::new(ErrorKind::Io, format!("unexpected line beside the pictures: {:?}", line.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = "#software: Lavf\n#tb 0: 1/600\n#dimensions 0: 48x27\n\
                         0,        -20,        -20,       20,     3888, 0x69ac84ad\n\
                         0,          0,          0,       20,     3888, 0x424b852a\n";

    #[test]
    fn timestamps_are_read_as_they_are_also_below_zero() {
        let mut timestamps = Timestamps::new(LINES.as_bytes(), Rational { num: 1, den: 600 });
        assert_eq!(timestamps.next().unwrap(), Some((-20, 20)));
        assert_eq!(timestamps.next().unwrap(), Some((0, 20)));
        assert_eq!(timestamps.next().unwrap(), None);
    }

    #[test]
    fn another_time_base_is_refused_rather_than_misread() {
        assert!(Timestamps::new(LINES.as_bytes(), Rational { num: 1, den: 1000 }).next().is_err());
    }
}
