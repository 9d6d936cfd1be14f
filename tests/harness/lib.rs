//! What the integration tests stand on: one deployed stack, the means to run it and to look at what
//! it did, and right answers that were computed the plain way.

mod faults;
mod hours;
mod lake;
mod lake_query;
mod market_server;
mod oracle_lake;
mod oracle_market;
mod processes;
mod proxied_stack;
mod sigv4;
mod stack;
mod tools;
mod trading_days;

pub use faults::{Call, CallFault, CallFaultRule, FaultProxy};
pub use lake_query::LakeQuery;
pub use market_server::MarketServer;
pub use oracle_lake::expected_from_lake;
pub use oracle_market::expected_from_market;
pub use processes::{kill_function, peak_memory};
pub use proxied_stack::ProxiedStack;
pub use sigv4::signed;
pub use stack::{Ended, Stack};
pub use tools::{Run, Tools};
pub use trading_days::trading_days;
