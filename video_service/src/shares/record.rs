//! What owners and visitors see of a link.

use chrono::{DateTime, Utc};
use entity::video_db::{share, video};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::videos::record::{Status, Video};

/// A link to a video, as its owner sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Share {
    id: Uuid,
    /// The video it leads to.
    video_id: Uuid,
    /// Whether a password is wanted.
    has_password: bool,
    created_at: DateTime<Utc>,
    /// From then on it leads nowhere.
    expires_at: DateTime<Utc>,
}

/// A link that was just made.
#[derive(Serialize, ToSchema)]
pub(super) struct ShareWithToken {
    #[serde(flatten)]
    share: Share,
    /// What makes the link unguessable. It is shown this once.
    #[schema(example = "vK3lV9xq0bYJcV1yT0pZ8mN2wQ5rS7uHdE4fG6hJ9kM")]
    token: String,
    /// The link, at this service.
    url: String,
}

/// A video as those see it who have a link: what it shows and is about, and nothing of how its owner keeps it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SharedVideo {
    /// What it is called.
    title: String,
    /// What it is about.
    description: Option<String>,
    /// Whether there is content to play.
    status: Status,
    /// The media type that the uploader declared.
    media_type: Option<String>,
    /// Size of the content.
    bytes: Option<i64>,
    /// How long it plays. This and what follows is known once an analysis of the content has succeeded.
    duration_seconds: Option<f64>,
    /// Width in pixels as displayed, after rotation.
    width: Option<i32>,
    /// Height in pixels as displayed, after rotation.
    height: Option<i32>,
    /// Frames a second on average, exactly, as `30000/1001`.
    frame_rate: Option<String>,
    /// The same as a number.
    frames_per_second: Option<f64>,
    /// FFmpeg's name of the pictures' codec, as `h264`.
    video_codec: Option<String>,
    /// FFmpeg's name of the sound's codec, as `aac`.
    audio_codec: Option<String>,
    /// When the link ends.
    expires_at: DateTime<Utc>,
}

impl From<share::Model> for Share {
    fn from(row: share::Model) -> Self {
        Self {
            id: row.id,
            video_id: row.video_id,
            has_password: row.password_hash.is_some(),
            created_at: row.created_at,
            expires_at: row.expires_at,
        }
    }
}

impl ShareWithToken {
    pub(super) fn new(row: share::Model, token: &SecretString) -> Self {
        let token = token.expose_secret().to_owned();
        Self { share: row.into(), url: address(&token), token }
    }
}

impl SharedVideo {
    pub(super) fn new(row: video::Model, expires_at: DateTime<Utc>) -> Self {
        let video = Video::from(row);
        Self {
            title: video.title,
            description: video.description,
            status: video.status,
            media_type: video.media_type,
            bytes: video.bytes,
            duration_seconds: video.duration_seconds,
            width: video.width,
            height: video.height,
            frame_rate: video.frame_rate,
            frames_per_second: video.frames_per_second,
            video_codec: video.video_codec,
            audio_codec: video.audio_codec,
            expires_at,
        }
    }
}

/// Where a link leads.
pub(super) fn address(token: &str) -> String {
    format!("/shares/{token}")
}
