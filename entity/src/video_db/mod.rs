//! The database of Video Service: videos, their analyses, the reports, who is told of them and who may see them.

pub mod analysis;
pub mod analysis_curves;
pub mod analysis_preview;
pub mod analysis_preview_sprite;
pub mod analysis_report;
pub mod content;
pub mod idempotency_key;
pub mod queue_pause;
pub mod share;
pub mod unnamed_blob;
pub mod upload;
pub mod video;
pub mod video_tag;
pub mod video_text;
pub mod video_version;
pub mod webhook;
pub mod webhook_delivery;
