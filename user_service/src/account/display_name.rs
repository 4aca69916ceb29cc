//! How somebody wants to be addressed.

/// 1 to 128 characters of any script, without control characters and what turns the direction of the text around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DisplayName(String);

const MAX_LENGTH: usize = 128;

impl DisplayName {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn into_inner(self) -> String {
        self.0
    }
}

/// Overrides and isolates of the writing direction (Unicode Standard Annex 9, table 2): with them a name can rearrange
/// what is written after it.
fn turns_the_direction(character: char) -> bool {
    matches!(character, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Joiners and other characters without a width of their own, which belong in names, but not alone.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200B}'..='\u{200F}' | '\u{2060}'..='\u{2064}' | '\u{FEFF}' | '\u{00AD}')
}

impl TryFrom<String> for DisplayName {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.chars().any(char::is_control) {
            return Err("must not hold control characters");
        }
        if text.chars().any(turns_the_direction) {
            return Err("must not hold characters that turn the direction of writing");
        }
        let text = text.trim();
        if text.chars().all(is_invisible) || text.chars().count() > MAX_LENGTH {
            return Err("must have 1 to 128 characters");
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<DisplayName, &'static str> {
        DisplayName::try_from(text.to_owned())
    }

    #[test]
    fn any_script_is_welcome_and_space_around_it_is_not_kept() {
        assert_eq!(parse("  Žofie 山田 ").unwrap().into_inner(), "Žofie 山田");
        assert!(parse(&"ř".repeat(128)).is_ok());
    }

    #[test]
    fn nothing_too_much_and_control_characters_are_refused() {
        for name in ["", "   ", "a\0b", "a\nb", &"x".repeat(129)] {
            assert!(parse(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn names_that_cannot_be_seen_or_that_rearrange_other_text_are_refused() {
        for name in ["a\u{202E}b", "\u{2067}x", "\u{200B}", "\u{FEFF}\u{2060}"] {
            assert!(parse(name).is_err(), "{name:?}");
        }
        assert!(parse("👩\u{200D}👧").is_ok(), "joiners join");
    }

    proptest! {
        #[test]
        fn whatever_is_taken_is_one_line_and_fits_its_column(text in "\\PC{0,140}|.{0,20}|[ \\t\\n]{0,5}") {
            if let Ok(name) = parse(&text) {
                let kept = name.into_inner();
                prop_assert!((1..=128).contains(&kept.chars().count()));
                prop_assert!(!kept.chars().any(char::is_control));
                prop_assert_eq!(kept.trim(), &kept);
            }
        }
    }
}
