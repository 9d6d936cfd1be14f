//! The simulated market: a server with Yahoo's chart endpoint and Alpaca's bars, whose prices are made up.
//!
//! `GET /v8/finance/chart/{symbol}` gives intraday bars of nearly any symbol for every trading day since 1990-01-02. The same
//! request gets the same reply on every machine and at any time; the clock decides only what has not happened yet
//! (no bar starts after now, an open session has its finished bars, the unfinished one and the live row) and what Yahoo
//! itself reports as of now (`regularMarketTime`, `gmtoffset`, ...). Yahoo's known quirks are part of it: rows of nulls,
//! missing timestamps, the appended row that is not a bar, windows without a `timestamp`.
//!
//! Symbols with the suffix `.T` trade in Tokyo and those with `.L` in London, whose calendars are simulated: closed on
//! weekends and a few fixed days. Coins, such as [`COINS`], trade at every hour, so that a session is always open. All others
//! trade in New York, by the calendar of the NYSE.
//!
//! The same prices are served as Alpaca sends them: see `alpaca.rs`.
//!
//! Faults can be injected, a symbol at a time or for every symbol: see [`SimulatedMarket::inject`] and [`Fault`].
//!
//! It is not a copy of history and has no data from Yahoo or Alpaca. Without an injected fault it has few of their limits:
//! to Yahoo's side no day is too old and no window too wide, and no client is too fast for either. Bars of a day and longer
//! are not simulated, nor are Yahoo's pre- and post-market bars.
//! Every reply carries `x-finstream-simulated: true` and a `fullExchangeName` such as `Simulated NasdaqGS`.

mod alpaca;
mod bar;
mod chart;
mod error_reply;
mod exchange;
mod exchanges;
mod fault;
mod fault_rule;
mod latest_quote;
mod listing;
mod prices;
mod reply;
mod request;
mod request_log;
mod rng;
mod server;
mod simulated_market;
mod wire;

#[cfg(test)]
mod tests;

pub use alpaca::Key;
pub use fault::{Fault, InvalidFault};
pub use fault_rule::{FaultDuration, FaultRule, InvalidFaultRule};
pub use listing::COINS;
pub use request_log::LoggedRequest;
pub use simulated_market::SimulatedMarket;
