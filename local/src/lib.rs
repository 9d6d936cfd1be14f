//! The local cloud: finstream's real template, deployed on this machine.

pub mod cloud;
mod command;
pub mod progress;
pub mod python;

pub use cloud::{LocalCloud, UpOptions};
pub use progress::Progress;
