//! Options: what is valid is the same once written and read.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| video_analysis::fuzzing::options(data));
