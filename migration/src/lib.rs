//! The schema of the two databases, one migrator each.
//!
//! Each migrator keeps its own history table, so that the two never mistake each other's migrations for their own.
//! Table and column names are literals: a migration describes the past and must not follow later changes of `entity`.

pub mod user_db;
pub mod video_db;
