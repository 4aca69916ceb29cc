//! The features of all pictures of a film, wherever they are kept.

use std::borrow::Cow;
use std::io;
use std::ops::Range;

use super::Frame;
use super::room::{Room, Shelved};

/// Pictures in a row: those of a short film in memory, of a long one for the greater part in a file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Frames {
    /// Of all of them: they are asked for in no order.
    pts: Vec<i64>,
    chunks: Vec<Chunk>,
    /// How many of the last chunk came since room was asked for.
    new: usize,
}

/// The pictures from `start` to `end`.
#[derive(Debug, Clone)]
struct Chunk {
    start: usize,
    end: usize,
    pictures: Pictures,
}

#[derive(Debug, Clone)]
enum Pictures {
    Here(Vec<Frame>),
    Shelved(Shelved),
}

impl Frames {
    pub(crate) fn len(&self) -> usize {
        self.pts.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pts.is_empty()
    }

    /// All timestamps.
    pub(crate) fn pts(&self) -> &[i64] {
        &self.pts
    }

    /// Adds a picture, for the time being in memory: see [`Self::settle`].
    pub(crate) fn push(&mut self, frame: Frame) {
        self.pts.push(frame.pts);
        self.new += 1;
        match self.chunks.last_mut() {
            Some(Chunk { end, pictures: Pictures::Here(here), .. }) => {
                here.push(frame);
                *end += 1;
            }
            _ => self.add(Pictures::Here(vec![frame]), 1),
        }
    }

    /// Puts new pictures, when there are enough of them, where there is room. Called after each.
    ///
    /// A stretch keeps its first pictures in memory: joining it to another changes the first.
    pub(crate) fn settle(&mut self, room: &Room) -> io::Result<()> {
        if self.new < room.chunk() {
            return Ok(());
        }
        let new = std::mem::take(&mut self.new);
        if self.len() == new || room.take(new) {
            return Ok(());
        }
        let Some(Chunk { end, pictures: Pictures::Here(here), .. }) = self.chunks.last_mut() else {
            return Ok(());
        };
        let shelved = room.shelve(here.get(here.len() - new..).unwrap_or_default())?;
        here.truncate(here.len() - new);
        *end -= new;
        if here.is_empty() {
            self.chunks.pop();
        }
        self.add(Pictures::Shelved(shelved), new);
        Ok(())
    }

    /// The first picture, to be changed.
    pub(super) fn first_mut(&mut self) -> Option<&mut Frame> {
        match &mut self.chunks.first_mut()?.pictures {
            Pictures::Here(frames) => frames.first_mut(),
            Pictures::Shelved(_) => None,
        }
    }

    /// Adds what follows.
    pub(super) fn append(&mut self, next: Self) {
        self.pts.extend(next.pts);
        for Chunk { start, end, pictures } in next.chunks {
            self.add(pictures, end - start);
        }
        self.new = 0;
    }

    fn add(&mut self, pictures: Pictures, count: usize) {
        let start = self.chunks.last().map_or(0, |chunk| chunk.end);
        match (self.chunks.last_mut(), pictures) {
            (Some(Chunk { end, pictures: Pictures::Here(here), .. }), Pictures::Here(more)) => {
                here.extend(more);
                *end += count;
            }
            (_, pictures) => self.chunks.push(Chunk { start, end: start + count, pictures }),
        }
    }

    /// The pictures of a range, as far as they exist, side by side.
    pub(crate) fn read(&self, range: Range<usize>) -> io::Result<Cow<'_, [Frame]>> {
        let range = range.start..range.end.min(self.len());
        let (mut read, mut shelved, mut bytes) = (Vec::new(), Vec::new(), Vec::new());
        for (_, chunk) in self.chunks_of(&range) {
            let inside = chunk.part(&range);
            match &chunk.pictures {
                Pictures::Here(here) => {
                    let here = here.get(inside).unwrap_or_default();
                    if here.len() == range.len() {
                        return Ok(Cow::Borrowed(here));
                    }
                    read.extend_from_slice(here);
                }
                Pictures::Shelved(part) => {
                    part.read(&mut shelved, &mut bytes)?;
                    read.extend(shelved.drain(..).skip(inside.start).take(inside.len()));
                }
            }
        }
        Ok(Cow::Owned(read))
    }

    pub(crate) fn reader(&self) -> Reader<'_> {
        Reader { frames: self, at: None, read: Vec::new(), bytes: Vec::new() }
    }

    /// The chunks that have pictures of a range, with their numbers.
    fn chunks_of(&self, range: &Range<usize>) -> impl Iterator<Item = (usize, &Chunk)> {
        let first = self.chunks.partition_point(|chunk| chunk.end <= range.start);
        let end = range.end;
        self.chunks.iter().enumerate().skip(first).take_while(move |(_, chunk)| chunk.start < end)
    }

    #[cfg(test)]
    pub(crate) fn to_vec(&self) -> Vec<Frame> {
        self.read(0..self.len()).unwrap().into_owned()
    }

    /// How many pictures are in memory.
    #[cfg(test)]
    fn in_memory(&self) -> usize {
        let here = |chunk: &Chunk| match &chunk.pictures {
            Pictures::Here(frames) => frames.len(),
            Pictures::Shelved(_) => 0,
        };
        self.chunks.iter().map(here).sum()
    }
}

