//! Colours, and what is described by one.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Segment;

/// A colour as red, green and blue of 0 to 255 each, as a screen shows it (sRGB); in JSON as in CSS, `"#1e90ff"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rgb(pub [u8; 3]);

impl fmt::Display for Rgb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", hex::encode(self.0))
    }
}

/// The text was not `#rrggbb`.
#[derive(Debug, thiserror::Error)]
#[error("not a colour like #1e90ff: {0:?}")]
pub struct NotRgb(String);

impl FromStr for Rgb {
    type Err = NotRgb;

    fn from_str(text: &str) -> Result<Self, NotRgb> {
        let mut components = [0; 3];
        let digits = text.strip_prefix('#');
        let read = digits.and_then(|digits| hex::decode_to_slice(digits, &mut components).ok());
        read.map(|()| Self(components)).ok_or_else(|| NotRgb(text.to_owned()))
    }
}

impl Serialize for Rgb {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rgb {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "utoipa")]
impl utoipa::PartialSchema for Rgb {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .pattern(Some("^#[0-9a-f]{6}$"))
            .examples([serde_json::Value::from("#1e90ff")])
            .build()
            .into()
    }
}

#[cfg(feature = "utoipa")]
impl utoipa::ToSchema for Rgb {}

/// A range of one colour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub struct Plain {
    /// Its range.
    #[serde(flatten)]
    pub segment: Segment,
    /// Its colour, as the mean over the range.
    pub color: Rgb,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_colour_are_the_same_thing_both_ways() {
        let color = Rgb([0x1e, 0x90, 0xff]);
        assert_eq!(serde_json::to_string(&color).unwrap(), "\"#1e90ff\"");
        assert_eq!(serde_json::from_str::<Rgb>("\"#1E90FF\"").unwrap(), color);
        for wrong in ["1e90ff", "#1e90f", "#1e90fff", "#1e90fg", "#"] {
            assert!(wrong.parse::<Rgb>().is_err(), "{wrong}");
        }
    }
}
