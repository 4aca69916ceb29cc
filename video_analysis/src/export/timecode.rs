//! SMPTE timecode (ST 12-1, and ST 12-3 for higher rates).

use super::ExportError;
use crate::rational::Rational;

/// How frames of a rate are counted.
pub(crate) struct Timecode {
    /// Frames that are counted to a second.
    nominal: u64,
    /// Frame numbers that are left out at the start of each minute but every tenth, so that the count keeps up with the
    /// clock: only rates of 30000/1001 and 60000/1001 have such a count.
    dropped: u64,
}

impl Timecode {
    pub(crate) fn of(rate: Rational) -> Result<Self, ExportError> {
        let fits = |rate: Rational| {
            let whole = if rate.den == 1001 { 1000 } else { rate.den };
            let nominal = u64::try_from(rate.num.checked_div(whole)?).ok()?;
            // Two digits are there for frames.
            let exact = rate.num.checked_rem(whole)? == 0;
            (exact && (1..=100).contains(&nominal)).then_some(nominal)
        };
        let nominal = fits(rate).ok_or(ExportError::NoTimecode(rate))?;
        let dropped = match (rate.den, nominal) {
            (1001, 30) => 2,
            (1001, 60) => 4,
            _ => 0,
        };
        Ok(Self { nominal, dropped })
    }

    pub(super) fn drops(&self) -> bool {
        self.dropped > 0
    }

    /// Of a frame counted from 0, from `00:00:00:00` on; begins again after a day.
    pub(crate) fn at(&self, frame: u64) -> String {
        let minute = self.nominal * 60 - self.dropped;
        let ten_minutes = minute * 10 + self.dropped;
        let frame = frame % (ten_minutes * 6 * 24);
        let (tens, rest) = (frame / ten_minutes, frame % ten_minutes);
        // The first of ten minutes has all its numbers.
        let minutes = rest.saturating_sub(self.dropped) / minute;
        let number = frame + self.dropped * (9 * tens + minutes);
        let seconds = number / self.nominal;
        let separator = if self.drops() { ';' } else { ':' };
        format!(
            "{:02}:{:02}:{:02}{separator}{:02}",
            seconds / 3600 % 24,
            seconds / 60 % 60,
            seconds % 60,
            number % self.nominal
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(num: i64, den: i64, frame: u64) -> String {
        Timecode::of(Rational { num, den }).unwrap().at(frame)
    }

    #[test]
    fn whole_rates_count_every_frame() {
        assert_eq!(at(25, 1, 0), "00:00:00:00");
        assert_eq!(at(25, 1, 25 * 3600 + 26), "01:00:01:01");
        assert_eq!(at(24_000, 1001, 24 * 61), "00:01:01:00");
        assert_eq!(at(50, 1, 50 * 86_400), "00:00:00:00");
    }

    #[test]
    fn drop_frame_skips_numbers_each_minute_but_every_tenth() {
        let cases = [
            (0, "00:00:00;00"),
            (1799, "00:00:59;29"),
            (1800, "00:01:00;02"),
            (3597, "00:01:59;29"),
            (3598, "00:02:00;02"),
            (17_981, "00:09:59;29"),
            (17_982, "00:10:00;00"),
            (107_892, "01:00:00;00"),
        ];
        for (frame, text) in cases {
            assert_eq!(at(30_000, 1001, frame), text);
        }
        assert_eq!(at(60_000, 1001, 3599), "00:00:59;59");
        assert_eq!(at(60_000, 1001, 3600), "00:01:00;04");
        assert_eq!(at(60_000, 1001, 215_784), "01:00:00;00");
    }

    #[test]
    fn odd_rates_have_no_timecode() {
        for (num, den) in [(25, 2), (17_430, 1000), (120, 1), (30_000, 1002), (0, 1)] {
            let rate = Rational { num, den };
            assert_eq!(Timecode::of(rate).err(), Some(ExportError::NoTimecode(rate)));
        }
    }
}
