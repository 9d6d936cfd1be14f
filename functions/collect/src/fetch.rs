//! One pass over the symbols that are still to be requested: in what order, under which names, and when to stop.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures::{Stream, StreamExt, stream};
use shared::{Companies, Interval, Symbol, TradeDate, payload::Reason};
use tokio::{sync::OnceCell, time::timeout_at};

use crate::{
    circuit_breaker::CircuitBreaker,
    failure::Failure,
    pending::Pending,
    yahoo::{SymbolDay, Yahoo, yahoo_symbol},
};

/// After this number of symbols without bars, one after another, the reference symbol is queried, to find out whether
/// the market is down.
const MAX_CONSECUTIVE_EMPTY: usize = 10;

/// One pass over the symbols of one trade date.
#[derive(Debug)]
pub struct Fetch<'a> {
    yahoo: &'a Yahoo,
    companies: &'a Companies,
    breaker: &'a CircuitBreaker,
    trade_date: TradeDate,
    interval: Interval,
    consecutive_empty: AtomicUsize,
    reference: OnceCell<Result<(), Failure>>,
}

/// The result of one symbol's attempt.
#[derive(Debug)]
pub struct FetchedSymbol {
    /// The symbol, with what was known of it before.
    pub pending: Pending,
    /// The symbol in the last request to the market.
    pub queried_as: Symbol,
    /// Its bars, or why there are none.
    pub day: Result<SymbolDay, Failure>,
}

impl FetchedSymbol {
    /// Whether the reply said that its prices are simulated.
    pub fn is_simulated(&self) -> bool {
        self.day.as_ref().map_or_else(|failure| failure.simulated, |day| day.simulated)
    }

    /// Logs the result.
    pub fn log(&self) {
        let Self { pending: Pending { symbol, .. }, queried_as, day } = self;
        match day {
            Ok(day) => tracing::info!(%symbol, %queried_as, bars = day.bars.len(), "fetched"),
            Err(failure) => {
                tracing::warn!(%symbol, %queried_as, reason = ?failure.reason, detail = failure.detail, "no bars");
            }
        }
    }
}

impl<'a> Fetch<'a> {
    /// A pass for bars of `trade_date`.
    pub fn new(
        yahoo: &'a Yahoo,
        companies: &'a Companies,
        breaker: &'a CircuitBreaker,
        trade_date: TradeDate,
        interval: Interval,
    ) -> Self {
        let (consecutive_empty, reference) = (AtomicUsize::new(0), OnceCell::new());
        Self { yahoo, companies, breaker, trade_date, interval, consecutive_empty, reference }
    }

    /// The result of every symbol. Those with the fewest attempts come first, and the very first alone, so that a market
    /// which blocks this client gets one request.
    pub fn symbols(&self, mut pending: Vec<Pending>) -> impl Stream<Item = FetchedSymbol> {
        pending.sort_by_key(|symbol| symbol.attempts);
        let rest = pending.split_off(pending.len().min(1));
        let concurrency = self.yahoo.settings().concurrency.get();
        let rest = stream::iter(rest).map(|symbol| self.symbol(symbol)).buffered(concurrency);
        stream::iter(pending).then(|symbol| self.symbol(symbol)).chain(rest)
    }

    /// Whether the reference symbol has bars of the day. The answer is cached for the pass, apart from [`Self::on_blocked`],
    /// which queries it anew: whether the market answers may have changed.
    ///
    /// # Errors
    /// Why it has none.
    pub async fn reference(&self) -> Result<(), Failure> {
        self.reference.get_or_init(|| self.query_reference()).await.clone()
    }

    async fn symbol(&self, pending: Pending) -> FetchedSymbol {
        let queried = timeout_at(self.breaker.deadline(), self.query(&pending.symbol)).await;
        let (queried_as, mut day) =
            queried.unwrap_or_else(|_| (pending.symbol.clone(), Err(self.breaker.out_of_time())));
        match &mut day {
            Ok(_) => self.consecutive_empty.store(0, Ordering::Relaxed),
            Err(failure) if !failure.counts_as_attempt => {}
            Err(failure) if failure.reason == Reason::Blocked => self.on_blocked(&pending, failure).await,
            Err(_) => self.on_no_data().await,
        }
        FetchedSymbol { pending, queried_as, day }
    }

    /// Queries the symbol in Yahoo's spelling and, where Yahoo does not know it, the company's new symbol.
    async fn query(&self, symbol: &Symbol) -> (Symbol, Result<SymbolDay, Failure>) {
        let queried_as = yahoo_symbol(symbol);
        let day = self.day(&queried_as).await;
        let is_unknown = day.as_ref().is_err_and(|failure| failure.reason == Reason::UnknownSymbol);
        match self.companies.successor(symbol) {
            Some(successor) if is_unknown => (successor.clone(), self.day(successor).await),
            _ => (queried_as, day),
        }
    }

    async fn day(&self, symbol: &Symbol) -> Result<SymbolDay, Failure> {
        self.yahoo.day(self.breaker, symbol, self.trade_date, self.interval).await
    }

    async fn query_reference(&self) -> Result<(), Failure> {
        self.day(&self.yahoo.settings().reference).await.map(drop)
    }

    /// A blocked request opens the breaker, unless Yahoo blocks the symbol alone: it is the second time, and the
    /// reference symbol's request is answered.
    async fn on_blocked(&self, pending: &Pending, failure: &mut Failure) {
        if pending.was_blocked && self.query_reference().await.is_ok() {
            return;
        }
        self.breaker.open(failure.clone());
        failure.counts_as_attempt = !pending.was_blocked;
    }

    /// An outage can look like symbols without data, one after another: then the reference symbol has none, too,
    /// and not because its exchange was closed.
    async fn on_no_data(&self) {
        if !(self.consecutive_empty.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(MAX_CONSECUTIVE_EMPTY) {
            return;
        }
        if let Err(failure) = self.reference().await
            && failure.counts_as_attempt
            && failure.reason != Reason::NoSession
        {
            let reference = &self.yahoo.settings().reference;
            let reason = if failure.reason == Reason::Blocked { Reason::Blocked } else { Reason::Unavailable };
            let detail = format!("the market has nothing even for {reference}: {failure}");
            self.breaker.open(Failure { reason, detail, ..failure });
        }
    }
}
