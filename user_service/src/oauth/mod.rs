//! What other services ask about tokens: introspection, keys, metadata. Errors are those of RFC 6749 §5.2.

mod client;
pub(crate) mod discovery;
mod error;
pub(crate) mod introspection;

pub(crate) use self::client::ServiceClient;
pub(crate) use self::discovery::metadata;

/// What a login may do: everything its owner may.
pub(crate) const SCOPES: [&str; 5] =
    ["profile:read", "profile:write", "videos:read", "videos:write", "analysis:write"];
