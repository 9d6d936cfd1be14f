//! The subcommands, a file each, named after its subcommand.

pub mod backfill;
pub mod completions;
pub mod daily;
pub mod demo;
#[cfg(feature = "doctor")]
pub mod doctor;
#[cfg(feature = "export")]
pub mod export;
pub mod follow;
pub mod gaps;
pub mod list;
pub mod lists;
#[cfg(feature = "live")]
pub mod live;
pub mod local;
pub mod market;
#[cfg(any(test, not(all(feature = "doctor", feature = "export", feature = "live"))))]
pub mod on_demand;
pub mod query;
pub mod run;
pub mod show;
