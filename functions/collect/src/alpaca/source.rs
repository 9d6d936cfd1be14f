//! Alpaca as a source: a hundred symbols a request, the session from its calendar.

use std::num::NonZeroUsize;

use futures::{FutureExt, future::BoxFuture};
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use shared::{MarketSource, Symbol, payload::Reason};
use tokio::time::Instant;

use super::{
    client::{Alpaca, BATCH, CONCURRENCY, READY_AFTER},
    symbol::spelling,
};
use crate::{
    circuit_breaker::CircuitBreaker,
    failure::Failure,
    source::{Day, NewestSession, Source, SymbolDay},
};

impl Source for Alpaca {
    fn market(&self) -> &'static MarketSource {
        &MarketSource::ALPACA
    }

    fn host(&self) -> &str {
        self.settings.data.host_str().unwrap_or_default()
    }

    fn reference(&self) -> &Symbol {
        &self.settings.reference
    }

    fn zone(&self) -> &TimeZone {
        &self.settings.zone
    }

    fn batch_size(&self) -> NonZeroUsize {
        BATCH
    }

    fn concurrency(&self) -> NonZeroUsize {
        CONCURRENCY
    }

    fn ready_at(&self, session_end: Timestamp) -> Timestamp {
        session_end + READY_AFTER
    }

    /// With a dot before a class of shares, where others write a dash.
    fn spelling(&self, symbol: &Symbol) -> Symbol {
        spelling(symbol)
    }

    fn days<'a>(
        &'a self,
        breaker: &'a CircuitBreaker,
        symbols: &'a [Symbol],
        day: Day,
    ) -> BoxFuture<'a, Vec<Result<SymbolDay, Failure>>> {
        self.batch(breaker, symbols, day).boxed()
    }

    fn newest_session<'a>(
        &'a self,
        breaker: &'a CircuitBreaker,
        at: Timestamp,
    ) -> BoxFuture<'a, Result<NewestSession, Failure>> {
        self.newest_session_at(breaker, at).boxed()
    }
}

impl Alpaca {
    /// The newest session that had ended at `at`, by the calendar, of which the reference symbol has bars where they are ready:
    /// the calendar and the bars are on two hosts, and both have to answer.
    async fn newest_session_at(&self, breaker: &CircuitBreaker, at: Timestamp) -> Result<NewestSession, Failure> {
        let began = Instant::now();
        let last = at.to_zoned(self.zone().clone()).date();
        // The longest closure since 1945 was four trading days (September 2001): ten days hold a session.
        let first = last.checked_sub(10.days()).unwrap_or(last);
        let (sessions, simulated) = self.sessions(breaker, first..=last).await?;
        let mut ended = sessions.into_iter().rev().filter(|session| session.has_ended(at)).peekable();
        let none = || Failure::new(Reason::NoSession, format!("no session had ended in the ten days before {at}"));
        let trade_date = ended.peek().ok_or_else(none)?.trade_date;
        if let Some(ready) = ended.find(|session| self.ready_at(session.close) <= at) {
            self.has_bars(breaker, &ready).await?;
        }
        breaker.record_answer(began);
        Ok(NewestSession { trade_date, simulated })
    }
}
