//! The features of a picture as bytes, for the file of a long film: quick rather than small, and read by nobody else.

use super::{Frame, GRID, LumaCounts, Margins};

/// Appends a picture.
pub(super) fn pack(frame: &Frame, bytes: &mut Vec<u8>) {
    let Frame { pts, mean, deviation, detail, residual, pan_misfit, recolored, peak_change, .. } = frame;
    bytes.extend(pts.to_le_bytes());
    bytes.extend(
        [mean, deviation, detail, residual, pan_misfit, recolored].into_iter().flat_map(|v| v.to_le_bytes()),
    );
    let Margins { top, bottom, left, right } = frame.margins;
    bytes.extend([*peak_change, top, bottom, left, right]);
    let luma = frame.luma.as_bytes();
    // Two bytes for each of 256 values at the most.
    bytes.extend(u16::try_from(luma.len()).unwrap_or(u16::MAX).to_le_bytes());
    bytes.extend(luma);
    bytes.extend(frame.grid.iter());
}

/// Takes a picture from the front; `None` where it is not whole.
pub(super) fn unpack(bytes: &mut &[u8]) -> Option<Frame> {
    let pts = i64::from_le_bytes(take(bytes)?);
    let mut number = || take(bytes).map(f32::from_le_bytes);
    let [mean, deviation, detail] = [number()?, number()?, number()?];
    let [residual, pan_misfit, recolored] = [number()?, number()?, number()?];
    let [peak_change, top, bottom, left, right] = take(bytes)?;
    let length = u16::from_le_bytes(take(bytes)?);
    let luma = bytes.split_off(..usize::from(length))?;
    Some(Frame {
        pts,
        mean,
        deviation,
        detail,
        residual,
        pan_misfit,
        recolored,
        peak_change,
        margins: Margins { top, bottom, left, right },
        luma: LumaCounts::from_bytes(luma),
        grid: Box::new(take::<GRID>(bytes)?),
    })
}

fn take<const COUNT: usize>(bytes: &mut &[u8]) -> Option<[u8; COUNT]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*taken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::{Extractor, FRAME_BYTES};

    #[test]
    fn what_is_unpacked_is_what_was_packed_and_nothing_is_made_of_less() {
        let mut extractor = Extractor::default();
        let pictures =
            [vec![0; FRAME_BYTES], vec![255; FRAME_BYTES], (0..=255).cycle().take(FRAME_BYTES).collect()];
        (-1..).zip(&pictures).for_each(|(pts, picture)| extractor.push(pts, picture));
        let frames = extractor.finish().frames.to_vec();
        let mut bytes = Vec::new();
        for frame in &frames {
            pack(frame, &mut bytes);
        }
        let mut rest = bytes.as_slice();
        assert_eq!(std::iter::from_fn(|| unpack(&mut rest)).collect::<Vec<_>>(), frames);
        assert!(rest.is_empty());
        let mut cut = &bytes[..bytes.len() - 1];
        assert_eq!(std::iter::from_fn(|| unpack(&mut cut)).count(), 2);
    }
}
