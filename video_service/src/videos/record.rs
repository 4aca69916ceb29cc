//! What clients see and say of a video.

use actix_web::HttpRequest;
use actix_web::http::header::{self, ETag, EntityTag, Header, IfMatch};
use chrono::{DateTime, Utc};
use entity::video_db::video;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use video_analysis::Rational;

/// Longest title, in characters.
const MAX_TITLE: usize = 200;
/// Longest description, in characters.
const MAX_DESCRIPTION: usize = 5000;
/// Longest file name that is kept, in characters: what file systems allow.
const MAX_FILENAME: usize = 255;
/// Longest identifier of another system, in characters.
const MAX_EXTERNAL_ID: usize = 200;

/// A video.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "`video_codec` is the field's name for it")]
pub(crate) struct Video {
    /// Its identifier.
    pub id: Uuid,
    /// What it is called.
    pub title: String,
    /// What it is about.
    pub description: Option<String>,
    /// Short names that videos share.
    pub tags: Vec<String>,
    /// What another system calls it.
    pub external_id: Option<String>,
    /// Whatever its owner keeps beside it.
    #[schema(value_type = Object)]
    pub metadata: serde_json::Value,
    /// How far its bytes have come.
    pub status: Status,
    /// The name of the uploaded file.
    pub filename: Option<String>,
    /// The media type that the uploader declared.
    pub media_type: Option<String>,
    /// Size of the content.
    pub bytes: Option<i64>,
    /// SHA-256 of the content, in hexadecimal.
    pub sha256: Option<String>,
    /// Counts the contents it has had: 1 for the first, 0 before it.
    pub version: i32,
    /// How long it plays. This and what follows is known once an analysis of the content has succeeded.
    pub duration_seconds: Option<f64>,
    /// Width in pixels as displayed, after rotation.
    pub width: Option<i32>,
    /// Height in pixels as displayed, after rotation.
    pub height: Option<i32>,
    /// Frames a second on average, exactly, as `30000/1001`.
    pub frame_rate: Option<String>,
    /// The same as a number.
    pub frames_per_second: Option<f64>,
    /// FFmpeg's name of the pictures' codec, as `h264`.
    pub video_codec: Option<String>,
    /// FFmpeg's name of the sound's codec, as `aac`.
    pub audio_codec: Option<String>,
    /// What the newest analysis found, in numbers.
    pub findings: Findings,
    /// When the record was made.
    pub created_at: DateTime<Utc>,
    /// When the record or the content last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was deleted, where it can still be restored.
    pub trashed_at: Option<DateTime<Utc>>,
}

/// What the newest successful analysis of a video's content found; null where it did not look, as for sound without
/// pictures.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Findings {
    /// How many shots there are.
    pub shots: Option<i32>,
    /// How many fades, in and out.
    pub fades: Option<i32>,
    /// How many black ranges.
    pub black: Option<i32>,
    /// How many silent ranges.
    pub silence: Option<i32>,
    /// Loudness of the whole (EBU R 128).
    pub integrated_lufs: Option<f64>,
    /// Loudness range.
    pub range_lu: Option<f64>,
    /// Largest true peak.
    pub true_peak_dbtp: Option<f64>,
}

/// How far the bytes of a video have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    /// They have not arrived.
    Waiting,
    /// They are stored durably.
    Ready,
}

impl From<video::VideoStatus> for Status {
    fn from(status: video::VideoStatus) -> Self {
        match status {
            video::VideoStatus::Waiting => Self::Waiting,
            video::VideoStatus::Ready => Self::Ready,
        }
    }
}

impl From<Status> for video::VideoStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Waiting => Self::Waiting,
            Status::Ready => Self::Ready,
        }
    }
}

impl From<video::Model> for Video {
    fn from(row: video::Model) -> Self {
        let rate = row.frame_rate.as_deref().and_then(|rate| rate.parse().ok());
        Self {
            id: row.id,
            title: row.title,
            description: row.description,
            tags: row.tags.0,
            external_id: row.external_id,
            metadata: row.metadata,
            status: row.status.into(),
            filename: row.filename,
            media_type: row.media_type,
            bytes: row.bytes,
            sha256: row.sha256,
            version: row.version,
            duration_seconds: row.duration_seconds,
            width: row.width,
            height: row.height,
            frame_rate: row.frame_rate,
            frames_per_second: rate.map(Rational::to_f64),
            video_codec: row.video_codec,
            audio_codec: row.audio_codec,
            findings: Findings {
                shots: row.shots,
                fades: row.fades,
                black: row.black,
                silence: row.silence,
                integrated_lufs: row.integrated_lufs,
                range_lu: row.range_lu,
                true_peak_dbtp: row.true_peak_dbtp,
            },
            created_at: row.created_at,
            updated_at: row.updated_at,
            trashed_at: row.trashed_at,
        }
    }
}

