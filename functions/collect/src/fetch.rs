//! One pass over the symbols that are still to be requested: in what order, under which names, and when to stop.
//!
//! A symbol without bars is believed only once the market has answered a later query, since an outage or a block can
//! look like it. Where no other symbol does, the reference symbol is queried.

use std::{
    pin::pin,
    slice,
    sync::{OnceLock, PoisonError},
};

use futures::{Stream, StreamExt, stream};
use jiff::tz::TimeZone;
use shared::{
    Companies, Symbol,
    payload::{CollectedSymbol, Reason},
};
use tokio::{sync::Mutex, time::Instant};

use crate::{
    circuit_breaker::CircuitBreaker,
    failure::{Failure, FailureScope},
    pending::Pending,
    source::{Day, Source, SymbolDay},
    writer::WriteError,
};

/// One pass over the symbols of one trade date.
#[derive(Debug)]
pub struct Fetch<'a> {
    source: &'a dyn Source,
    companies: &'a Companies,
    breaker: &'a CircuitBreaker,
    day: Day,
    /// Whether earlier invocations of the run have requested symbols.
    is_resumed: bool,
    /// A symbol that has bars of the day.
    answered: OnceLock<Symbol>,
    /// The time zones of the exchanges of which a symbol has bars, but of those that trade around the clock.
    traded: std::sync::Mutex<Vec<TimeZone>>,
    /// It is locked while the reference symbol is queried, so that symbols in doubt at the same time share one query.
    reference: Mutex<ReferenceDay>,
}

/// What is known of the reference symbol's day.
#[derive(Debug, Default)]
enum ReferenceDay {
    #[default]
    NotQueried,
    /// It has no bars of the day, or none yet.
    WithoutBars,
    /// It traded, on an exchange with this time zone.
    Traded(TimeZone),
}

/// The result of one symbol's attempt.
#[derive(Debug)]
pub struct FetchedSymbol {
    /// The symbol, with what is known of it.
    pub pending: Pending,
    /// The symbol in the last request to the market.
    pub queried_as: Symbol,
    /// Its bars, or why there are none.
    pub day: Result<SymbolDay, Failure>,
    /// When the market's reply had arrived.
    replied: Instant,
}

impl FetchedSymbol {
    /// Whether the reply said that its prices are simulated.
    pub fn is_simulated(&self) -> bool {
        self.day.as_ref().map_or_else(|failure| failure.simulated, |day| day.simulated)
    }

    /// Whether an outage may look like this.
    fn is_in_doubt(&self) -> bool {
        self.day.as_ref().is_err_and(|failure| failure.counts_as_attempt && !failure.shows_market_is_up())
    }

    /// Logs the result.
    fn log(&self) {
        let Self { pending: Pending { symbol, .. }, queried_as, day, .. } = self;
        match day {
            Ok(day) => tracing::debug!(%symbol, %queried_as, bars = day.bars.len(), "fetched"),
            Err(failure) => {
                tracing::warn!(%symbol, %queried_as, reason = ?failure.reason, detail = failure.detail, "no bars");
            }
        }
    }
}

impl<'a> Fetch<'a> {
    /// A pass for the bars of a day, in a run that is resumed or not, with a symbol that is already collected.
    pub fn new(
        source: &'a dyn Source,
        companies: &'a Companies,
        breaker: &'a CircuitBreaker,
        day: Day,
        is_resumed: bool,
        collected: Option<&CollectedSymbol>,
    ) -> Self {
        let answered =
            collected.map(|collected| source.spelling(collected.queried_as.as_ref().unwrap_or(&collected.symbol)));
        let answered = answered.map(OnceLock::from).unwrap_or_default();
        let traded = std::sync::Mutex::default();
        Self { source, companies, breaker, day, is_resumed, answered, traded, reference: Mutex::default() }
    }

