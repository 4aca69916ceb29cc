//! Decoding: pictures in pieces side by side, sound in one.

mod audio;
mod keeper;
mod picture;
mod pieces;
mod plan;
mod timestamps;
mod video;

pub(crate) use audio::decode_sound;
#[cfg(feature = "fuzzing")]
pub(crate) use audio::finite;
pub(crate) use picture::{luma_of_keyframes, luma_of_picture, luma_of_pictures, only, seek};
#[cfg(feature = "fuzzing")]
pub(crate) use plan::cut;
#[cfg(feature = "fuzzing")]
pub(crate) use timestamps::Clock;
pub(crate) use timestamps::{KEY, Timestamps, tell_picture};
#[cfg(test)]
pub(crate) use video::Pictures;
pub(crate) use video::{SHORTCUTS, VideoJob, decode_pictures};

#[cfg(test)]
mod tests;
