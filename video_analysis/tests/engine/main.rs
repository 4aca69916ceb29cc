//! The engine as those who use it meet it: its library and its command line, with real FFmpeg on films of known content.

#![cfg(test)]

mod audio_timing;
mod bad_input;
mod channels;
mod choice;
mod command_line;
mod curves;
mod damage;
mod edited_films;
mod exports;
mod feature_cache;
mod letterbox;
mod limits;
mod long_films;
mod mutations;
mod packets;
mod pictures;
mod poster;
mod preview;
mod resumption;
mod sandbox;
#[cfg(feature = "utoipa")]
mod schema;
mod selftest;
mod shots_described;
mod sound;
mod split;
mod stillness;
mod storyboard;
#[path = "../support/mod.rs"]
mod support;
mod time_goes_back;
mod transitions;
mod verify;
mod whole_report;
