//! Video Service.
