//! Whatever arrives in the place of an access token: nothing that was not signed counts, and of what was signed only what is
//! true here and now.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use user_service::fuzzing::AccessTokenCheck;

static CHECK: LazyLock<AccessTokenCheck> = LazyLock::new(AccessTokenCheck::new);

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        assert!(!CHECK.accepts(text), "nobody signed {text:?}");
    }
    // Half of the fuzzer's work would end at the signature: here the content is its own, and the signature ours.
    if let Some(at) = data.iter().position(|byte| *byte == b'\n') {
        let (header, claims) = data.split_at(at);
        let token = CHECK.sign(header, &claims[1..]);
        if CHECK.accepts(&token) {
            let text = std::str::from_utf8(&claims[1..]).expect("claims are JSON");
            for expected in ["\"iss\"", "\"aud\"", "\"exp\"", "\"sub\"", "\"sid\""] {
                assert!(text.contains(expected), "{text} has no {expected}");
            }
        }
    }
});
