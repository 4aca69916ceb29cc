//! A thumbnail made as small as pictures that are analysed.

use crate::features::{FRAME_BYTES, HEIGHT, WIDTH};

/// Makes a picture of `size` pixels, red, green and blue, one of [`WIDTH`] × [`HEIGHT`]: each pixel is the mean of those in its place,
/// and there is one at least.
pub(super) fn shrink(rgb: &[u8], size: (usize, usize)) -> Vec<u8> {
    let columns: Vec<_> = (0..WIDTH).map(|column| part(column, WIDTH, size.0)).collect();
    let mut small = Vec::with_capacity(FRAME_BYTES);
    for row in 0..HEIGHT {
        let (top, bottom) = part(row, HEIGHT, size.1);
        let rows: Vec<&[u8]> = rgb.chunks_exact(size.0.max(1) * 3).skip(top).take(bottom - top).collect();
        for &(left, right) in &columns {
            let mut sums = [0u32; 3];
            let mut count = 0u32;
            for pixel in rows
                .iter()
                .filter_map(|row| row.get(left * 3..right * 3))
                .flat_map(|row| row.as_chunks::<3>().0)
            {
                sums.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += u32::from(*value));
                count += 1;
            }
            let half = count / 2;
            small.extend(sums.map(|sum| u8::try_from((sum + half) / count.max(1)).unwrap_or(u8::MAX)));
        }
    }
    small
}

/// From where to where the `at`th of `parts` reaches of `whole` pixels.
fn part(at: usize, parts: usize, whole: usize) -> (usize, usize) {
    let start = at * whole / parts;
    (start, ((at + 1) * whole / parts).max(start + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pixel_is_the_mean_of_its_place() {
        let wide: Vec<u8> = (0..54).flat_map(|_| (0..96u8).flat_map(|column| [column * 2, 7, 9])).collect();
        let small = shrink(&wide, (96, 54));
        assert_eq!(small.len(), FRAME_BYTES);
        assert_eq!(small[..6], [1, 7, 9, 5, 7, 9]);
        assert_eq!(small[FRAME_BYTES - 3..], [189, 7, 9]);
    }

    #[test]
    fn a_picture_that_is_smaller_is_made_larger() {
        let small = shrink(&[1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6], (2, 2));
        assert_eq!(
            (small.len(), &small[..3], &small[WIDTH * 3 - 3..WIDTH * 3]),
            (FRAME_BYTES, &[1, 2, 3][..], &[4, 5, 6][..])
        );
    }
}
