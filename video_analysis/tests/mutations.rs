//! Files of every container and codec, damaged at random: each ends in an error that says why, or in a report, the same however
//! the work is split, and nothing is left behind.
//!
//! `KADR_MUTATIONS` is how many of each seed are tried (2).

#![cfg(test)]

mod support;

use std::path::Path;
use std::time::Duration;

use support::{clips, pieces, processes_of};
use video_analysis::{ErrorKind, Execution, Limits, Options, analyze};

/// xorshift64* (S. Vigna, *An experimental exploration of Marsaglia's xorshift generators, scrambled*, 2016).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// Less than `limit`.
    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit).unwrap()).unwrap()
    }

    /// A place in the file: half of the time among the first or the last bytes, where containers keep what they are about.
    fn place(&mut self, length: usize) -> usize {
        let near = self.below(length.min(2048));
        match self.below(4) {
            0 => near,
            1 => length - 1 - near,
            _ => self.below(length),
        }
    }

    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let start = self.place(length);
        start..(start + 1 + self.below(512)).min(length)
    }
}

fn mutate(bytes: &mut Vec<u8>, random: &mut Random) -> String {
    let length = bytes.len();
    let at = random.place(length);
    let range = random.range(length);
    match random.below(7) {
        0 => {
            bytes[at] ^= 1 << random.below(8);
            format!("a bit at {at}")
        }
        1 => {
            bytes.truncate(at);
            format!("cut off at {at}")
        }
        2 => {
            bytes.drain(range.clone());
            format!("without {range:?}")
        }
        3 => {
            bytes[range.clone()].fill(0);
            format!("zeros in {range:?}")
        }
        4 => {
            for byte in &mut bytes[range.clone()] {
                *byte = random.next().to_le_bytes()[0];
            }
            format!("noise in {range:?}")
        }
        5 => {
            let copy = bytes[range.clone()].to_vec();
            bytes.splice(at..at, copy);
            format!("{range:?} once more at {at}")
        }
        _ => {
            // What may be a length, blown up.
            let size = at..(at + 4).min(length);
            bytes[size].fill(0x7f + u8::try_from(random.below(2)).unwrap() * 0x80);
            format!("a large number at {at}")
        }
    }
}

fn limited(count: usize) -> Execution {
    let limits = Limits {
        cpu: Duration::from_secs(20),
        memory: 1 << 30,
        output: 1 << 30,
        wall: Duration::from_mins(1),
        niceness: 0,
    };
    Execution { limits, max_pixels: 1 << 22, ..pieces(count) }
}

/// What came of it: the report, or the kind of error.
fn outcome(path: &Path, count: usize) -> Result<String, ErrorKind> {
    let report = analyze(path, &Options::default(), &limited(count), &());
    report
        .map(|report| String::from_utf8(report.canonical_json().unwrap()).unwrap())
        .map_err(|error| error.kind())
}

fn try_seed(number: usize, variety: &clips::Variety, times: u64) {
    let folder = tempfile::tempdir().unwrap();
    let seed = std::fs::read(variety.make(folder.path())).unwrap();
    let path = folder.path().join(format!("damaged {}", variety.name));
    for time in 0..times {
        // Whatever the number of times, the first ones are the same.
        let mut random = Random((u64::try_from(number).unwrap() + 1) << 32 | (time + 1));
        let mut bytes = seed.clone();
        let how: Vec<String> = (0..=random.below(3)).map(|_| mutate(&mut bytes, &mut random)).collect();
        let what = format!("{} number {time}: {how:?}", variety.name);
        std::fs::write(&path, &bytes).unwrap();
        let one = outcome(&path, 1);
        if let Err(kind) = &one {
            // What is wrong is the file, not the machine or the caller.
            let of_the_file = !matches!(
                kind,
                ErrorKind::Io
                    | ErrorKind::DecoderMissing
                    | ErrorKind::DecoderKilled
                    | ErrorKind::InvalidOptions
                    | ErrorKind::Canceled
            );
            assert!(of_the_file, "{what}: {kind:?}");
        }
        assert_eq!(outcome(&path, 3), one, "{what}, in three pieces");
        assert_eq!(processes_of(&path), [0; 0], "{what}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "{what}");
    }
}

#[test]
fn damaged_files_end_in_an_error_of_their_own_or_in_the_same_report_however_split() {
    let times = std::env::var("KADR_MUTATIONS").map_or(2, |times| times.parse().unwrap());
    let half = clips::VARIETIES.len() / 2;
    std::thread::scope(|scope| {
        for part in [0..half, half..clips::VARIETIES.len()] {
            scope.spawn(move || {
                part.for_each(|number| try_seed(number, &clips::VARIETIES[number], times));
            });
        }
    });
}
