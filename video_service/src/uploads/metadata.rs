//! `Upload-Metadata`: keys, and values in Base64, separated by commas (tus, "Creation").

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use service_kit::problem::Problem;
use uuid::Uuid;

/// The longest one, in bytes.
const MAX_LENGTH: usize = 16 * 1024;

/// What a client says of its upload. Keys that are not known are kept and mean nothing here: clients send some of their
/// own.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Metadata {
    /// `filename`, or `name` as Uppy says.
    pub(super) filename: Option<String>,
    /// `filetype`, or `type`.
    pub(super) media_type: Option<String>,
    /// `title`.
    pub(super) title: Option<String>,
    /// `video_id`: the record it is for.
    pub(super) video_id: Option<Uuid>,
    /// `analyze`: `false`, not to begin the analysis.
    pub(super) analyze: Option<bool>,
}

impl Metadata {
    /// Reads the header.
    ///
    /// # Errors
    /// 400 where it is not of this form, or a value is none for its key.
    pub(super) fn parse(header: &str) -> Result<Self, Problem> {
        if header.len() > MAX_LENGTH {
            return Err(Problem::malformed(format!("Upload-Metadata must have at most {MAX_LENGTH} bytes")));
        }
        let mut metadata = Self::default();
        let mut keys = Vec::new();
        for pair in header.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let (key, encoded) = pair.split_once(' ').unwrap_or((pair, ""));
            if keys.contains(&key) {
                return Err(Problem::malformed(format!("Upload-Metadata has `{}` twice", shown(key))));
            }
            keys.push(key);
            let value = decode(encoded).ok_or_else(|| {
                Problem::malformed(format!("Upload-Metadata: `{}` is not UTF-8 in Base64", shown(key)))
            })?;
            metadata.set(key, value)?;
        }
        Ok(metadata)
    }

    fn set(&mut self, key: &str, value: String) -> Result<(), Problem> {
        let wrong = |what: &str| Problem::malformed(format!("Upload-Metadata: `{}` {what}", shown(key)));
        match key {
            "filename" => self.filename = Some(value),
            "name" => self.filename = self.filename.take().or(Some(value)),
            "filetype" => self.media_type = Some(value).filter(|text| !text.is_empty()),
            "type" => {
                self.media_type = self.media_type.take().or(Some(value)).filter(|text| !text.is_empty());
            }
            "title" => self.title = Some(value),
            "video_id" => self.video_id = Some(value.parse().map_err(|_| wrong("is no id"))?),
            "analyze" => self.analyze = Some(value.parse().map_err(|_| wrong("must be true or false"))?),
            _ => {}
        }
        Ok(())
    }
}

fn decode(encoded: &str) -> Option<String> {
    String::from_utf8(BASE64_STANDARD.decode(encoded.trim()).ok()?).ok()
}

fn shown(key: &str) -> String {
    key.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(key: &str, value: &str) -> String {
        format!("{key} {}", BASE64_STANDARD.encode(value))
    }

    #[test]
    fn known_keys_are_read_and_others_are_left_alone() {
        let id = Uuid::now_v7();
        let header = [
            pair("filename", "größe.mp4"),
            pair("video_id", &id.to_string()),
            pair("analyze", "false"),
            pair("relativePath", "null"),
            "flag".to_owned(),
        ];
        let expected = Metadata {
            filename: Some("größe.mp4".to_owned()),
            video_id: Some(id),
            analyze: Some(false),
            ..Metadata::default()
        };
        assert_eq!(Metadata::parse(&header.join(",")).unwrap(), expected);
        assert_eq!(Metadata::parse("").unwrap(), Metadata::default());
        let uppy = [pair("name", "a.mp4"), pair("type", "video/mp4")].join(", ");
        let metadata = Metadata::parse(&uppy).unwrap();
        assert_eq!(
            (metadata.filename.as_deref(), metadata.media_type.as_deref()),
            (Some("a.mp4"), Some("video/mp4"))
        );
    }

    #[test]
    fn what_is_not_base64_or_comes_twice_is_refused() {
        let twice = [pair("title", "a"), pair("title", "b")].join(",");
        for header in
            ["filename %%%", "title /w==", &twice, &pair("video_id", "7"), &pair("analyze", "maybe")]
        {
            assert!(Metadata::parse(header).is_err(), "{header}");
        }
        assert!(Metadata::parse(&pair("x", &"y".repeat(20_000))).is_err());
    }
}
