//! A decoder's samples, whatever they are: all that is found has its place in a report.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| video_analysis::fuzzing::decoded_sound(data));
