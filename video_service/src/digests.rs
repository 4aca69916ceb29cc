//! Digests that clients say their bytes have: RFC 9530, and the checksums of tus.

use actix_web::http::header::{HeaderMap, HeaderValue};
use service_kit::problem::{FieldError, Problem};
use sfv::{BareItem, Dictionary, ListEntry, Parser};
use sha1::Sha1;
use sha2::digest::DynDigest;
use sha2::{Digest as _, Sha256, Sha512};

/// Of the bytes of the message.
pub(crate) const CONTENT_DIGEST: &str = "content-digest";
/// Of the representation, which content without a coding is: the same bytes.
const REPR_DIGEST: &str = "repr-digest";

/// A digest that bytes are said to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Sha1(Vec<u8>),
    Sha256(Vec<u8>),
    Sha512(Vec<u8>),
}

impl Expected {
    /// The hash to compare it with, of no bytes yet.
    pub(crate) fn check(&self) -> Check {
        let (hash, expected): (Box<dyn DynDigest + Send>, _) = match self {
            Self::Sha1(expected) => (Box::new(Sha1::new()), expected),
            Self::Sha256(expected) => (Box::new(Sha256::new()), expected),
            Self::Sha512(expected) => (Box::new(Sha512::new()), expected),
        };
        Check { hash, expected: expected.clone() }
    }
}

/// A digest that bytes must have, and the hash of those that have come.
pub struct Check {
    hash: Box<dyn DynDigest + Send>,
    expected: Vec<u8>,
}

impl Check {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
    }

    /// Whether the bytes that have come are those that were announced.
    pub(crate) fn is_met(&self) -> bool {
        *self.hash.box_clone().finalize() == *self.expected
    }
}

/// `Content-Digest` and `Repr-Digest` of a request, or of a part of a form, without a content coding.
///
/// # Errors
/// As [`in_field`].
pub(crate) fn in_headers(headers: &HeaderMap) -> Result<Vec<Expected>, Problem> {
    let mut digests = in_field(headers, CONTENT_DIGEST)?;
    digests.extend(in_field(headers, REPR_DIGEST)?);
    Ok(digests)
}

/// The digests by sha-256 and sha-512, the active algorithms of RFC 9530 §5, in the field `name`; those by others are
/// ignored, as the standard wants.
///
/// # Errors
/// 400 where it is not a dictionary of byte sequences (RFC 9651 §3.2), or a digest has not its algorithm's length.
pub(crate) fn in_field(headers: &HeaderMap, name: &str) -> Result<Vec<Expected>, Problem> {
    let malformed =
        || Problem::malformed(format!("{name} must have the form sha-256=:<base64>: or sha-512=:<base64>:"));
    let lines: Vec<_> = headers.get_all(name).map(HeaderValue::as_bytes).collect();
    let members: Dictionary = Parser::new(&lines.join(&b", "[..])).parse().map_err(|_| malformed())?;
    let mut digests = Vec::new();
    for (algorithm, member) in members {
        let ListEntry::Item(item) = member else { return Err(malformed()) };
        let BareItem::ByteSequence(digest) = item.bare_item else { return Err(malformed()) };
        match (algorithm.as_str(), digest.len()) {
            ("sha-256", 32) => digests.push(Expected::Sha256(digest)),
            ("sha-512", 64) => digests.push(Expected::Sha512(digest)),
            ("sha-256" | "sha-512", _) => return Err(malformed()),
            _ => {}
        }
    }
    Ok(digests)
}

/// 422: other bytes came than were announced.
pub(crate) fn mismatch() -> Problem {
    Problem::invalid(vec![FieldError::new("", "the content does not have the digest it came with")])
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderName;
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;

    use super::*;

    fn of_lines(lines: &[&str]) -> Result<Vec<Expected>, Problem> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(HeaderName::from_static(CONTENT_DIGEST), HeaderValue::from_str(line).unwrap());
        }
        in_headers(&headers)
    }

    #[test]
    fn digests_by_either_active_algorithm_are_read_from_any_line_and_others_ignored() {
        let (short, long) = (BASE64_STANDARD.encode([7; 32]), BASE64_STANDARD.encode([7; 64]));
        let digests =
            of_lines(&[&format!("md5=:AAAA:, sha-256=:{short}:;q=1"), &format!("sha-512=:{long}:")]);
        assert_eq!(digests.unwrap(), [Expected::Sha256(vec![7; 32]), Expected::Sha512(vec![7; 64])]);
        assert_eq!(of_lines(&[]).unwrap(), []);
    }

    #[test]
    fn what_is_no_digest_is_refused_rather_than_not_looked_at() {
        let short = BASE64_STANDARD.encode([7; 32]);
        for wrong in [
            "nonsense!",
            "sha-256",
            "sha-256=\"text\"",
            "sha-256=:!:",
            "sha-256=(:AAAA:)",
            &format!("sha-512=:{short}:"),
            &format!("SHA-256=:{short}:"),
        ] {
            assert!(of_lines(&[wrong]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_check_is_met_by_the_bytes_that_were_announced_and_by_no_others() {
        for (expected, is_met) in [
            (Expected::Sha1(Sha1::digest("film").to_vec()), true),
            (Expected::Sha256(Sha256::digest("film").to_vec()), true),
            (Expected::Sha512(Sha512::digest("film").to_vec()), true),
            (Expected::Sha512(Sha512::digest("other").to_vec()), false),
        ] {
            let mut check = expected.check();
            check.update(b"fi");
            check.update(b"lm");
            assert_eq!(check.is_met(), is_met, "{expected:?}");
        }
    }
}
