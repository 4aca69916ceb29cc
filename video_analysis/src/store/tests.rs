use std::fs::{self, OpenOptions};
use std::slice;

use tempfile::TempDir;

use super::*;
use crate::active::Area;
use crate::damage::Damage;
use crate::execution::Execution;
use crate::features::{Extractor, FRAME_BYTES, Frames, Levels, SoundExtractor, SoundTimes};
use crate::options::{ClippingOptions, SilenceOptions};
use crate::probe::{AudioTrack, Structure};
use crate::rational::Rational;

fn noise(bytes: usize, seed: u32) -> Vec<u8> {
    let mut state = seed;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_le_bytes()[3]
    };
    std::iter::repeat_with(next).take(bytes).collect()
}

fn footage(frames: u32) -> Footage {
    let mut extractor = Extractor::default();
    for frame in 0..frames {
        extractor.push(i64::from(frame) * 512 - 1024, &noise(FRAME_BYTES, frame));
    }
    Footage {
        frames: extractor.finish().frames,
        areas: vec![Area { start: 1, end: 3, x: 0, y: 87, width: 1280, height: 546, step: 41.5 }],
        packets: 7,
        listed: 9,
        span: u64::MAX,
        last_duration: Some(-1),
        structure: Structure { keyframes: 3, seconds: vec![1, 0, 7], ..Structure::default() },
        damage: Damage::default().of(7),
        damaged: false,
    }
}

fn sound() -> Sound {
    let track = AudioTrack {
        index: 1,
        sample_rate: 8000,
        channels: 2,
        layout: None,
        start_sample: 0,
        duration_seconds: None,
        time_base: Rational { num: 1, den: 8000 },
        promised_end: None,
    };
    let levels = Levels::asked(&SilenceOptions::default()).and_others();
    let mut extractor = SoundExtractor::new(&track, levels, &ClippingOptions::default()).unwrap();
    for block in 0..20 {
        let loud = if block % 7 < 3 { 1e-4 } else { 0.3 };
        let samples: Vec<f32> = noise(1600, block).into_iter().map(|byte| loud * f32::from(byte)).collect();
        extractor.push(&samples).unwrap();
    }
    extractor
        .finish(Some(SoundTimes { drift: -3, ..SoundTimes::default() }), Damage::default(), false)
        .unwrap()
}

fn key(content: u64) -> Key {
    key_of(content, "ffmpeg 5.1", Some(0), &[1])
}

fn key_of(content: u64, decoder: &str, video: Option<u32>, audio: &[u32]) -> Key {
    Key::new(&Input { sha256: format!("{content:064x}"), bytes: 1000 + content }, decoder, video, audio)
}

fn cache(folder: &TempDir, max_bytes: u64) -> FeatureCache {
    FeatureCache::new(folder.path().join("features"), max_bytes)
}

fn load(cache: &FeatureCache, key: &Key) -> Kept {
    cache.load(key, &Room::new(&Execution::default()))
}

fn files(cache: &FeatureCache) -> Vec<PathBuf> {
    let mut paths: Vec<_> = cache.entries().unwrap().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

#[test]
fn what_is_kept_comes_back_bit_by_bit() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache(&folder, u64::MAX);
    let (footage, sound) = (footage(5000), sound());
    cache.keep(&key(1), Some(&footage), Some(slice::from_ref(&sound)));
    let kept = load(&cache, &key(1));
    assert_eq!((kept.footage, kept.sounds), (Some(footage.clone()), Some(vec![sound.clone()])));

    cache.keep(&key(1), None, Some(slice::from_ref(&sound)));
    let kept = load(&cache, &key(1));
    assert_eq!((kept.footage, kept.sounds), (None, Some(vec![sound])));
    let empty = Footage { frames: Frames::default(), ..footage };
    cache.keep(&key(1), Some(&empty), None);
    assert_eq!(load(&cache, &key(1)).footage, Some(empty));
    assert_eq!(files(&cache).len(), 1);
}

#[test]
fn features_belong_to_one_content_decoder_and_choice_of_streams() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache(&folder, u64::MAX);
    assert!(!cache.has_any_of_size(1001));
    cache.keep(&key(1), Some(&footage(3)), None);
    assert!(cache.has_any_of_size(1001) && !cache.has_any_of_size(100) && !cache.has_any_of_size(1002));
    let others = [key(2), key_of(1, "ffmpeg 5.2", Some(0), &[1]), key_of(1, "ffmpeg 5.1", Some(0), &[1, 2])];
    for other in others {
        assert_eq!(load(&cache, &other).footage, None);
        fs::copy(cache.directory.join(&key(1).name), cache.directory.join(&other.name)).unwrap();
        assert_eq!(load(&cache, &other).footage, None, "a file under another name is none");
    }
    assert!(load(&cache, &key(1)).footage.is_some());
}

#[test]
fn a_damaged_file_is_no_result_and_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache(&folder, u64::MAX);
    cache.keep(&key(1), Some(&footage(1)), None);
    let path = cache.directory.join(&key(1).name);
    let whole = fs::read(&path).unwrap();
    let mut damaged: Vec<Vec<u8>> = [0, 1, 83, 84, whole.len() - 1].map(|cut| whole[..cut].to_vec()).into();
    damaged.push([&whole[..], &[0]].concat());
    damaged.push(noise(whole.len(), 1));
    for byte in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[byte] ^= 0x10;
        damaged.push(flipped);
    }
    for bytes in damaged {
        fs::write(&path, bytes).unwrap();
        let kept = load(&cache, &key(1));
        assert!(kept.footage.is_none() && kept.sounds.is_none());
        assert!(!path.exists());
    }
    fs::write(&path, whole).unwrap();
    assert!(load(&cache, &key(1)).footage.is_some());
}

