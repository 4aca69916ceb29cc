//! Which detectors an analysis is asked for.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// The detectors, in the order of a report's `detectors`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "utoipa", derive(utoipa::ToSchema))]
pub enum DetectorName {
    /// Shots and the transitions between them.
    Shots,
    /// Black ranges.
    Black,
    /// Ranges of one colour.
    Plain,
    /// Ranges in which the picture stands still.
    Freeze,
    /// Bars around the picture.
    Letterbox,
    /// The representative picture of each shot.
    Representative,
    /// The colours of each shot.
    Palette,
    /// The picture that stands for the film.
    Poster,
    /// Silent ranges.
    Silence,
    /// EBU R 128.
    Loudness,
    /// Clipped sound.
    Clipping,
    /// Dead, inverted and duplicated channels.
    Channels,
}

impl DetectorName {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Shots,
        Self::Black,
        Self::Plain,
        Self::Freeze,
        Self::Letterbox,
        Self::Representative,
        Self::Palette,
        Self::Poster,
        Self::Silence,
        Self::Loudness,
        Self::Clipping,
        Self::Channels,
    ];

    /// Its name in options and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shots => "shots",
            Self::Black => "black",
            Self::Plain => "plain",
            Self::Freeze => "freeze",
            Self::Letterbox => "letterbox",
            Self::Representative => "representative",
            Self::Palette => "palette",
            Self::Poster => "poster",
            Self::Silence => "silence",
            Self::Loudness => "loudness",
            Self::Clipping => "clipping",
            Self::Channels => "channels",
        }
    }

    /// Those whose findings it works from.
    fn needs(self) -> &'static [Self] {
        match self {
            Self::Freeze => &[Self::Black, Self::Plain],
            Self::Representative | Self::Palette | Self::Poster => &[Self::Shots],
            _ => &[],
        }
    }

    fn is_of_sound(self) -> bool {
        matches!(self, Self::Silence | Self::Loudness | Self::Clipping | Self::Channels)
    }
}

impl fmt::Display for DetectorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The detectors that are asked for, and those whose findings these work from. By default all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DetectorChoice(BTreeSet<DetectorName>);

impl DetectorChoice {
    /// Whether a detector is to run.
    #[must_use]
    pub fn has(&self, detector: DetectorName) -> bool {
        self.0.contains(&detector)
    }

    /// Whether there is a detector that looks at pictures.
    pub(crate) fn is_of_pictures(&self) -> bool {
        self.0.iter().any(|detector| !detector.is_of_sound())
    }

    /// Whether there is a detector that listens to sound.
    pub(crate) fn is_of_sound(&self) -> bool {
        self.0.iter().any(|detector| detector.is_of_sound())
    }
}

impl Default for DetectorChoice {
    fn default() -> Self {
        Self(DetectorName::ALL.into())
    }
}

impl FromIterator<DetectorName> for DetectorChoice {
    fn from_iter<T: IntoIterator<Item = DetectorName>>(detectors: T) -> Self {
        let asked = detectors.into_iter();
        Self(asked.flat_map(|detector| detector.needs().iter().copied().chain([detector])).collect())
    }
}

impl<'de> Deserialize<'de> for DetectorChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let asked = Vec::<DetectorName>::deserialize(deserializer)?;
        if asked.is_empty() {
            return Err(D::Error::custom("must name at least one detector"));
        }
        Ok(asked.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detector_is_called_the_same_everywhere() {
        for name in DetectorName::ALL {
            assert_eq!(serde_json::to_value(name).unwrap(), name.as_str());
        }
        assert!(DetectorName::ALL.is_sorted());
    }

    #[test]
    fn who_asks_for_a_detector_gets_those_that_it_works_from() {
        let choice: DetectorChoice = serde_json::from_str(r#"["palette", "loudness", "palette"]"#).unwrap();
        assert_eq!(serde_json::to_string(&choice).unwrap(), r#"["shots","palette","loudness"]"#);
        assert!(choice.is_of_pictures() && choice.is_of_sound());
        let sound = DetectorChoice::from_iter([DetectorName::Silence]);
        assert!(!sound.is_of_pictures() && sound.is_of_sound());
        assert_eq!(DetectorChoice::from_iter(DetectorName::ALL), DetectorChoice::default());
    }

    #[test]
    fn nothing_and_unknown_names_are_refused() {
        for wrong in ["[]", r#"["faces"]"#, r#""shots""#, "null"] {
            assert!(serde_json::from_str::<DetectorChoice>(wrong).is_err(), "{wrong}");
        }
    }
}
