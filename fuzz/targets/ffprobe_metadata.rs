//! What ffprobe says of a file: nothing is analysed that is beyond the bounds.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| video_analysis::fuzzing::ffprobe_metadata(data));
