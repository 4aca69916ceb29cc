//! Decoding: pictures in pieces side by side, sound in one.

mod audio;
mod plan;
mod timestamps;
mod video;

pub(crate) use audio::{Sound, decode_sound};
pub(crate) use video::{Pictures, VideoJob, decode_pictures};

#[cfg(test)]
mod tests;
