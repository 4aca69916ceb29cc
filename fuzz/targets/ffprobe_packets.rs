//! ffprobe's list of packets: pieces tile the stream.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| video_analysis::fuzzing::ffprobe_packets(data));
