//! Files of every container and codec, damaged at random: each ends in an error that says why, or in a report, the same however
//! the work is split, and nothing is left behind.
//!
//! `KADR_MUTATIONS` is which of each seed are tried: how many (2), or a range, such as `100..200`. What came of all of them is told
//! with `--nocapture`.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use crate::support::{clips, pieces, processes_of};
use video_analysis::{
    Error, ErrorKind, Execution, Limits, Options, Report, Size, StoryboardOptions, analyze, frame_jpeg,
    poster_jpeg, storyboard,
};

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

    fn range(&mut self, length: usize) -> Range<usize> {
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

/// By one thread, or in so many pieces and by as many threads where there are none.
fn limited(count: usize) -> Execution {
    let limits = Limits {
        cpu: Duration::from_secs(20),
        memory: 1 << 30,
        output: 1 << 30,
        wall: Duration::from_mins(1),
        niceness: 0,
    };
    let workers = NonZeroUsize::new(count).unwrap();
    Execution { limits, workers, max_pixels: 1 << 22, ..pieces(count) }
}

/// Sound of every common kind beside pictures, and what else containers hold: name, codecs and more.
const WITH_SOUND: [(&str, &str); 9] = [
    ("aac_chapters.mp4", "-c:v libx264 -g 12 -c:a aac"),
    ("aac_fragmented.mp4", "-c:v libx264 -g 12 -c:a aac -movflags frag_keyframe+empty_moov"),
    (
        "flac_hdr.mkv",
        "-c:v libx264 -g 12 -c:a flac -color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc",
    ),
    ("opus.webm", "-c:v libvpx-vp9 -g 12 -deadline realtime -cpu-used 8 -b:v 1M -c:a libopus -b:a 64k"),
    ("vorbis.webm", "-c:v libvpx -g 12 -deadline realtime -cpu-used 5 -b:v 1M -c:a libvorbis"),
    ("ac3_and_mp2.ts", "-c:v mpeg2video -g 12 -q:v 3 -map 0:v -map 1:a -map 1:a -c:a:0 ac3 -c:a:1 mp2"),
    ("mp3.avi", "-c:v mpeg4 -g 12 -q:v 3 -c:a libmp3lame"),
    ("pcm.avi", "-c:v mjpeg -q:v 3 -c:a pcm_s16le"),
    ("pcm_timecode.mov", "-c:v prores_ks -c:a pcm_s24le -timecode 01:00:00:00"),
];

/// A film of the first kind, in a folder: its name and its bytes.
type Seed = (String, Vec<u8>);

fn seeds(folder: &Path) -> Vec<Seed> {
    let named = |path: PathBuf| {
        (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(&path).unwrap())
    };
    let mut seeds: Vec<Seed> = clips::VARIETIES.iter().map(|variety| named(variety.make(folder))).collect();
    let chapters = ";FFMETADATA1\ntitle=ü\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=2000\ntitle=one\n";
    let metadata = folder.join("chapters.txt");
    std::fs::write(&metadata, chapters).unwrap();
    for (name, codecs) in WITH_SOUND {
        let arguments = format!(
            "-f lavfi -i {} -f lavfi -i aevalsrc=sin(440*2*PI*t)|0.1*sin(880*2*PI*t):d=4:s=48000 -i {} -map_metadata 2 {codecs}",
            clips::scenes("160x90"),
            metadata.display(),
        );
        seeds.push(named(clips::make(folder, name, &arguments)));
    }
    // Clocks that begin again, as where two recordings were put behind each other.
    for name in ["h264.ts", "ac3_and_mp2.ts"] {
        let once = &seeds.iter().find(|(found, _)| found == name).unwrap().1;
        seeds.push((format!("twice_{name}"), once.repeat(2)));
    }
    seeds
}

/// What came of it: the report, or the kind of error.
fn outcome(path: &Path, count: usize) -> Result<String, ErrorKind> {
    let report = analyze(path, &Options::default(), &limited(count), &());
    report
        .map(|report| String::from_utf8(report.canonical_json().unwrap()).unwrap())
        .map_err(|error| error.kind())
}

/// Pictures, and samples of each audio stream.
fn contents(report: &str) -> (u64, Vec<Option<u64>>) {
    let report: Report = serde_json::from_str(report).unwrap();
    (report.frames, report.audio.iter().map(|audio| audio.coverage.samples).collect())
}

/// An outcome in a word; `whole` is the report of the file before it was damaged.
fn word(outcome: &Result<String, ErrorKind>, whole: &str) -> &'static str {
    match outcome {
        Ok(report) if report.contains(r#""status":"damaged""#) => "reports of damage",
        Ok(report) if contents(report) == contents(whole) => "reports of all",
        // As of a file without an index that ends between two packets: nothing tells that there was more.
        Ok(_) => "reports of another length",
        Err(kind) => kind.code(),
    }
}

/// Whether what is wrong is the file, not the machine or the caller.
fn is_of_the_file(kind: ErrorKind) -> bool {
    !matches!(
        kind,
        ErrorKind::Io
            | ErrorKind::DecoderMissing
            | ErrorKind::DecoderKilled
            | ErrorKind::InvalidOptions
            | ErrorKind::Canceled
    )
}

/// All that is made of a file for people to see.
fn show(path: &Path, report: &Report, what: &str) {
    let every = StoryboardOptions { every: Some(1.0), ..StoryboardOptions::default() };
    let made: [Option<Error>; 3] = [
        poster_jpeg(path, report, &limited(1), &()).err(),
        frame_jpeg(path, report.frames / 2, Size::default(), &limited(1), &()).err(),
        storyboard(path, report, &every, &limited(2), &()).err(),
    ];
    for error in made.into_iter().flatten() {
        // Of timestamps that are far apart the thumbnails would be too many.
        let many = error.kind() == ErrorKind::InvalidOptions && error.to_string().contains("thumbnails");
        assert!(is_of_the_file(error.kind()) || many, "{what}: {error}");
    }
}

/// How often something came of it.
type Tally = Mutex<BTreeMap<&'static str, u64>>;

fn try_seed(number: usize, (name, seed): &Seed, times: Range<u64>, tally: &Tally) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(format!("damaged {name}"));
    std::fs::write(&path, seed).unwrap();
    let whole = outcome(&path, 1).unwrap();
    for time in times {
        // Whatever the number of times, the first ones are the same.
        let mut random = Random((u64::try_from(number).unwrap() + 1) << 32 | (time + 1));
        let mut bytes = seed.clone();
        let how: Vec<String> = (0..=random.below(3)).map(|_| mutate(&mut bytes, &mut random)).collect();
        let what = format!("{name} number {time}: {how:?}");
        std::fs::write(&path, &bytes).unwrap();
        let one = outcome(&path, 1);
        match &one {
            Err(kind) => assert!(is_of_the_file(*kind), "{what}: {kind:?}"),
            Ok(report) if time % 8 == 0 => show(&path, &serde_json::from_str(report).unwrap(), &what),
            Ok(_) => {}
        }
        assert_eq!(outcome(&path, 3), one, "{what}, in three pieces or by three threads");
        assert_eq!(processes_of(&path), [0; 0], "{what}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "{what}");
        let word = word(&one, &whole);
        if word == "reports of another length" {
            eprintln!("{word}: {what}");
        }
        *tally.lock().unwrap().entry(word).or_default() += 1;
    }
}

fn asked() -> Range<u64> {
    let number = |text: &str| text.parse().unwrap();
    match std::env::var("KADR_MUTATIONS") {
        Err(_) => 0..2,
        Ok(text) => match text.split_once("..") {
            Some((from, to)) => number(from)..number(to),
            None => 0..number(&text),
        },
    }
}

#[test]
fn damaged_files_end_in_an_error_of_their_own_or_in_the_same_report_however_split() {
    let folder = tempfile::tempdir().unwrap();
    let seeds = seeds(folder.path());
    let next = Mutex::new(seeds.iter().enumerate());
    let tally = Tally::default();
    let work = || {
        while let Some((number, seed)) = { next.lock().unwrap().next() } {
            try_seed(number, seed, asked(), &tally);
        }
    };
    std::thread::scope(|scope| (0..2).for_each(|_| drop(scope.spawn(work))));
    eprintln!("of {} seeds: {:?}", seeds.len(), tally.into_inner().unwrap());
}
