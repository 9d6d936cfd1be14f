//! What every part of finstream agrees on: the domain types (a symbol, a session, a bar), the JSON
//! that passes between the states of the pipeline, the names of the errors, and how a function
//! reads its settings and writes its log.
//!
//! No AWS client lives here, so a function that depends on this crate links nothing it does not call.

pub mod bar;
pub mod error;
pub mod gap;
pub mod market;
pub mod payload;
pub mod read;
pub mod service;
pub mod session;
pub mod settings;
pub mod symbol;
pub mod telemetry;
pub mod time;
pub mod trading_calendar;

pub use bar::{Bar, Price};
pub use error::{ErrorName, NamedError, diagnostic};
pub use gap::Gap;
pub use session::Session;
pub use symbol::Symbol;
pub use time::{Interval, TradeDate};
