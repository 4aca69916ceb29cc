//! Video Service: takes videos in, runs their analysis, serves the results.
//!
//! Handlers are thin: they extract, authorize, and delegate to a plain function or to the workers' handle. The truth is
//! in the database; the workers execute. See `docs/architecture.md`.

mod accounts;
mod analyses;
mod api;
pub mod auth;
pub mod blobs;
mod content;
mod digests;
mod disposition;
pub mod facts;
mod features;
mod housekeeping;
mod idempotency;
pub mod identity;
pub mod job;
mod orphans;
mod outputs;
mod progress;
pub mod queue;
mod quota;
mod readiness;
mod receiving;
mod revalidation;
pub mod settings;
mod shares;
mod speed;
pub mod startup;
mod state;
pub mod storage_check;
mod unnamed;
mod uploads;
mod videos;
mod webhooks;
pub mod worker;
