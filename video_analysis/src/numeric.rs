//! The few number conversions that may round, each in one place with the reason why it is harmless.

/// A count or a timestamp as a float. Exact up to 2^53: at 90 kHz that is three thousand years.
#[expect(clippy::cast_precision_loss, reason = "exact below 2^53, and only used for seconds and shares")]
pub(crate) fn to_f64(value: i64) -> f64 {
    value as f64
}

/// A length or a sum as a float; exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "exact below 2^53, and only used for shares and means")]
pub(crate) fn count_to_f64(value: u64) -> f64 {
    value as f64
}

/// The same for lengths in memory.
pub(crate) fn len_to_f64(value: usize) -> f64 {
    count_to_f64(len(value))
}

/// A length in memory as a count; never loses on any platform Rust supports.
pub(crate) fn len(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

/// Features are kept as `f32`: seven digits are more than 8-bit pixels can fill.
#[expect(
    clippy::cast_possible_truncation,
    reason = "features of 8-bit pixels need no more than f32's digits"
)]
pub(crate) fn to_f32(value: f64) -> f32 {
    value as f32
}

/// A component of a colour, rounded and cut to what a byte holds.
pub(crate) fn to_u8(value: f64) -> u8 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rounded and in range")]
    let byte = value.round().clamp(0.0, 255.0) as u8;
    byte
}

/// A sample, 1 being full scale, as one of 16 bits; what is beyond full scale is cut off.
pub(crate) fn to_i16(sample: f32) -> i16 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "`as` cuts off what does not fit, as it should be here"
    )]
    let value = (sample * 32_768.0).round() as i16;
    value
}

/// A number that is whole and fits, as an integer.
pub(crate) fn whole_number(value: f64) -> Option<u32> {
    let fits = value.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&value);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole and in range, or not taken"
    )]
    let whole = fits.then_some(value as u32);
    whole
}

/// Mean of numbers; 0 of none.
pub(crate) fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let (sum, count) = values.into_iter().fold((0.0, 0), |(sum, count), value| (sum + value, count + 1));
    sum / len_to_f64(count).max(1.0)
}

/// Rounds half away from zero to a fixed number of decimals, so that the report's bytes are stable; no negative zero.
pub(crate) fn round(value: f64, decimals: i32) -> f64 {
    let scale = 10f64.powi(decimals);
    (value * scale).round() / scale + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_keeps_the_asked_decimals_and_knows_no_negative_zero() {
        assert!((round(1.234_567_89, 6) - 1.234_568).abs() < 1e-12);
        assert!(round(-0.000_000_01, 6).is_sign_positive());
    }
}
