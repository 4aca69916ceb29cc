//! A decoder's pictures with whatever timestamps: shots tile the film, and all that is found has its place in a report.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| video_analysis::fuzzing::decoded_pictures(data));
