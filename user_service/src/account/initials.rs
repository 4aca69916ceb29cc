//! What stands where others have a picture.

/// 1 to 3 letters or digits of any script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Initials(String);

const LENGTH: std::ops::RangeInclusive<usize> = 1..=3;

impl Initials {
    /// Those of a name: of its first and last word.
    pub(crate) fn of(name: &str) -> String {
        let mut words =
            name.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty());
        let ends = [words.next(), words.next_back()];
        let firsts = ends.into_iter().flatten().filter_map(|word| word.chars().next());
        firsts.flat_map(char::to_uppercase).collect()
    }

    pub(crate) fn into_inner(self) -> String {
        self.0
    }
}

impl TryFrom<String> for Initials {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if LENGTH.contains(&text.chars().count()) && text.chars().all(char::is_alphanumeric) {
            return Ok(Self(text));
        }
        Err("must be 1 to 3 letters or digits")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn those_of_a_name_are_its_first_and_last() {
        for (name, initials) in [
            ("Ann", "A"),
            ("ann lee", "AL"),
            ("Jan Amos Komenský", "JK"),
            ("ann.lee_2", "A2"),
            ("žofie řehořová", "ŽŘ"),
            ("山田 太郎", "山太"),
            ("--", ""),
        ] {
            assert_eq!(Initials::of(name), initials, "{name}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_taken_is_short_and_shows(text in "\\PC{0,5}|\\w{1,3}") {
            if let Ok(initials) = Initials::try_from(text.clone()) {
                prop_assert!(LENGTH.contains(&text.chars().count()));
                prop_assert!(!text.chars().any(|character| character.is_control() || character.is_whitespace()));
                prop_assert_eq!(initials.into_inner(), text);
            }
        }

        #[test]
        fn those_of_any_name_are_few(name in "\\PC{0,128}") {
            // The capital form of some letters is up to three.
            prop_assert!(Initials::of(&name).chars().count() <= 6);
        }
    }
}
