//! What other services ask about tokens: introspection, keys, metadata. Errors are those of RFC 6749 §5.2.

mod client;
pub(crate) mod discovery;
mod error;
pub(crate) mod introspection;
pub(crate) mod revocation;
pub(crate) mod standing;

use entity::user_db::account::Role;

pub(crate) use self::discovery::metadata;

/// What everybody's login may do: everything its owner may.
pub(crate) const SCOPES: [&str; 5] =
    ["profile:read", "profile:write", "videos:read", "videos:write", "analysis:write"];

/// What an administrator's login may do besides, as long as the account has that role.
pub(crate) const ADMIN_SCOPE: &str = "admin";

/// The scope of a login, space-separated as in RFC 6749 §3.3.
pub(crate) fn login_scope(role: Role) -> String {
    let admin = (role == Role::Admin).then_some(ADMIN_SCOPE);
    SCOPES.into_iter().chain(admin).collect::<Vec<_>>().join(" ")
}