/// The tag of a record as it is now.
pub(crate) fn etag(row: &video::Model) -> EntityTag {
    EntityTag::new_strong(format!("{}-{}", row.id.simple(), row.revision))
}

/// The header that carries a tag.
pub(crate) fn etag_header(tag: EntityTag) -> (header::HeaderName, ETag) {
    (header::ETAG, ETag(tag))
}

/// Whether the client means the state that `tag` stands for; true where it does not say (RFC 9110 §13.1.1).
pub(crate) fn is_expected(request: &HttpRequest, tag: &EntityTag) -> bool {
    !request.headers().contains_key(header::IF_MATCH)
        || IfMatch::parse(request).is_ok_and(|condition| match condition {
            IfMatch::Any => true,
            IfMatch::Items(tags) => tags.iter().any(|given| given.strong_eq(tag)),
        })
}

/// A title: 1 to 200 characters, none of them control characters, without space around it.
pub(crate) fn title(text: &str) -> Result<String, String> {
    let title = text.trim();
    if title.is_empty() {
        return Err("must not be empty".to_owned());
    }
    if title.chars().count() > MAX_TITLE {
        return Err(format!("must have at most {MAX_TITLE} characters"));
    }
    if title.chars().any(char::is_control) {
        return Err("must not contain control characters".to_owned());
    }
    Ok(title.to_owned())
}

/// The title of a video that was given none: its file's name.
pub(crate) fn title_of_file(filename: Option<&str>) -> String {
    filename.unwrap_or("Untitled").chars().take(MAX_TITLE).collect()
}

/// A description: at most 5000 characters; of the control characters, line breaks and tabs only.
pub(crate) fn description(text: &str) -> Result<String, String> {
    if text.chars().count() > MAX_DESCRIPTION {
        return Err(format!("must have at most {MAX_DESCRIPTION} characters"));
    }
    if text.chars().any(|character| character.is_control() && !matches!(character, '\n' | '\r' | '\t')) {
        return Err("must not contain control characters".to_owned());
    }
    Ok(text.to_owned())
}

/// An identifier of another system: 1 to 200 characters, none of them control characters.
pub(crate) fn external_id(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err("must not be empty".to_owned());
    }
    if text.chars().count() > MAX_EXTERNAL_ID {
        return Err(format!("must have at most {MAX_EXTERNAL_ID} characters"));
    }
    if text.chars().any(char::is_control) {
        return Err("must not contain control characters".to_owned());
    }
    Ok(text.to_owned())
}

/// The name of an uploaded file: its last part, without what no file name should have. It is shown and handed back,
/// never opened.
pub(crate) fn filename(text: &str) -> Option<String> {
    let name = text.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = name.chars().filter(|character| !character.is_control()).take(MAX_FILENAME).collect();
    let name = name.trim();
    (!name.is_empty() && name != "." && name != "..").then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_trimmed_and_bounded() {
        assert_eq!(title("  Big Buck Bunny ").unwrap(), "Big Buck Bunny");
        assert!(title(" \t ").is_err());
        assert!(title(&"ü".repeat(200)).is_ok());
        assert!(title(&"ü".repeat(201)).is_err());
        assert!(title("a\u{0}b").is_err());
    }

    #[test]
    fn a_description_may_have_lines() {
        assert!(description("one\ntwo").is_ok());
        assert!(description("bell\u{7}").is_err());
    }

    #[test]
    fn a_filename_is_never_a_path() {
        assert_eq!(filename("../../etc/passwd").as_deref(), Some("passwd"));
        assert_eq!(filename("C:\\films\\a.mp4").as_deref(), Some("a.mp4"));
        assert_eq!(filename("a\r\nSet-Cookie: x.mp4").as_deref(), Some("aSet-Cookie: x.mp4"));
        assert_eq!(filename(".."), None);
        assert_eq!(filename("x/"), None);
    }
}