impl Chunk {
    /// Which of its pictures belong to a range.
    fn part(&self, range: &Range<usize>) -> Range<usize> {
        range.start.max(self.start) - self.start..range.end.min(self.end) - self.start
    }
}

/// Goes through pictures one by one. What it read last it has at hand: ranges one after the other are read once.
pub(crate) struct Reader<'a> {
    frames: &'a Frames,
    /// The chunk that `read` is.
    at: Option<usize>,
    read: Vec<Frame>,
    bytes: Vec<u8>,
}

impl Reader<'_> {
    /// Looks at every picture of a range, as far as they exist, in order, with its ordinal.
    pub(crate) fn each(
        &mut self,
        range: Range<usize>,
        mut look: impl FnMut(usize, &Frame),
    ) -> io::Result<()> {
        for (number, chunk) in self.frames.chunks_of(&range) {
            let pictures = match &chunk.pictures {
                Pictures::Here(here) => here,
                Pictures::Shelved(part) => {
                    if self.at != Some(number) {
                        self.at = None;
                        part.read(&mut self.read, &mut self.bytes)?;
                        self.at = Some(number);
                    }
                    &self.read
                }
            };
            let inside = chunk.part(&range);
            let first = chunk.start + inside.start;
            (first..).zip(pictures.get(inside).unwrap_or_default()).for_each(|(at, frame)| look(at, frame));
        }
        Ok(())
    }
}

#[cfg(test)]
impl PartialEq for Frames {
    fn eq(&self, other: &Self) -> bool {
        self.to_vec() == other.to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execution::Execution;
    use crate::features::{Extractor, FRAME_BYTES};

    fn pictures(count: u8) -> Vec<Frame> {
        let mut extractor = Extractor::default();
        (0..count).for_each(|number| extractor.push(i64::from(number) * 512, &[number; FRAME_BYTES]));
        extractor.finish().frames.to_vec()
    }

    fn room(in_memory: usize) -> Room {
        Room::new(&Execution { pictures_in_memory: in_memory, ..Execution::default() })
    }

    fn kept(pictures: &[Frame], room: &Room) -> Frames {
        let mut frames = Frames::default();
        for picture in pictures {
            frames.push(picture.clone());
            frames.settle(room).unwrap();
        }
        frames
    }

    #[test]
    fn every_range_is_the_same_wherever_the_pictures_are() {
        let pictures = pictures(40);
        for in_memory in [0, 1, 3, 7, 20, 100] {
            let room = room(in_memory);
            let mut frames = Frames::default();
            for piece in [&pictures[..13], &[], &pictures[13..14], &pictures[14..]] {
                frames.append(kept(piece, &room));
            }
            assert_eq!((frames.len(), frames.pts()[39]), (40, 39 * 512));
            let mut reader = frames.reader();
            for start in 0..=40 {
                for end in start..=42 {
                    let expected = &pictures[start..end.min(40)];
                    assert_eq!(*frames.read(start..end).unwrap(), *expected);
                    let mut seen = Vec::new();
                    reader.each(start..end, |at, frame| seen.push((at, frame.clone()))).unwrap();
                    assert_eq!(seen, (start..).zip(expected.iter().cloned()).collect::<Vec<_>>());
                }
            }
        }
    }

    #[test]
    fn what_is_in_memory_is_bounded_for_all_stretches_together() {
        let pictures = pictures(200);
        let room = room(20);
        let frames = [kept(&pictures, &room), kept(&pictures, &room)];
        // Of each the first chunk and what came after the last one; of both together what there was room for.
        assert_eq!(frames.iter().map(Frames::in_memory).sum::<usize>(), 20 + 20 + 20);
        assert!(frames.iter().all(|frames| frames.to_vec() == pictures));
    }

    #[test]
    fn a_film_that_fits_into_memory_is_read_without_being_copied_and_makes_no_file() {
        let pictures = pictures(40);
        let room = Room::new(&Execution { temporary: "/nowhere".into(), ..Execution::default() });
        let mut frames = kept(&pictures[..20], &room);
        frames.append(kept(&pictures[20..], &room));
        assert!(matches!(frames.read(0..40).unwrap(), Cow::Borrowed(all) if all.len() == 40));
    }

    #[test]
    fn the_file_has_no_name_and_its_folder_is_the_one_that_was_given() {
        let folder = tempfile::tempdir().unwrap();
        let temporary = folder.path().to_owned();
        let room = Room::new(&Execution { temporary, pictures_in_memory: 0, ..Execution::default() });
        let pictures = pictures(9);
        let frames = kept(&pictures, &room);
        assert_eq!((frames.in_memory(), std::fs::read_dir(folder.path()).unwrap().count()), (1, 0));
        drop(folder);
        assert_eq!(frames.to_vec(), pictures, "also when nobody can find it");
        let gone = Room::new(&Execution {
            temporary: "/nowhere".into(),
            pictures_in_memory: 0,
            ..Execution::default()
        });
        let mut frames = kept(&pictures[..1], &gone);
        frames.push(pictures[1].clone());
        assert_eq!(frames.settle(&gone).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
