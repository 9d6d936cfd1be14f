//! The local cloud: finstream's real template, deployed to MiniStack, an emulator of AWS, on this machine.
//!
//! It takes the market's URL, or a program that serves one, and imports nothing from the simulated market.

mod cargo;
pub mod cloud;
mod command;
mod progress;
pub mod python;
mod write_atomic;

pub use cargo::cargo;
pub use cloud::{LocalCloud, UpOptions};
pub use progress::Progress;
pub use write_atomic::write_atomic;
