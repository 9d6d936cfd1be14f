//! The subcommands, a file each, named after its subcommand.

pub mod backfill;
pub mod completions;
pub mod daily;
pub mod demo;
#[cfg(feature = "doctor")]
pub mod doctor;
#[cfg(any(test, not(feature = "doctor")))]
pub mod doctor_on_demand;
pub mod follow;
pub mod gaps;
pub mod list;
pub mod lists;
pub mod local;
pub mod market;
pub mod run;
pub mod show;
