//! Alpaca's side of the market: the same prices as Yahoo's side, as Alpaca's market data and trading APIs send them.
//!
//! `GET /v2/stocks/bars` gives bars of many symbols over pages, `GET /v2/calendar` the sessions, and
//! `GET /v2/assets/{symbol}` tells an unknown symbol from one that did not trade. Alpaca serves the first on another host
//! than the other two; here one address serves all three. Each request needs the market's [`Key`].
//!
//! What differs from Yahoo's side: symbols are US shares in Alpaca's spelling (`BRK.B`), a bar without a trade is left out,
//! bars of the extended hours are always among them, and the closing auction is in the bar that starts at the close. Bars of
//! the tape (`feed=sip`) are served, unadjusted prices being all there is, once they are 15 minutes old.
//!
//! Written by Alpaca's OpenAPI documents (market data 1.1 and trading 2.0.1, in alpacahq/alpaca-mcp-server), its market data
//! FAQ (<https://docs.alpaca.markets/us/docs/market-data-faq>), and replies that users of it have published.

mod assets;
mod bars;
mod calendar;
mod effect;
pub mod effects;
mod error_reply;
mod extended_hours;
mod faults;
mod key;
mod page_token;
mod query;
mod rate_limit;
mod server;
mod symbol;
mod trades;

#[cfg(test)]
mod tests;

pub use effect::{Effect, RateEffect, Standing};
pub use faults::Faults;
pub use key::Key;
pub use rate_limit::{Bucket, Rate};
pub(super) use server::routes;