    /// The result of every symbol. Those with the fewest attempts come first, of these the ones that the market has
    /// refused last, and the very first batch alone, so that a market which blocks this client gets one request.
    fn symbols(&self, mut pending: Vec<Pending>) -> impl Stream<Item = FetchedSymbol> {
        pending.sort_by_key(|symbol| (symbol.attempts, symbol.refusals));
        let size = self.source.batch_size().get();
        let mut batches: Vec<_> = pending.chunks(size).map(<[Pending]>::to_vec).collect();
        let rest = batches.split_off(batches.len().min(1));
        let concurrency = self.source.concurrency().get();
        let rest = stream::iter(rest).map(|batch| self.batch(batch)).buffer_unordered(concurrency);
        stream::iter(batches).then(|batch| self.batch(batch)).chain(rest).flat_map(stream::iter)
    }

    /// The reference symbol's day, queried before any other symbol's, which shows whether its exchange trades.
    ///
    /// # Errors
    /// Why it has no bars. A market that refuses the client, or is down, opens the breaker.
    pub async fn reference(&self) -> Result<SymbolDay, Failure> {
        let mut known = self.reference.lock().await;
        let (began, day) = (Instant::now(), self.day(self.source.reference()).await);
        match &day {
            Ok(day) => {
                self.breaker.record_answer(began);
                *known = ReferenceDay::Traded(day.session.zone.clone());
            }
            Err(Failure { reason: Reason::NoSession, .. }) => {
                self.breaker.record_answer(began);
                *known = ReferenceDay::WithoutBars;
            }
            Err(failure) if failure.is_of_all() || matches!(failure.reason, Reason::Blocked | Reason::Unavailable) => {
                self.breaker.open(failure.as_no_answer());
            }
            Err(_) => {}
        }
        day
    }

    /// Requests the symbols, and gives each one's result to `each` as it arrives; those in doubt last, once they are decided.
    ///
    /// # Errors
    /// Those of `each`.
    pub async fn for_each(
        &self,
        pending: Vec<Pending>,
        mut each: impl AsyncFnMut(FetchedSymbol) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        let mut doubtful = Vec::new();
        let mut results = pin!(self.symbols(pending));
        while let Some(fetched) = results.next().await {
            fetched.log();
            if fetched.is_in_doubt() {
                doubtful.push(fetched);
            } else {
                each(fetched).await?;
            }
        }
        for fetched in self.decide(doubtful).await {
            each(fetched).await?;
        }
        Ok(())
    }

    /// Finds out whether a market that blocked this client, or was down, answers again, by the symbol that is refused only
    /// together with all others.
    pub async fn query_reference_first(&self) {
        self.find_out_since(Instant::now()).await;
    }

    /// Decides the results in doubt after all symbols were requested: they stand if the market has answered since, and
    /// are no answers otherwise.
    async fn decide(&self, mut doubtful: Vec<FetchedSymbol>) -> Vec<FetchedSymbol> {
        if let Some(last) = doubtful.iter().map(|fetched| fetched.replied).max() {
            self.find_out_since(last).await;
        }
        let mut reference = self.reference.lock().await;
        let mut failures = doubtful.iter().filter_map(|fetched| fetched.day.as_ref().err());
        let has_no_session = failures.any(|failure| self.is_without_session_at_home(failure));
        if has_no_session && matches!(*reference, ReferenceDay::NotQueried) {
            self.query_reference(&mut reference).await;
        }
        for FetchedSymbol { day, replied, .. } in &mut doubtful {
            if let Err(failure) = day {
                self.decide_failure(failure, *replied, &reference);
            }
        }
        doubtful
    }

    fn decide_failure(&self, failure: &mut Failure, replied: Instant, reference: &ReferenceDay) {
        let cause = self.breaker.cause();
        // Which refusals are a symbol's own is not known where the market blocks this client in the end.
        let is_refused_with_all =
            failure.reason == Reason::Blocked && cause.is_some_and(|it| it.reason == Reason::Blocked);
        let is_answer = self.breaker.has_answered_since(replied) && !is_refused_with_all;
        match (cause, reference) {
            (Some(cause), _) if !is_answer => {
                *failure = Failure { simulated: failure.simulated, ..cause.as_no_answer() };
            }
            (_, reference)
                if failure.reason == Reason::NoSession && self.has_traded(failure.zone.as_ref(), reference) =>
            {
                failure.reason = Reason::NotTradedHere;
                failure.detail += ", though others of its time zone traded: the listing is dead or has moved";
            }
            _ => {}
        }
    }

