//! Colours where distances are as they are seen: `OKLab`, Björn Ottosson, *A perceptual color space for image processing*
//! (2020), from and to sRGB (IEC 61966-2-1).

use crate::numeric::to_u8;

/// Lightness from 0 to 1, green to red, blue to yellow.
pub(super) type Lab = [f64; 3];

type Matrix = [[f64; 3]; 3];

const RGB_TO_LMS: Matrix = [
    [0.412_221_470_8, 0.536_332_536_3, 0.051_445_992_9],
    [0.211_903_498_2, 0.680_699_545_1, 0.107_396_956_6],
    [0.088_302_461_9, 0.281_718_837_6, 0.629_978_700_5],
];
const LMS_TO_LAB: Matrix = [
    [0.210_454_255_3, 0.793_617_785_0, -0.004_072_046_8],
    [1.977_998_495_1, -2.428_592_205_0, 0.450_593_709_9],
    [0.025_904_037_1, 0.782_771_766_2, -0.808_675_766_0],
];
const LAB_TO_LMS: Matrix = [
    [1.0, 0.396_337_777_4, 0.215_803_757_3],
    [1.0, -0.105_561_345_8, -0.063_854_172_8],
    [1.0, -0.089_484_177_5, -1.291_485_548_0],
];
const LMS_TO_RGB: Matrix = [
    [4.076_741_662_1, -3.307_711_591_3, 0.230_969_929_2],
    [-1.268_438_004_6, 2.609_757_401_1, -0.341_319_396_5],
    [-0.004_196_086_3, -0.703_418_614_7, 1.707_614_701_0],
];

/// From sRGB components of 0 to 255, which need not be whole.
pub(super) fn from_srgb(rgb: [f64; 3]) -> Lab {
    let linear = rgb.map(|value| {
        let value = value / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    });
    times(&LMS_TO_LAB, times(&RGB_TO_LMS, linear).map(f64::cbrt))
}

/// To the nearest colour that sRGB has for each component.
pub(super) fn to_srgb(lab: Lab) -> [u8; 3] {
    let linear = times(&LMS_TO_RGB, times(&LAB_TO_LMS, lab).map(|value| value * value * value));
    linear.map(|value| {
        let value = value.clamp(0.0, 1.0);
        to_u8(
            255.0 * if value <= 0.003_130_8 { value * 12.92 } else { 1.055 * value.powf(1.0 / 2.4) - 0.055 },
        )
    })
}

/// The square of the distance of two colours.
pub(super) fn distance_squared(one: Lab, other: Lab) -> f64 {
    one.iter().zip(other).map(|(one, other)| (one - other) * (one - other)).sum()
}

fn times(matrix: &Matrix, vector: [f64; 3]) -> [f64; 3] {
    matrix.map(|row| row.iter().zip(vector).map(|(factor, value)| factor * value).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_and_red_are_where_the_paper_has_them_and_every_colour_comes_back() {
        let near = |one: Lab, other: Lab| distance_squared(one, other).sqrt() < 1e-3;
        assert!(near(from_srgb([255.0; 3]), [1.0, 0.0, 0.0]));
        assert!(near(from_srgb([255.0, 0.0, 0.0]), [0.628, 0.225, 0.126]));
        for color in [[0, 0, 0], [255, 255, 255], [1, 128, 254], [200, 10, 90], [12, 12, 12]] {
            assert_eq!(to_srgb(from_srgb(color.map(f64::from))), color);
        }
    }
}
