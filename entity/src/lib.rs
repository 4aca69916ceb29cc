//! SeaORM entities of the two databases.
//!
//! Each service owns one database and reads only its own module. A model is a row, never what a client sees:
//! the services map rows to their own response types.

pub mod secret_text;
pub mod user_db;
pub mod video_db;
