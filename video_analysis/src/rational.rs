//! Exact rational numbers, as containers use them for time bases, rates and aspect ratios.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::numeric::to_f64;

/// A rational number with a positive denominator, written `"num/den"` in JSON. Kept as the container wrote it, not reduced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rational {
    /// Numerator.
    pub num: i64,
    /// Denominator, above zero.
    pub den: i64,
}

impl Rational {
    /// `num/den`; `None` unless the denominator is above zero.
    #[must_use]
    pub fn new(num: i64, den: i64) -> Option<Self> {
        (den > 0).then_some(Self { num, den })
    }

    /// The same value with the smallest terms.
    pub(crate) fn reduced(self) -> Self {
        let (mut one, mut other) = (self.num.saturating_abs(), self.den);
        while other != 0 {
            (one, other) = (other, one % other);
        }
        Self { num: self.num / one.max(1), den: self.den / one.max(1) }
    }

    /// The value as a float.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        to_f64(self.num) / to_f64(self.den)
    }

    /// `ticks` of this time base in seconds: one multiplication and one division, so that equal times are equal floats.
    #[must_use]
    pub fn seconds(self, ticks: i64) -> f64 {
        to_f64(ticks) * to_f64(self.num) / to_f64(self.den)
    }

    /// `ticks` of this time base in microseconds, rounded up.
    pub(crate) fn microseconds_ceil(self, ticks: i64) -> i128 {
        let scaled = (i128::from(ticks) * i128::from(self.num)).saturating_mul(1_000_000);
        let den = i128::from(self.den);
        scaled.div_euclid(den) + i128::from(scaled.rem_euclid(den) != 0)
    }

    /// `ticks` of this time base counted in `other`, rounded to the nearest; saturates. Of numbers of more than 32 bits, which no
    /// container has and a report that was made up may, what comes out may be wrong.
    pub(crate) fn rescale(self, ticks: i64, other: Self) -> i64 {
        let num = (i128::from(ticks) * i128::from(self.num)).saturating_mul(other.den.into());
        let den = i128::from(self.den) * i128::from(other.num.max(1));
        let rounded = num.saturating_mul(2).saturating_add(den).div_euclid(den * 2);
        i64::try_from(rounded).unwrap_or(if rounded > 0 { i64::MAX } else { i64::MIN })
    }
}

impl fmt::Display for Rational {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.num, self.den)
    }
}

/// The text was not `num/den` (or `num:den`) with a positive denominator.
#[derive(Debug, thiserror::Error)]
#[error("not a rational number: {0:?}")]
pub struct NotRational(String);

impl FromStr for Rational {
    type Err = NotRational;

    fn from_str(text: &str) -> Result<Self, NotRational> {
        text.split_once(['/', ':'])
            .and_then(|(num, den)| Self::new(num.parse().ok()?, den.parse().ok()?))
            .ok_or_else(|| NotRational(text.to_owned()))
    }
}

impl Serialize for Rational {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rational {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "utoipa")]
impl utoipa::PartialSchema for Rational {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .pattern(Some("^-?[0-9]+/[0-9]+$"))
            .examples([serde_json::Value::from("1/90000")])
            .build()
            .into()
    }
}

#[cfg(feature = "utoipa")]
impl utoipa::ToSchema for Rational {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_value_are_the_same_thing_both_ways() {
        let ntsc: Rational = "30000/1001".parse().unwrap();
        assert_eq!(serde_json::to_string(&ntsc).unwrap(), "\"30000/1001\"");
        assert_eq!(serde_json::from_str::<Rational>("\"16:15\"").unwrap(), Rational { num: 16, den: 15 });
        assert!("1/0".parse::<Rational>().is_err());
    }

    #[test]
    fn rescaling_rounds_to_nearest_also_below_zero() {
        let millis = Rational { num: 1, den: 1000 };
        let rate = Rational { num: 1, den: 48_000 };
        assert_eq!(millis.rescale(21, rate), 1008);
        assert_eq!(rate.rescale(-1024, millis), -21);
        assert_eq!(Rational { num: 1, den: 3 }.microseconds_ceil(1), 333_334);
    }
}
