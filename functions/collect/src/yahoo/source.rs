//! Yahoo as a source: one symbol a request, the session in the reply.

use std::num::NonZeroUsize;

use futures::{
    FutureExt,
    future::{BoxFuture, join_all},
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use shared::{MarketSource, Symbol};

use super::{Yahoo, yahoo_symbol::yahoo_symbol};
use crate::{
    circuit_breaker::CircuitBreaker,
    failure::Failure,
    source::{Day, NewestSession, Source, SymbolDay},
};

/// How long after a session's end its last bars are taken to be there.
const LAST_BARS: SignedDuration = SignedDuration::from_mins(10);

impl Source for Yahoo {
    fn market(&self) -> &'static MarketSource {
        &MarketSource::YAHOO
    }

    fn host(&self) -> &str {
        self.settings().base.host_str().unwrap_or_default()
    }

    fn reference(&self) -> &Symbol {
        &self.settings().reference
    }

    fn zone(&self) -> &TimeZone {
        &self.settings().zone
    }

    fn batch_size(&self) -> NonZeroUsize {
        NonZeroUsize::MIN
    }

    fn concurrency(&self) -> NonZeroUsize {
        self.settings().concurrency
    }

    fn ready_at(&self, session_end: Timestamp) -> Timestamp {
        session_end + LAST_BARS
    }

    fn spelling(&self, symbol: &Symbol) -> Symbol {
        yahoo_symbol(symbol)
    }

    fn days<'a>(
        &'a self,
        breaker: &'a CircuitBreaker,
        symbols: &'a [Symbol],
        day: Day,
    ) -> BoxFuture<'a, Vec<Result<SymbolDay, Failure>>> {
        join_all(symbols.iter().map(move |symbol| self.day(breaker, symbol, day))).boxed()
    }

    fn newest_session<'a>(
        &'a self,
        breaker: &'a CircuitBreaker,
        at: Timestamp,
    ) -> BoxFuture<'a, Result<NewestSession, Failure>> {
        Self::newest_session(self, breaker, at).boxed()
    }
}
