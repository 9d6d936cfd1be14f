//! What the integration tests share: a stack deployed on a local cloud, clients to run it and to inspect what it
//! did, fault injection, and oracles, which compute the expected exports without any of the code under test.

mod aws_cli;
mod companies;
mod documents;
mod exported_run;
mod faults;
mod hourly_extremes;
mod iam;
mod json;
mod lake;
mod lake_query;
mod market_server;
mod oracle_lake;
mod oracle_market;
mod out_folder;
mod poll;
mod processes;
mod proxied_stack;
mod service_calls;
mod sigv4;
mod stack;
mod subscriber;
mod tools;
mod trading_days;
mod trino;

pub use companies::DEFAULT_COMPANIES;
pub use documents::{Document, documents};
pub use exported_run::{ExportedRun, count_bars};
pub use faults::{Call, CallFault, CallFaultRule, FaultProxy};
pub use hourly_extremes::{Listing, Prices};
pub use iam::{deployed_roles, find_role};
pub use json::{find_all, find_strings, list};
pub use lake_query::{AthenaQuery, LakeExport, LakeQuery};
pub use market_server::MarketServer;
pub use oracle_lake::{expected_coverage, expected_day_bars, expected_from_lake};
pub use oracle_market::{expected_from_market, verify_csv};
pub use out_folder::OutFolder;
pub use poll::poll;
pub use processes::{execution_is_saved, kill_function, kill_server, peak_memory};
pub use proxied_stack::ProxiedStack;
pub use stack::{Ended, Stack, published_day};
pub use subscriber::Subscriber;
pub use tools::{ProgramOutput, Tools, run};
pub use trading_days::trading_days;
pub use trino::{Rows, Trino};
