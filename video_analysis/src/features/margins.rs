//! How far black reaches into a picture from its sides: what may be letterbox, and may be a dark scene.

use serde::{Deserialize, Serialize};

use super::{HEIGHT, PIXELS, WIDTH};

/// Luma up to which a pixel of the small picture is black: bars have a few levels where compression is poor.
const BLACK: u8 = 12;

/// Rows and columns of the small picture that are black from one side to the other, counted from each side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Margins {
    pub(crate) top: u8,
    pub(crate) bottom: u8,
    pub(crate) left: u8,
    pub(crate) right: u8,
}

impl Margins {
    #[inline(never)]
    pub(super) fn of(luma: &[u8; PIXELS]) -> Self {
        let mut columns = [0u8; WIDTH];
        let mut rows = [0u8; HEIGHT];
        for (brightest, row) in rows.iter_mut().zip(luma.as_chunks::<WIDTH>().0) {
            columns.iter_mut().zip(row).for_each(|(most, value)| *most = (*most).max(*value));
            *brightest = row.iter().copied().max().unwrap_or(0);
        }
        Self {
            top: black(&mut rows.iter()),
            bottom: black(&mut rows.iter().rev()),
            left: black(&mut columns.iter()),
            right: black(&mut columns.iter().rev()),
        }
    }

    /// Black rows at the top and at the bottom, whichever are fewer; `None` where everything is black.
    pub(crate) fn rows(self) -> Option<u8> {
        (usize::from(self.top) < HEIGHT).then(|| self.top.min(self.bottom))
    }

    /// The same for columns at the left and at the right.
    pub(crate) fn columns(self) -> Option<u8> {
        (usize::from(self.left) < WIDTH).then(|| self.left.min(self.right))
    }
}

fn black(lines: &mut dyn Iterator<Item = &u8>) -> u8 {
    lines.take_while(|brightest| **brightest <= BLACK).fold(0, |count, _| count + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn black_lines_are_counted_from_each_side() {
        let lit = |at: usize| {
            let (x, y) = (at % WIDTH, at / WIDTH);
            u8::from((5..40).contains(&x) && (3..25).contains(&y)) * 60
        };
        let margins = Margins::of(&std::array::from_fn(lit));
        assert_eq!(margins, Margins { top: 3, bottom: 2, left: 5, right: 8 });
        assert_eq!((margins.rows(), margins.columns()), (Some(2), Some(5)));
        let black = Margins::of(&[BLACK; PIXELS]);
        assert_eq!((black.rows(), black.columns()), (None, None));
    }
}
