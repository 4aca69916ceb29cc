//! User Service.