    /// Whether an exchange of that time zone traded on the day.
    fn has_traded(&self, zone: Option<&TimeZone>, reference: &ReferenceDay) -> bool {
        let traded = self.traded.lock().unwrap_or_else(PoisonError::into_inner);
        let of_reference = matches!(reference, ReferenceDay::Traded(traded) if zone == Some(traded));
        of_reference || zone.is_some_and(|zone| traded.contains(zone))
    }

    fn record_traded(&self, SymbolDay { session, expected, .. }: &SymbolDay) {
        let mut traded = self.traded.lock().unwrap_or_else(PoisonError::into_inner);
        if expected.is_some() && !traded.contains(&session.zone) {
            traded.push(session.zone.clone());
        }
    }

    /// The results of a batch, in its order.
    async fn batch(&self, pending: Vec<Pending>) -> Vec<FetchedSymbol> {
        let began = Instant::now();
        let days = self.query(&pending).await;
        let replied = Instant::now();
        let results = pending.into_iter().zip(days);
        let mut batch: Vec<_> =
            results.map(|(pending, (queried_as, day))| FetchedSymbol { pending, queried_as, day, replied }).collect();
        self.record(&mut batch, began).await;
        batch
    }

    /// Records what the results of a query that began at `began` say of the market: one that brought bars of some symbols says
    /// nothing by those that it has none of.
    async fn record(&self, batch: &mut [FetchedSymbol], began: Instant) {
        let mut is_recorded = false;
        for FetchedSymbol { queried_as, day, .. } in &*batch {
            if let Ok(day) = day {
                is_recorded = true;
                self.breaker.record_answer(began);
                self.record_traded(day);
                self.answered.get_or_init(|| queried_as.clone());
            }
        }
        for FetchedSymbol { pending, day, replied, .. } in batch {
            match day {
                Ok(_) => {}
                Err(failure) if !failure.counts_as_attempt => {}
                Err(failure) if failure.is_of_all() => {
                    failure.counts_as_attempt = false;
                    self.breaker.open(failure.clone());
                }
                Err(failure) if failure.shows_market_is_up() => {
                    is_recorded = true;
                    self.breaker.record_answer(began);
                }
                Err(failure) if failure.reason == Reason::Blocked => self.on_refusal(pending, failure).await,
                Err(_) if is_recorded => {}
                Err(_) => {
                    is_recorded = true;
                    if self.breaker.record_unanswered(began) {
                        self.find_out_since(*replied).await;
                    }
                }
            }
        }
    }

    /// Queries the symbols in the source's spelling and, where it does not know one or no longer lists it, the company's new symbol.
    async fn query(&self, pending: &[Pending]) -> Vec<(Symbol, Result<SymbolDay, Failure>)> {
        let symbols: Vec<_> = pending.iter().map(|pending| self.source.spelling(&pending.symbol)).collect();
        let days = self.days(&symbols).await;
        let mut results: Vec<_> = symbols.into_iter().zip(days).collect();
        let is_gone = |day: &Result<_, Failure>| {
            day.as_ref().is_err_and(|it| matches!(it.reason, Reason::UnknownSymbol | Reason::NotTradedHere))
        };
        let gone = pending.iter().zip(&mut results).filter(|(_, (_, day))| is_gone(day));
        let renamed = gone.filter_map(|(pending, result)| {
            let successor = self.companies.successor(&pending.symbol)?;
            Some((result, self.source.spelling(successor)))
        });
        let (renamed, successors): (Vec<_>, Vec<_>) = renamed.unzip();
        if !successors.is_empty() {
            let days = self.days(&successors).await;
            for (result, day) in renamed.into_iter().zip(successors.into_iter().zip(days)) {
                *result = day;
            }
        }
        results
    }

