//! Features as bytes: sections in the postcard format, each behind its length, so that no more than one is in memory besides
//! what it becomes. Floats are kept bit by bit.

use std::io::{self, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::active::Area;
use crate::damage::Damage;
use crate::features::{Ends, Footage, Frame, Frames, GRID, LumaCounts, Margins, Room, Sound};
use crate::numeric::len;
use crate::probe::Structure;

/// Pictures in a section: some megabytes.
const BLOCK: usize = 4096;
/// Longest section in bytes, so that a wrong length does not fill the memory.
const LONGEST: u32 = 32 << 20;

/// What is kept of one content.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) footage: Option<Footage>,
    /// Of every audio stream.
    pub(crate) sounds: Option<Vec<Sound>>,
}

/// The first section.
#[derive(Serialize, Deserialize)]
struct Head {
    footage: Option<Counts>,
    /// How many audio streams follow, each in a section.
    sounds: Option<usize>,
}

/// All of the footage but its pictures.
#[derive(Serialize, Deserialize)]
struct Counts {
    frames: u64,
    areas: Vec<Area>,
    packets: u64,
    listed: u64,
    span: u64,
    last_duration: Option<i64>,
    structure: Structure,
    damage: Damage,
}

/// Pictures in a row, by columns, which compress better.
#[derive(Default, Serialize, Deserialize)]
struct Block {
    pts: Vec<i64>,
    mean: Vec<f32>,
    deviation: Vec<f32>,
    detail: Vec<f32>,
    residual: Vec<f32>,
    pan_misfit: Vec<f32>,
    recolored: Vec<f32>,
    peak_change: Vec<u8>,
    margins: Vec<Margins>,
    luma: Vec<LumaCounts>,
    /// The difference to the picture before: mostly zeros. The first of a block has black before it.
    grid: Vec<u8>,
}

pub(crate) fn write(
    out: &mut (impl Write + ?Sized),
    footage: Option<&Footage>,
    sounds: Option<&[Sound]>,
) -> io::Result<()> {
    let counts = footage.map(|footage| Counts {
        frames: len(footage.frames.len()),
        areas: footage.areas.clone(),
        packets: footage.packets,
        listed: footage.listed,
        span: footage.span,
        last_duration: footage.last_duration,
        structure: footage.structure.clone(),
        damage: footage.damage.clone(),
    });
    put(out, &Head { footage: counts, sounds: sounds.map(<[Sound]>::len) })?;
    sounds.unwrap_or_default().iter().try_for_each(|sound| put(out, sound))?;
    let Some(Footage { frames, .. }) = footage else { return Ok(()) };
    (0..frames.len())
        .step_by(BLOCK)
        .try_for_each(|start| put(out, &Block::of(&frames.read(start..start + BLOCK)?)))
}

/// Some pictures of a film, and its ends.
pub(crate) fn write_stretch(
    out: &mut (impl Write + ?Sized),
    ends: &Ends,
    frames: &[Frame],
) -> io::Result<()> {
    put(out, &(ends, len(frames.len())))?;
    frames.chunks(BLOCK).try_for_each(|block| put(out, &Block::of(block)))
}

pub(crate) fn read_stretch(input: &mut (impl Read + ?Sized)) -> io::Result<(Ends, Vec<Frame>)> {
    let (ends, count): (Ends, u64) = get(input)?;
    let mut frames = Vec::new();
    while len(frames.len()) < count {
        get::<Block>(input)?.each(|frame| {
            frames.push(frame);
            Ok(())
        })?;
    }
    Ok((ends, frames))
}

pub(crate) fn read(input: &mut (impl Read + ?Sized), room: &Room) -> io::Result<Kept> {
    let Head { footage, sounds } = get(input)?;
    let sounds = sounds.map(|count| (0..count).map(|_| get(input)).collect()).transpose()?;
    let footage = footage.map(|counts| read_footage(input, counts, room)).transpose()?;
    Ok(Kept { footage, sounds })
}

fn read_footage(input: &mut (impl Read + ?Sized), counts: Counts, room: &Room) -> io::Result<Footage> {
    let mut frames = Frames::default();
    while len(frames.len()) < counts.frames {
        get::<Block>(input)?.each(|frame| {
            frames.push(frame);
            frames.settle(room)
        })?;
    }
    let Counts { areas, packets, listed, span, last_duration, structure, damage, .. } = counts;
    Ok(Footage { frames, areas, packets, listed, span, last_duration, structure, damage, damaged: false })
}

impl Block {
    fn of(frames: &[Frame]) -> Self {
        let mut block = Self::default();
        let mut before = &[0; GRID];
        for frame in frames {
            block.pts.push(frame.pts);
            block.mean.push(frame.mean);
            block.deviation.push(frame.deviation);
            block.detail.push(frame.detail);
            block.residual.push(frame.residual);
            block.pan_misfit.push(frame.pan_misfit);
            block.recolored.push(frame.recolored);
            block.peak_change.push(frame.peak_change);
            block.margins.push(frame.margins);
            block.luma.push(frame.luma.clone());
            block.grid.extend(frame.grid.iter().zip(before).map(|(this, before)| this.wrapping_sub(*before)));
            before = &frame.grid;
        }
        block
    }

    /// Hands its pictures on, at least one.
    fn each(self, mut take: impl FnMut(Frame) -> io::Result<()>) -> io::Result<()> {
        let columns =
            [&self.mean, &self.deviation, &self.detail, &self.residual, &self.pan_misfit, &self.recolored]
                .map(Vec::len);
        let (grids, rest) = self.grid.as_chunks::<GRID>();
        let all = [self.peak_change.len(), self.margins.len(), self.luma.len(), grids.len()]
            .into_iter()
            .chain(columns);
        if self.pts.is_empty() || !rest.is_empty() || all.into_iter().any(|length| length != self.pts.len()) {
            return Err(invalid("columns of different lengths"));
        }
        let numbers = self.mean.into_iter().zip(self.deviation).zip(self.detail);
        let changes =
            self.residual.into_iter().zip(self.pan_misfit).zip(self.recolored).zip(self.peak_change);
        let pictures = self.margins.into_iter().zip(self.luma).zip(grids);
        let mut grid = [0u8; GRID];
        for (
            ((pts, ((mean, deviation), detail)), (((residual, pan_misfit), recolored), peak_change)),
            ((margins, luma), difference),
        ) in self.pts.into_iter().zip(numbers).zip(changes).zip(pictures)
        {
            grid.iter_mut().zip(difference).for_each(|(value, step)| *value = value.wrapping_add(*step));
            let grid = Box::new(grid);
            take(Frame {
                pts,
                mean,
                deviation,
                detail,
                residual,
                pan_misfit,
                recolored,
                peak_change,
                margins,
                luma,
                grid,
            })?;
        }
        Ok(())
    }
}

fn put(out: &mut (impl Write + ?Sized), section: &impl Serialize) -> io::Result<()> {
    let bytes = postcard::to_allocvec(section).map_err(io::Error::other)?;
    let length = u32::try_from(bytes.len()).ok().filter(|length| *length <= LONGEST);
    let length = length.ok_or_else(|| io::Error::from(io::ErrorKind::FileTooLarge))?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(&bytes)
}

fn get<T: DeserializeOwned>(input: &mut (impl Read + ?Sized)) -> io::Result<T> {
    let mut length = [0; 4];
    input.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if length > LONGEST {
        return Err(invalid("a section is too long"));
    }
    let mut bytes = Vec::new();
    input.take(length.into()).read_to_end(&mut bytes)?;
    postcard::from_bytes(&bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
