//! The database of User Service: accounts, sessions, signing keys, the audit log, the outbox.

pub mod account;
pub mod audit_event;
pub mod login_throttle;
pub mod outbox;
pub mod personal_token;
pub mod refresh_token;
pub mod session;
pub mod signing_key;
