//! What the integration tests stand on: one deployed stack, and the means to run it and to look at what it did.
//!
//! Nothing here knows what an answer must be; that is the tests' part.

mod expected;
mod market;
mod programs;
pub mod signed;
mod stack;

pub use expected::expected_csv;
pub use market::SimulatedMarket;
pub use programs::{Programs, Run};
pub use stack::{Ended, Stack};
