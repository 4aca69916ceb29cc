//! Stretches of a film's pictures, kept while the others are decoded: an analysis that was interrupted goes on with what is missing.
//!
//! They are files beside those of whole films, under the same key, and go when the whole is there.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::OnceLock;

use sha2::{Digest as _, Sha256};

use super::{FeatureCache, Key, STRETCH, WHOLE, file, mark_used, record, remove, usable};
use crate::features::{Ends, Features, Frame, Room, Sound};

/// The stretches of one film.
pub(crate) struct Stretches<'a> {
    cache: &'a FeatureCache,
    /// Not known before the film's digest is.
    key: OnceLock<Key>,
}

/// Pictures that need not be decoded.
pub(crate) struct KeptStretch {
    /// Their ordinals.
    pub(crate) range: Range<usize>,
    pub(crate) features: Features,
}

impl<'a> Stretches<'a> {
    pub(crate) fn new(cache: &'a FeatureCache) -> Self {
        Self { cache, key: OnceLock::new() }
    }

    /// From now on they can be kept.
    pub(crate) fn belong_to(&self, key: &Key) {
        self.key.get_or_init(|| key.clone());
    }

    /// Keeps the pictures of a range; whether they are kept.
    pub(crate) fn keep(&self, range: &Range<usize>, ends: &Ends, frames: &[Frame]) -> bool {
        self.key.get().is_some_and(|key| {
            let name = format!("{}-{}-{}{STRETCH}", stem(key), range.start, range.end);
            self.cache
                .put(&name, &digest(key, range), |mut out| record::write_stretch(&mut out, ends, frames))
        })
    }

    /// Keeps the sound of a film whose pictures are still decoded.
    pub(crate) fn keep_sounds(&self, sounds: &[Sound]) {
        if let Some(key) = self.key.get() {
            self.cache.keep(key, None, Some(sounds));
        }
    }

    /// What an analysis before this one has left, in order; stretches that follow one another as one.
    pub(crate) fn load(&self, room: &Room) -> io::Result<Vec<KeptStretch>> {
        let Some(key) = self.key.get() else { return Ok(Vec::new()) };
        let mut loaded: Vec<KeptStretch> = Vec::new();
        for (range, path) in self.files(key) {
            // Two that were interrupted may have been cut elsewhere.
            if loaded.last().is_some_and(|last| range.start < last.range.end) {
                continue;
            }
            let read = File::open(&path).and_then(|file| {
                let read =
                    file::read(&file, &digest(key, &range), |mut input| record::read_stretch(&mut input))?;
                mark_used(&file);
                Ok(read)
            });
            let Some((ends, frames)) = usable(read, &path) else { continue };
            match loaded.last_mut() {
                Some(last) if last.range.end == range.start => {
                    last.features.append(ends, frames, room)?;
                    last.range.end = range.end;
                }
                _ => {
                    let mut features = Features::default();
                    features.append(ends, frames, room)?;
                    loaded.push(KeptStretch { range, features });
                }
            }
        }
        Ok(loaded)
    }

    /// Removes all of them.
    pub(crate) fn forget(&self) {
        let files = self.key.get().map(|key| self.files(key)).unwrap_or_default();
        for (_, path) in files {
            remove(&path);
        }
    }

    /// In order, of those with the same beginning the longest first.
    fn files(&self, key: &Key) -> Vec<(Range<usize>, PathBuf)> {
        let stem = stem(key);
        let range = |name: &str| {
            let (start, end) =
                name.strip_prefix(stem)?.strip_prefix('-')?.strip_suffix(STRETCH)?.split_once('-')?;
            let range: Range<usize> = start.parse().ok()?..end.parse().ok()?;
            (!range.is_empty()).then_some(range)
        };
        let entries = self.cache.entries().into_iter().flatten();
        let mut files: Vec<_> =
            entries.filter_map(|entry| Some((range(entry.file_name().to_str()?)?, entry.path()))).collect();
        files.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
        files
    }
}

/// What the names of all files of a film begin with.
fn stem(key: &Key) -> &str {
    key.name.strip_suffix(WHOLE).unwrap_or(&key.name)
}

/// What a stretch belongs to: a file under the name of another one is none.
fn digest(key: &Key, range: &Range<usize>) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(key.digest);
    hash.update(format!("{range:?}"));
    hash.finalize().into()
}
