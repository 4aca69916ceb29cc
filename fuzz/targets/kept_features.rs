//! Kept features behind their checksum: what is read is written as it was.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| video_analysis::fuzzing::kept_features(data));
