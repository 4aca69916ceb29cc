use super::*;

fn load_with(name: &str, value: &str) -> Result<Settings, String> {
    let variable = (format!("USER_SERVICE__{name}"), value.to_owned());
    Settings::load(None, std::iter::once(variable)).map_err(|error| error.to_string())
}

#[test]
fn the_documented_file_is_a_whole_configuration() {
    let settings = Settings::load(None, std::iter::empty()).unwrap();
    assert_eq!(settings.http.port, 8000);
    assert_eq!(settings.secrets_dir(), Path::new("data/secrets"));
    assert_eq!(settings.tokens.access_token(), TimeDelta::minutes(15));
}

#[test]
fn values_that_cannot_be_are_refused_with_their_key() {
    for (name, value, key) in [
        ("PASSWORDS__BCRYPT_COST", "3", "passwords.bcrypt_cost"),
        ("PASSWORDS__BCRYPT_COST", "40", "passwords.bcrypt_cost"),
        ("PASSWORDS__QUEUE_LIMIT", "99999999", "passwords.queue_limit"),
        ("CLIENT_ADDRESS__TRUSTED_PROXIES", "10.0.0.0/8,nginx", "client_address.trusted_proxies"),
        ("THROTTLE__NAME_LONGEST_DELAY_SECONDS", "0", "throttle.name_longest_delay_seconds"),
        ("THROTTLE__FORGET_AFTER_SECONDS", "60", "throttle.forget_after_seconds"),
        ("REGISTRATION__MODE", "members", "registration.mode"),
        ("REGISTRATION__MODE", "domains", "registration.domains"),
        ("REGISTRATION__DOMAINS", "example.org, @example.net", "registration.domains"),
        ("REGISTRATION__REQUIRE_VERIFIED_EMAIL", "true", "registration.require_verified_email"),
        ("SMTP__TLS", "some", "smtp.tls"),
        ("SMTP__PORT", "0", "smtp.port"),
        ("SMTP__CA", "a certificate", "smtp.ca"),
        ("SMTP__HOST", "mail.example.org", "smtp.from"),
        ("SMTP__FROM", "Kadr", "smtp.from"),
        ("SMTP__FROM", "Kadr <kadr@example.org>\r\nBcc: x@example.org", "smtp.from"),
        ("SMTP__USERNAME", "kadr", "smtp.username"),
        ("SMTP__RESET_LINK", "https://example.org/reset", "smtp.reset_link"),
        ("SMTP__VERIFY_LINK", "javascript:{token}", "smtp.verify_link"),
        ("RATE_LIMITS__LOGIN", "-1", "rate_limits.login"),
        ("TOKENS__ISSUER", "localhost", "tokens.issuer"),
        ("TOKENS__ISSUER", "http://localhost/", "tokens.issuer"),
        ("TOKENS__ACCESS_TOKEN_SECONDS", "0", "tokens.access_token_seconds"),
        ("TOKENS__SESSION_IDLE_SECONDS", "60", "tokens.session_idle_seconds"),
        ("TOKENS__REFRESH_GRACE_SECONDS", "-1", "tokens.refresh_grace_seconds"),
        ("TOKENS__SESSION_ABSOLUTE_SECONDS", "9223372036854775807", "tokens.session_absolute_seconds"),
        ("TOKENS__SIGNING_KEY_DAYS", "36501", "tokens.signing_key_days"),
        ("TOKENS__REFRESH_SECRET", "short", "tokens.refresh_secret"),
        ("THROTTLE__CODE_LONGEST_DELAY_SECONDS", "0", "throttle.code_longest_delay_seconds"),
        ("THROTTLE__CODE_LONGEST_DELAY_SECONDS", "90000", "throttle.forget_after_seconds"),
        ("SECOND_FACTOR__ISSUER", "", "second_factor.issuer"),
        ("SECOND_FACTOR__ISSUER", "Kadr: films", "second_factor.issuer"),
        ("SECOND_FACTOR__KEY", "short", "second_factor.key"),
        ("INTROSPECTION__CLIENT_ID", "a:b", "introspection.client_id"),
        ("VIDEO_SERVICE__URL", "https://localhost:9000", "video_service.url"),
        ("VIDEO_SERVICE__URL", "http://localhost:9000/", "video_service.url"),
        ("VIDEO_SERVICE__CLIENT_SECRET", "short", "video_service.client_secret"),
        ("INTROSPECTION__CLIENT_SECRET", "short", "introspection.client_secret"),
    ] {
        let message = load_with(name, value).unwrap_err();
        assert!(message.contains(key), "{name}={value}: {message}");
    }
}

#[test]
fn a_secret_never_shows_in_its_refusal_or_when_debugged() {
    let message = load_with("INTROSPECTION__CLIENT_SECRET", "hunter2").unwrap_err();
    assert!(!message.contains("hunter2"));
    let settings = load_with("INTROSPECTION__CLIENT_SECRET", &"hunter2-".repeat(4)).unwrap();
    assert!(!format!("{settings:?}").contains("hunter2"));
}

#[test]
fn no_concurrency_means_one_for_each_core() {
    let settings = load_with("PASSWORDS__CONCURRENCY", "0").unwrap();
    assert_eq!(Some(settings.passwords.concurrency()), std::thread::available_parallelism().ok());
    assert_eq!(load_with("PASSWORDS__CONCURRENCY", "3").unwrap().passwords.concurrency().get(), 3);
}
