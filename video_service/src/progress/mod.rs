//! Telling listeners how analyses go.

mod changes;
mod hub;

pub(crate) use changes::{Change, Topic, since};
pub(crate) use hub::{Listener, ProgressHub};
