//! The database of User Service: accounts, invites, sessions, second factors, signing keys, service clients, the audit log,
//! what is to be sent.

pub mod account;
pub mod audit_event;
pub mod invite;
pub mod login_throttle;
pub mod mail;
pub mod mail_token;
pub mod outbox;
pub mod personal_token;
pub mod recovery_code;
pub mod refresh_token;
pub mod second_factor;
pub mod service_client;
pub mod session;
pub mod signing_key;
