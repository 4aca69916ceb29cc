//! Fractions, times and timecodes: no number of 64 bits is too large.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| video_analysis::fuzzing::rational(data));
