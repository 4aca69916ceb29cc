//! The address of a webhook, as its owner writes it.

use std::net::IpAddr;

use url::{Host, Url};

use super::address::AddressRule;

/// Longest address, in bytes: more than any server takes.
const MAX_LENGTH: usize = 2048;
/// Below this, ports belong to services that are no web servers, except those of HTTP itself.
const FIRST_FREE_PORT: u16 = 1024;

/// The address in `text`, in the one form that everything later reads alike.
///
/// Reads as browsers do (the WHATWG URL standard), so that `http://2130706433/` and `http://0x7f.1/` are what they mean.
/// What a name resolves to is not known here: that is checked at every connection.
pub(super) fn parse(text: &str, rule: &AddressRule) -> Result<String, String> {
    if text.len() > MAX_LENGTH {
        return Err(format!("must have at most {MAX_LENGTH} bytes"));
    }
    let url = Url::parse(text).map_err(|error| format!("is not a URL: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("must begin with https:// or http://".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not carry credentials; messages are signed instead".to_owned());
    }
    if url.fragment().is_some() {
        return Err("must not have a fragment".to_owned());
    }
    let port = url.port_or_known_default().unwrap_or_default();
    if !matches!(port, 80 | 443) && port < FIRST_FREE_PORT {
        return Err(format!("must have port 80, 443, or one from {FIRST_FREE_PORT} on"));
    }
    let literal = match url.host() {
        Some(Host::Ipv4(address)) => Some(IpAddr::from(address)),
        Some(Host::Ipv6(address)) => Some(IpAddr::from(address)),
        Some(Host::Domain(_)) => None,
        None => return Err("must name a host".to_owned()),
    };
    if literal.is_some_and(|address| !rule.permits(address)) {
        return Err("must lead to a public address".to_owned());
    }
    let text = String::from(url);
    // The client that will connect reads it once more.
    text.parse::<awc::http::Uri>().map_err(|_| "has characters that must be percent-encoded".to_owned())?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_with(allowed: &str, text: &str) -> Result<String, String> {
        parse(text, &AddressRule::new(allowed.to_owned().try_into().unwrap()))
    }

    #[test]
    fn web_addresses_are_taken_in_one_form() {
        for (text, form) in [
            ("https://example.com/hooks?a=b", "https://example.com/hooks?a=b"),
            ("HTTP://EXAMPLE.com:80", "http://example.com/"),
            ("https://bücher.example/", "https://xn--bcher-kva.example/"),
            ("https://example.com:8443/", "https://example.com:8443/"),
            ("https://[2606:4700::1111]/", "https://[2606:4700::1111]/"),
            ("http://134744072/", "http://8.8.8.8/"),
        ] {
            assert_eq!(parse_with("", text).unwrap(), form);
        }
    }

    #[test]
    fn literal_addresses_that_are_not_public_are_refused_however_they_are_written() {
        for text in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0177.0.0.1/",
            "http://0x7f.1/",
            "http://127.1/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://[64:ff9b::a00:1]/",
            "http://[2002:7f00:1::]/",
            "http://[fe80::1]/",
            "http://169.254.169.254/latest/meta-data/",
            "http://１２７.0.0.1/",
        ] {
            assert_eq!(parse_with("", text).unwrap_err(), "must lead to a public address", "{text}");
        }
        assert!(parse_with("127.0.0.0/8", "http://127.0.0.1:8080/").is_ok());
    }

    #[test]
    fn whatever_else_is_no_address_for_webhooks_is_refused() {
        let long = format!("https://example.com/{}", "a".repeat(MAX_LENGTH));
        for (text, reason) in [
            ("", "is not a URL"),
            ("example.com/hook", "is not a URL"),
            ("https://", "is not a URL"),
            ("ftp://example.com/", "must begin with"),
            ("file:///etc/passwd", "must begin with"),
            ("gopher://example.com/", "must begin with"),
            ("javascript:alert(1)", "must begin with"),
            ("https://ada@example.com/", "must not carry credentials"),
            ("https://ada:secret@example.com/", "must not carry credentials"),
            ("https://example.com/#part", "must not have a fragment"),
            ("http://example.com:22/", "must have port"),
            ("http://example.com:0/", "must have port"),
            ("http://example.com:65536/", "is not a URL"),
            (&long, "must have at most"),
        ] {
            let error = parse_with("", text).unwrap_err();
            assert!(error.starts_with(reason), "{text}: {error}");
        }
    }
}
