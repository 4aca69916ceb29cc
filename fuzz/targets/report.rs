//! A report from a file: every export of it is an answer or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| video_analysis::fuzzing::report(data));
