//! What every part of finstream agrees on: the domain types (a symbol, a session, a bar, a row of the result),
//! the trading calendar, the JSON that passes between the states of the pipeline, the names of the errors, and
//! how a function reads its environment and writes its log.
//!
//! No AWS client lives here, so a function that depends on this crate links nothing it does not call.

pub mod bar;
pub mod companies;
pub mod company_day;
pub mod csv_injection;
pub mod currency;
pub mod env;
pub mod error;
pub mod format;
pub mod gap;
pub mod hourly_extreme;
pub mod interval;
pub mod json;
pub mod list_name;
pub mod manifest;
pub mod market_source;
pub mod metrics;
pub mod payload;
pub mod run_id;
pub mod s3_uri;
pub mod sdk_error;
pub mod session;
pub mod symbol;
pub mod symbol_list;
pub mod telemetry;
pub mod trade_date;
pub mod trading_calendar;

pub use bar::{Bar, Price};
pub use companies::Companies;
pub use company_day::CompanyDay;
pub use error::{ErrorName, HandlerError, NamedError};
pub use gap::Gap;
pub use hourly_extreme::{HourlyExtreme, Source};
pub use interval::Interval;
pub use list_name::{ListFormat, ListName};
pub use manifest::{ExportFiles, Manifest, PublishedDay};
pub use market_source::MarketSource;
pub use run_id::RunId;
pub use s3_uri::S3Uri;
pub use sdk_error::ServiceError;
pub use session::Session;
pub use symbol::Symbol;
pub use symbol_list::SymbolList;
pub use trade_date::TradeDate;
