//! Decoding: pictures in pieces side by side, sound in one.

mod audio;
mod picture;
mod plan;
mod timestamps;
mod video;

pub(crate) use audio::decode_sound;
pub(crate) use picture::{luma_of_picture, seek};
#[cfg(test)]
pub(crate) use video::Pictures;
pub(crate) use video::{SHORTCUTS, VideoJob, decode_pictures};

#[cfg(test)]
mod tests;
