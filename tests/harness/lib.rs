//! What the integration tests stand on: one deployed stack, the means to run it and to look at what
//! it did, and right answers that were computed the plain way.

mod expected;
mod faults;
mod hours;
mod lake;
mod market;
mod plain;
mod processes;
mod programs;
mod proxied;
mod question;
mod signed;
mod stack;

pub use expected::expected_csv;
pub use faults::{Call, Fault, FaultProxy, Rule};
pub use market::SimulatedMarket;
pub use plain::plain_answer;
pub use processes::{kill_function, peak_memory};
pub use programs::{Programs, Run};
pub use proxied::Proxied;
pub use question::Question;
pub use signed::signed;
pub use stack::{Ended, Stack};
