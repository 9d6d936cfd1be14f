//! What a person sees: progress on standard error, results on standard output.

pub mod hints;
pub mod progress;
pub mod summary;
pub mod tables;
pub mod timeline;
