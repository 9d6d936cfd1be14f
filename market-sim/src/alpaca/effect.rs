//! What a fault does to a reply of Alpaca's side.

use jiff::Timestamp;

use super::{
    bars::{Body, SymbolBars},
    error_reply::ErrorReply,
    query::BarsQuery,
};
use crate::reply;

/// What a fault does. One that a rule sets for a symbol happens to each request for that symbol, whatever it is requested with;
/// the changes to a symbol's bars, to that symbol alone.
#[derive(Debug, Clone, Copy)]
pub enum Effect {
    /// Sends an error, whatever the request.
    Refused(fn() -> ErrorReply),
    /// Sends a page, whatever the request.
    Sent(reply::Page),
    /// Sends an error to every second request of the market.
    EverySecond(fn() -> ErrorReply),
    /// Sends an error, which may name the symbol, in place of bars.
    BarsError(fn(&str) -> ErrorReply),
    /// The rate limit is exceeded, or can be.
    Rate(RateEffect),
    /// Leaves the symbol out of the bars; what its asset then says.
    Untraded(Standing),
    /// Changes a symbol's bars on a page, by the time of the request.
    Symbol(fn(&mut SymbolBars, Timestamp)),
    /// Changes a page of bars.
    Paged(fn(&mut Body, &BarsQuery)),
    /// Cuts pages of bars shorter than requested.
    PageSize(usize),
}

/// What an asset says of a symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is traded on an exchange.
    Active,
    /// It was.
    Inactive,
    /// It is traded over the counter, which the tape of the exchanges does not have.
    OverTheCounter,
    /// Nothing: there is no asset.
    Unknown,
}

/// What a fault does with the rate limit.
#[derive(Debug, Clone, Copy)]
pub enum RateEffect {
    /// It is exceeded.
    Exceeded,
    /// It is exceeded, and no header says so.
    ExceededWithoutHeaders,
    /// It holds, and each request costs as much as this number of them.
    Enforced {
        /// In requests.
        cost: u32,
    },
}
