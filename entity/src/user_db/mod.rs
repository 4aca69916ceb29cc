//! The database of User Service: accounts, sessions, signing keys.

pub mod account;
pub mod refresh_token;
pub mod session;
pub mod signing_key;
