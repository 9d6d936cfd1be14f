//! What the commands print: progress on standard error, results on standard output.

pub mod browser;
pub mod companies;
pub mod console;
pub mod format;
pub mod hints;
pub mod json;
pub mod phases;
pub mod progress;
pub mod rankings;
pub mod result;
pub mod summary;
pub mod tables;
pub mod terminal;
pub mod timeline;
