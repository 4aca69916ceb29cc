//! User Service: accounts, passwords, sessions, and the tokens that other services ask about.
//!
//! A request comes in through `api` or `oauth`, which are thin. What they delegate to: `account` (who may log in),
//! [`passwords`] (hashing, bounded), `second_factor` (codes of authenticator apps), `sessions` (the actor that decides
//! about sessions), `access_token` over `signing_keys` (the signed form of a session that others can check),
//! `service_clients` (who may ask about tokens), `mail` (what owners of addresses are told), `audit` (what happened).
//! Truth is in the database throughout.

mod access_token;
mod account;
mod api;
mod application;
mod audit;
pub mod cli;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod invites;
mod login_throttle;
mod mail;
mod oauth;
pub mod operator;
mod outbox;
pub mod passwords;
mod personal_tokens;
mod rate_limits;
mod second_factor;
mod service_clients;
mod sessions;
pub mod settings;
mod signing_keys;
mod video_service;

pub use application::{Application, StartError};

/// Everything the service answers, for those who compare it with its description.
pub use api::endpoints;
