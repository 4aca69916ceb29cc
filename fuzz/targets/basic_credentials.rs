//! The value of an `Authorization` header with HTTP Basic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use service_kit::client_credentials::{BasicCredentials, ClientCredentials};

fuzz_target!(|value: &str| {
    let secret = "0123456789abcdef0123456789abcdef".to_owned();
    let client = ClientCredentials::new("video_service", &secret.into());
    if let Some(given) = BasicCredentials::parse(value) {
        assert!(!given.id.contains(':'), "{value:?}");
        assert!(!client.are(&given) || given.id == "video_service", "{value:?}");
        assert!(value.to_ascii_lowercase().starts_with("basic "), "{value:?}");
    }
});
