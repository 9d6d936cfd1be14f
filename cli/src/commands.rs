//! The subcommands, a file each, named after its subcommand.

pub mod backfill;
pub mod completions;
pub mod daily;
pub mod demo;
pub mod doctor;
pub mod follow;
pub mod gaps;
pub mod list;
pub mod lists;
pub mod local;
pub mod market;
pub mod run;
