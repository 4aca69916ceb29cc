//! Personal access tokens and refresh tokens: what the form of one says, and what follows from another.
#![no_main]

use libfuzzer_sys::fuzz_target;
use service_kit::personal_token;
use user_service::fuzzing;

fuzz_target!(|text: &str| {
    if personal_token::is_well_formed(text) {
        assert!(text.len() == 58 && text.is_ascii() && text.starts_with(personal_token::PREFIX), "{text:?}");
    }
    let successor = fuzzing::refresh_token_successor(text);
    assert_ne!(successor, text);
    assert_eq!(successor, fuzzing::refresh_token_successor(text), "a client that asks twice gets the same");
    assert!(!personal_token::is_well_formed(&successor));
});