    /// The days of symbols in the source's spelling. Where a request fails as a whole while the market answers others, its
    /// symbols are requested again in halves, so that one symbol costs no other its bars.
    async fn days(&self, symbols: &[Symbol]) -> Vec<Result<SymbolDay, Failure>> {
        let began = Instant::now();
        let mut days = self.source.days(self.breaker, symbols, self.day).await;
        let is_of_batch = |day: &Result<_, Failure>| {
            day.as_ref().is_err_and(|failure| failure.counts_as_attempt && failure.scope == FailureScope::Batch)
        };
        let failed: Vec<_> = (0..days.len()).filter(|at| is_of_batch(&days[*at])).collect();
        if failed.len() < 2 {
            return days;
        }
        if days.iter().any(Result::is_ok) {
            self.breaker.record_answer(began);
        }
        self.find_out_since(Instant::now()).await;
        if self.breaker.cause().is_some() {
            return days;
        }
        for half in failed.chunks(failed.len().div_ceil(2)) {
            let symbols: Vec<_> = half.iter().map(|at| symbols[*at].clone()).collect();
            let again = Box::pin(self.days(&symbols)).await;
            half.iter().zip(again).for_each(|(at, day)| days[*at] = day);
        }
        days
    }

    /// One symbol, in the source's spelling.
    async fn day(&self, symbol: &Symbol) -> Result<SymbolDay, Failure> {
        let mut days = self.source.days(self.breaker, slice::from_ref(symbol), self.day).await;
        days.pop().unwrap_or_else(|| Err(Failure::malformed("no result for the symbol")))
    }

    /// A refusal opens the breaker, unless the market refuses the symbol alone, as the reference symbol shows. At the start of a
    /// run that is not found out: a market that blocks this client gets one request.
    async fn on_refusal(&self, pending: &mut Pending, failure: &mut Failure) {
        pending.refusals += 1;
        if self.is_resumed || self.breaker.has_answered() {
            let refused = Instant::now();
            self.find_out_since(refused).await;
            failure.counts_as_attempt = self.breaker.has_answered_since(refused) && !self.breaker.record_refusal();
        } else {
            failure.counts_as_attempt = false;
        }
        if !failure.counts_as_attempt {
            self.breaker.open(failure.clone());
        }
    }

    /// Finds out whether the market has answered a query since an instant. Where no symbol has shown it, the reference
    /// symbol is queried, and the breaker opens unless that is answered.
    async fn find_out_since(&self, instant: Instant) {
        let mut reference = self.reference.lock().await;
        if !self.breaker.has_answered_since(instant) && self.breaker.cause().is_none() {
            self.query_reference(&mut reference).await;
        }
    }

    /// Whether the reply lists no session of the day on the clock of the reference symbol's exchange.
    fn is_without_session_at_home(&self, failure: &Failure) -> bool {
        failure.reason == Reason::NoSession && failure.zone.as_ref() == Some(self.source.zone())
    }

    /// Queries the reference symbol, and opens the breaker unless it is answered. Where only that one may be at fault, a
    /// symbol that has bars of the day is queried, too.
    async fn query_reference(&self, known: &mut ReferenceDay) {
        let (began, reference) = (Instant::now(), self.source.reference());
        *known = match self.day(reference).await {
            Ok(day) => ReferenceDay::Traded(day.session.zone),
            Err(failure) if failure.shows_market_is_up() || failure.reason == Reason::NoSession => {
                ReferenceDay::WithoutBars
            }
            Err(failure) if failure.is_of_all() => return self.breaker.open(failure.as_no_answer()),
            Err(failure) if failure.reason != Reason::Blocked && self.is_answered_still().await => {
                tracing::warn!(%reference, %failure, "the reference symbol has no bars, and others have");
                ReferenceDay::WithoutBars
            }
            Err(failure) => {
                let reason = if failure.reason == Reason::Blocked { Reason::Blocked } else { Reason::Unavailable };
                let detail = format!("the market has nothing even for {reference}: {failure}");
                return self.breaker.open(Failure::new(reason, detail));
            }
        };
        self.breaker.record_answer(began);
    }

    /// Whether a symbol that was answered before is answered again.
    async fn is_answered_still(&self) -> bool {
        match self.answered.get() {
            Some(symbol) => self.day(symbol).await.is_ok(),
            None => false,
        }
    }
}
