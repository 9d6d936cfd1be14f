//! The seam between `collect` and the sources of bars: what a source is asked for, what it answers, and what it alone decides.
//!
//! A source is a module of its own beside this one, such as `yahoo`: its settings, its client, its spelling of symbols, its wire
//! format. The rest of `collect` knows a source by the trait [`Source`] only.

mod number;
mod sources;
mod transport;

use std::{fmt::Debug, num::NonZeroUsize};

use futures::future::BoxFuture;
use jiff::{Timestamp, civil::Time, tz::TimeZone};
use shared::{
    Interval, MarketSource, Price, Session, Symbol, TradeDate,
    payload::{LiveWindow, Remark},
};

pub use number::{Number, column};
pub use sources::Sources;
pub use transport::{HttpReply, Https, ReportedRate, Transport, Unreachable};

use crate::{circuit_breaker::CircuitBreaker, failure::Failure};

/// A source of bars. Its client is built at cold start and reused by later invocations.
pub trait Source: Debug + Send + Sync {
    /// Its row in the table of sources, which bars name.
    fn market(&self) -> &'static MarketSource;

    /// The host that is queried, for messages.
    fn host(&self) -> &str;

    /// A symbol that trades whenever its exchange does: its bars show which days had a session.
    fn reference(&self) -> &Symbol;

    /// The time zone of the exchange that most symbols trade on, the reference symbol among them.
    fn zone(&self) -> &TimeZone;

    /// The most symbols of one call of [`Source::days`].
    fn batch_size(&self) -> NonZeroUsize;

    /// The most calls of [`Source::days`] at once.
    fn concurrency(&self) -> NonZeroUsize;

    /// The earliest date whose bars the market still has at `now`, on the clock of [`Source::zone`], and the source that keeps
    /// them; none where requests go to another server with the same API, which has no such limit.
    fn earliest(&self, interval: Interval, now: Timestamp) -> Option<(TradeDate, &'static MarketSource)> {
        let source = MarketSource::of_host(self.host())?;
        Some((source.earliest(interval, now, self.zone()), source))
    }

    /// When the last bars of a session that ends at an instant are there, in UTC.
    fn ready_at(&self, session_end: Timestamp) -> Timestamp;

    /// The source's spelling of a symbol that others write differently.
    fn spelling(&self, symbol: &Symbol) -> Symbol;

    /// The bars of a batch of symbols, each in the source's spelling, in the regular session of a day; or why a symbol has none,
    /// with the scope of that failure. One result for each symbol, in their order. Requests are sent within the source's rate, while the breaker lets them pass.
    fn days<'a>(
        &'a self,
        breaker: &'a CircuitBreaker,
        symbols: &'a [Symbol],
        day: Day,
    ) -> BoxFuture<'a, Vec<Result<SymbolDay, Failure>>>;

    /// The newest session of the reference symbol that had ended at `at`; or why it is not known: the request failed, or no
    /// session had ended.
    fn newest_session<'a>(
        &'a self,
        breaker: &'a CircuitBreaker,
        at: Timestamp,
    ) -> BoxFuture<'a, Result<NewestSession, Failure>>;
}

/// Which bars are queried.
#[derive(Debug, Clone, Copy)]
pub struct Day {
    /// The session.
    pub trade_date: TradeDate,
    /// The length of the bars.
    pub interval: Interval,
    /// Which of the session's.
    pub scope: Scope,
}

/// Which bars of a session are queried.
#[derive(Debug, Clone, Copy)]
pub enum Scope {
    /// All of a session that is over at this time.
    Whole {
        /// The time by which that is decided.
        now: Timestamp,
    },
    /// Those that closed in a window, also while the session goes on; there may be none.
    Window(LiveWindow),
}

impl Scope {
    /// The instant by which bars must have closed, in a window.
    pub fn until(self) -> Option<Timestamp> {
        match self {
            Self::Whole { .. } => None,
            Self::Window(window) => Some(window.until),
        }
    }
}

impl Day {
    /// The bars that closed in a window, of the session that the tick collects on the clock of `zone`.
    pub fn of_window(window: LiveWindow, interval: Interval, zone: &TimeZone) -> Self {
        let trade_date = window.newest(interval).to_zoned(zone.clone()).date().into();
        Self { trade_date, interval, scope: Scope::Window(window) }
    }

    /// The same on the clock of another exchange, where a window may lie in a session of another date.
    pub fn in_zone(self, zone: &TimeZone) -> Self {
        match self.scope {
            Scope::Whole { .. } => self,
            Scope::Window(window) => Self::of_window(window, self.interval, zone),
        }
    }
}

/// The newest session of the reference symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewestSession {
    /// Its date, in the exchange's zone.
    pub trade_date: TradeDate,
    /// Whether the reply said that the market is simulated.
    pub simulated: bool,
}

/// One symbol's day: the session and the bars inside it, oldest first.
#[derive(Debug, Clone)]
pub struct SymbolDay {
    /// The session of the trade date.
    pub session: Session,
    /// The starts of the bars of a day without gaps, oldest first; none for an instrument that trades around the clock, whose pauses
    /// nobody names.
    pub expected: Option<Vec<Timestamp>>,
    /// The bars of the session.
    pub bars: Vec<Ohlcv>,
    /// The starts of those outside of the session.
    pub outside: Vec<Timestamp>,
    /// The starts of those that are hardly right.
    pub doubtful: Vec<Timestamp>,
    /// What a reader should know of the bars.
    pub remarks: Vec<Remark>,
    /// The name that the source gives the instrument.
    pub name: Option<String>,
    /// The currency of the prices, in the source's spelling (Yahoo's `GBp` is pence).
    pub currency: Option<String>,
    /// The last price of the session before.
    pub previous_close: Option<Price>,
    /// Whether the reply said that its prices are simulated.
    pub simulated: bool,
}

/// The start, prices and volume of one bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ohlcv {
    /// When the bar starts.
    pub start: Timestamp,
    /// First price.
    pub open: Price,
    /// Highest price.
    pub high: Price,
    /// Lowest price.
    pub low: Price,
    /// Last price.
    pub close: Price,
    /// Units traded.
    pub volume: u64,
}

impl SymbolDay {
    /// The starts of the expected bars that are missing, oldest first.
    pub fn missing(&self) -> Vec<Timestamp> {
        let mut starts = self.bars.iter().map(|bar| bar.start).peekable();
        let is_missing = |at: &&Timestamp| {
            while starts.next_if(|start| start < *at).is_some() {}
            starts.next_if_eq(*at).is_none()
        };
        self.expected.iter().flatten().filter(is_missing).copied().collect()
    }

    /// The time on the exchange's clock.
    pub fn local_time(&self, at: Timestamp) -> Time {
        at.to_zoned(self.session.zone.clone()).time()
    }
}

impl Ohlcv {
    /// This bar with what traded in a `later` one.
    pub fn joined(&self, later: &Self) -> Self {
        let (high, low) = (
            if later.high > self.high { later.high } else { self.high },
            if later.low < self.low { later.low } else { self.low },
        );
        Self { high, low, close: later.close, volume: self.volume + later.volume, ..*self }
    }
}