/// As used so many seconds after the epoch.
fn used(cache: &FeatureCache, key: &Key, seconds: u64) {
    let file = OpenOptions::new().write(true).open(cache.directory.join(&key.name)).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
}

#[test]
fn what_was_used_longest_ago_goes_first() {
    let folder = tempfile::tempdir().unwrap();
    let unbounded = cache(&folder, u64::MAX);
    let footage = footage(2);
    (1..=3).for_each(|content| unbounded.keep(&key(content), Some(&footage), None));
    let size = fs::metadata(&files(&unbounded)[0]).unwrap().len();
    (1..=3).for_each(|content| used(&unbounded, &key(content), content));
    assert!(load(&unbounded, &key(1)).footage.is_some(), "which is a use");

    let of_three = cache(&folder, 3 * size + size / 2);
    of_three.keep(&key(4), Some(&footage), None);
    let left: Vec<bool> =
        (1..=4).map(|content| of_three.directory.join(&key(content).name).exists()).collect();
    assert_eq!(left, [true, false, true, true]);

    cache(&folder, size - 1).keep(&key(5), Some(&footage), None);
    assert!(!of_three.directory.join(&key(5).name).exists(), "larger than all may be");
    cache(&folder, 0).tidy().unwrap();
    assert_eq!(files(&unbounded), Vec::<PathBuf>::new());
}

#[test]
fn what_a_killed_process_was_writing_is_removed_when_it_is_old() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache(&folder, u64::MAX);
    cache.tidy().unwrap();
    let part = |name: &str| cache.directory.join(format!("{name}{PART}"));
    for name in ["old", "new"] {
        fs::write(part(name), [1]).unwrap();
    }
    let old = OpenOptions::new().write(true).open(part("old")).unwrap();
    old.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    fs::write(cache.directory.join("note.txt"), [1]).unwrap();
    cache.tidy().unwrap();
    assert_eq!(files(&cache), [part("new"), cache.directory.join("note.txt")]);
}

#[test]
fn a_content_is_forgotten_with_all_that_was_kept_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache(&folder, u64::MAX);
    for key in [key(1), key_of(1, "ffmpeg 7", None, &[0]), key(2)] {
        cache.keep(&key, None, Some(&[sound()]));
    }
    let digest = |content: u64| format!("{content:064x}");
    assert_eq!(cache.digests().unwrap(), BTreeSet::from([digest(1), digest(2)]));
    cache.forget(&digest(1)).unwrap();
    assert_eq!(cache.digests().unwrap(), BTreeSet::from([digest(2)]));
}

#[test]
fn many_who_use_one_folder_at_once_find_whole_features_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let (footage, sound) = (footage(40), sound());
    let room = {
        let cache = cache(&folder, u64::MAX);
        cache.keep(&key(0), Some(&footage), Some(slice::from_ref(&sound)));
        2 * fs::metadata(&files(&cache)[0]).unwrap().len()
    };
    let cache = cache(&folder, room);
    let found: usize = std::thread::scope(|scope| {
        let work = |worker: u64| {
            let (cache, footage, sound) = (&cache, &footage, &sound);
            scope.spawn(move || {
                let mut found = 0;
                for turn in 0..20 {
                    let key = key((worker + turn) % 4);
                    cache.keep(&key, Some(footage), Some(slice::from_ref(sound)));
                    let kept = load(cache, &key);
                    assert!(kept.footage.as_ref().is_none_or(|kept| kept == footage));
                    found += usize::from(kept.sounds.is_some_and(|kept| kept == [sound.clone()]));
                }
                found
            })
        };
        let workers: Vec<_> = (0..4).map(work).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    assert!(found > 0);
    cache.tidy().unwrap();
    assert!(files(&cache).len() <= 2);
}

#[test]
fn stretches_belong_to_a_content_count_as_all_else_and_go_when_they_are_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let room = Room::new(&Execution::default());
    let unbounded = cache(&folder, u64::MAX);
    let mut extractor = Extractor::default();
    (0..6).for_each(|frame| extractor.push(frame, &noise(FRAME_BYTES, 7)));
    let (ends, frames) = extractor.stretch(0..6).unwrap().unwrap();
    let stretches = Stretches::new(&unbounded);
    assert!(!stretches.keep(&(0..6), &ends, &frames), "nobody knows yet of what");
    stretches.belong_to(&key(1));
    for range in [0..6, 6..12, 20..26, 22..28] {
        assert!(stretches.keep(&range, &ends, &frames));
    }
    let ranges = |stretches: &Stretches<'_>| {
        let loaded = stretches.load(&room).unwrap();
        loaded.iter().map(|kept| (kept.range.clone(), kept.features.frames.len())).collect::<Vec<_>>()
    };
    assert_eq!(ranges(&stretches), [(0..12, 12), (20..26, 6)]);
    let of_other = Stretches::new(&unbounded);
    of_other.belong_to(&key(2));
    assert_eq!(ranges(&of_other), []);
    assert_eq!(unbounded.digests().unwrap(), BTreeSet::from([format!("{:064x}", 1)]));

    let size = fs::metadata(&files(&unbounded)[0]).unwrap().len();
    cache(&folder, 2 * size + size / 2).tidy().unwrap();
    assert_eq!(files(&unbounded).len(), 2);
    stretches.forget();
    assert_eq!(files(&unbounded), Vec::<PathBuf>::new());
}
