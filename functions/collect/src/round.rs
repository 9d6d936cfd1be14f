//! One asking of the market for the symbols that are still to be asked for: in what order, under
//! which names, and when to stop.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures::{Stream, StreamExt, stream};
use shared::{Interval, Symbol, TradeDate, payload::Reason};
use tokio::{sync::OnceCell, time::timeout_at};

use crate::{
    Companies,
    outcomes::Pending,
    yahoo::{Day, Failure, Gate, Yahoo, spelling},
};

/// So many symbols without bars one after another, and it is asked whether the market is there at all.
const SILENCE: usize = 10;

/// One asking.
#[derive(Debug)]
pub struct Round<'a> {
    yahoo: &'a Yahoo,
    companies: &'a Companies,
    gate: &'a Gate<'a>,
    trade_date: TradeDate,
    interval: Interval,
    silent: AtomicUsize,
    reference: OnceCell<Result<(), Failure>>,
}

/// What came of one symbol.
#[derive(Debug)]
pub struct Answer {
    /// What was known of it before.
    pub pending: Pending,
    /// The symbol in the last request.
    pub asked_as: Symbol,
    /// Its bars, or why there are none.
    pub day: Result<Day, Failure>,
}

impl<'a> Round<'a> {
    /// An asking for bars of `trade_date`.
    pub fn new(
        yahoo: &'a Yahoo,
        companies: &'a Companies,
        gate: &'a Gate<'a>,
        trade_date: TradeDate,
        interval: Interval,
    ) -> Self {
        let (silent, reference) = (AtomicUsize::new(0), OnceCell::new());
        Self { yahoo, companies, gate, trade_date, interval, silent, reference }
    }

    /// Every symbol's answer. Those that were asked for least come first, and the very first alone,
    /// so that a market which refuses this client is asked once.
    pub fn answers(&self, mut pending: Vec<Pending>) -> impl Stream<Item = Answer> {
        pending.sort_by_key(|symbol| symbol.asked);
        let rest = pending.split_off(pending.len().min(1));
        let concurrency = self.yahoo.settings().concurrency.get();
        let rest = stream::iter(rest).map(|symbol| self.answer(symbol)).buffered(concurrency);
        stream::iter(pending).then(|symbol| self.answer(symbol)).chain(rest)
    }

    /// Whether the reference symbol has bars of the day, asked at most once.
    ///
    /// # Errors
    /// Why it has none.
    pub async fn reference(&self) -> Result<(), Failure> {
        self.reference.get_or_init(|| self.ask_reference()).await.clone()
    }

    async fn answer(&self, pending: Pending) -> Answer {
        let asked = timeout_at(self.gate.deadline(), self.ask(&pending.symbol)).await;
        let (asked_as, mut day) = asked.unwrap_or_else(|_| (pending.symbol.clone(), Err(self.gate.out_of_time())));
        match &mut day {
            Ok(_) => self.silent.store(0, Ordering::Relaxed),
            Err(failure) if !failure.asked => {}
            Err(failure) if failure.reason == Reason::Blocked => self.refused(&pending, failure).await,
            Err(_) => self.heard_nothing().await,
        }
        Answer { pending, asked_as, day }
    }

    /// Asks under the symbol in Yahoo's spelling, and where Yahoo does not know it, under the one that
    /// took its place.
    async fn ask(&self, symbol: &Symbol) -> (Symbol, Result<Day, Failure>) {
        let asked_as = spelling(symbol);
        let day = self.day(&asked_as).await;
        let is_unknown = day.as_ref().is_err_and(|failure| failure.reason == Reason::UnknownSymbol);
        match self.companies.successor(symbol) {
            Some(successor) if is_unknown => (successor.clone(), self.day(successor).await),
            _ => (asked_as, day),
        }
    }

    async fn day(&self, symbol: &Symbol) -> Result<Day, Failure> {
        self.yahoo.day(self.gate, symbol, self.trade_date, self.interval).await
    }

    async fn ask_reference(&self) -> Result<(), Failure> {
        self.day(&self.yahoo.settings().reference).await.map(drop)
    }

    /// A refusal stops everything, unless it is the symbol's own: the second one, while the
    /// reference symbol is answered.
    async fn refused(&self, pending: &Pending, failure: &mut Failure) {
        if pending.was_refused && self.ask_reference().await.is_ok() {
            return;
        }
        self.gate.close(failure.clone());
        failure.asked = !pending.was_refused;
    }

    /// An outage can look like symbols without data, one after another: then the reference symbol is
    /// silent, too, and not because its exchange was closed.
    async fn heard_nothing(&self) {
        if !(self.silent.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(SILENCE) {
            return;
        }
        if let Err(failure) = self.reference().await
            && failure.asked
            && failure.reason != Reason::NoSession
        {
            let reference = &self.yahoo.settings().reference;
            let reason = if failure.reason == Reason::Blocked { Reason::Blocked } else { Reason::Unavailable };
            let detail = format!("the market has nothing even for {reference}: {failure}");
            self.gate.close(Failure::new(reason, detail));
        }
    }
}
