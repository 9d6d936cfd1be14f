//! The local cloud: finstream's real template, deployed on this machine, and the simulated market it collects from.

pub mod cloud;
mod command;
pub mod market;
pub mod python;

pub use cloud::{LocalCloud, Progress, UpOptions};
