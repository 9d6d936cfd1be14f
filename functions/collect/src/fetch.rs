//! One pass over the symbols that are still to be requested: in what order, under which names, and when to stop.
//!
//! A symbol without bars is believed only once the market has answered a later query, since an outage or a block can
//! look like it. Where no other symbol does, the reference symbol is queried.

use std::{
    pin::pin,
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
    failure::Failure,
    pending::Pending,
    writer::WriteError,
    yahoo::{Day, SymbolDay, Yahoo, yahoo_symbol},
};

/// One pass over the symbols of one trade date.
#[derive(Debug)]
pub struct Fetch<'a> {
    yahoo: &'a Yahoo,
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
            Ok(day) => tracing::info!(%symbol, %queried_as, bars = day.bars.len(), "fetched"),
            Err(failure) => {
                tracing::warn!(%symbol, %queried_as, reason = ?failure.reason, detail = failure.detail, "no bars");
            }
        }
    }
}

impl<'a> Fetch<'a> {
    /// A pass for the bars of a day, in a run that is resumed or not, with a symbol that is already collected.
    pub fn new(
        yahoo: &'a Yahoo,
        companies: &'a Companies,
        breaker: &'a CircuitBreaker,
        day: Day,
        is_resumed: bool,
        collected: Option<&CollectedSymbol>,
    ) -> Self {
        let answered =
            collected.map(|collected| yahoo_symbol(collected.queried_as.as_ref().unwrap_or(&collected.symbol)));
        let answered = answered.map(OnceLock::from).unwrap_or_default();
        let traded = std::sync::Mutex::default();
        Self { yahoo, companies, breaker, day, is_resumed, answered, traded, reference: Mutex::default() }
    }

    /// The result of every symbol. Those with the fewest attempts come first, of these the ones that the market has
    /// refused last, and the very first alone, so that a market which blocks this client gets one request.
    fn symbols(&self, mut pending: Vec<Pending>) -> impl Stream<Item = FetchedSymbol> {
        pending.sort_by_key(|symbol| (symbol.attempts, symbol.refusals));
        let rest = pending.split_off(pending.len().min(1));
        let concurrency = self.yahoo.settings().concurrency.get();
        let rest = stream::iter(rest).map(|symbol| self.symbol(symbol)).buffered(concurrency);
        stream::iter(pending).then(|symbol| self.symbol(symbol)).chain(rest)
    }

    /// The reference symbol's day, queried before any other symbol's, which shows whether its exchange trades.
    ///
    /// # Errors
    /// Why it has no bars. A market that refuses the client, or is down, opens the breaker.
    pub async fn reference(&self) -> Result<SymbolDay, Failure> {
        let mut known = self.reference.lock().await;
        let (began, day) =
            (Instant::now(), self.yahoo.day(self.breaker, &self.yahoo.settings().reference, self.day).await);
        match &day {
            Ok(day) => {
                self.breaker.record_answer(began);
                *known = ReferenceDay::Traded(day.session.zone.clone());
            }
            Err(Failure { reason: Reason::NoSession, .. }) => {
                self.breaker.record_answer(began);
                *known = ReferenceDay::WithoutBars;
            }
            Err(failure) if matches!(failure.reason, Reason::Blocked | Reason::Unavailable) => {
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

    async fn symbol(&self, mut pending: Pending) -> FetchedSymbol {
        let began = Instant::now();
        let (queried_as, mut day) = self.query(&pending.symbol).await;
        let replied = Instant::now();
        match &mut day {
            Ok(day) => {
                self.breaker.record_answer(began);
                self.record_traded(day);
                self.answered.get_or_init(|| queried_as.clone());
            }
            Err(failure) if !failure.counts_as_attempt => {}
            Err(failure) if failure.shows_market_is_up() => self.breaker.record_answer(began),
            Err(failure) if failure.reason == Reason::Blocked => self.on_refusal(&mut pending, failure).await,
            Err(_) => {
                if self.breaker.record_unanswered(began) {
                    self.find_out_since(replied).await;
                }
            }
        }
        FetchedSymbol { pending, queried_as, day, replied }
    }

    /// Queries the symbol in Yahoo's spelling and, where Yahoo does not know it, the company's new symbol.
    async fn query(&self, symbol: &Symbol) -> (Symbol, Result<SymbolDay, Failure>) {
        let queried_as = yahoo_symbol(symbol);
        let day = self.yahoo.day(self.breaker, &queried_as, self.day).await;
        let is_unknown = day.as_ref().is_err_and(|failure| failure.reason == Reason::UnknownSymbol);
        match self.companies.successor(symbol) {
            Some(successor) if is_unknown => {
                let successor = yahoo_symbol(successor);
                let day = self.yahoo.day(self.breaker, &successor, self.day).await;
                (successor, day)
            }
            _ => (queried_as, day),
        }
    }

    /// A refusal opens the breaker, unless Yahoo refuses the symbol alone, as the reference symbol shows. At the start of a
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
        failure.reason == Reason::NoSession && failure.zone.as_ref() == Some(&self.yahoo.settings().zone)
    }

    /// Queries the reference symbol, and opens the breaker unless it is answered. Where only that one may be at fault, a
    /// symbol that has bars of the day is queried, too.
    async fn query_reference(&self, known: &mut ReferenceDay) {
        let (began, reference) = (Instant::now(), &self.yahoo.settings().reference);
        *known = match self.yahoo.day(self.breaker, reference, self.day).await {
            Ok(day) => ReferenceDay::Traded(day.session.zone),
            Err(failure) if failure.shows_market_is_up() || failure.reason == Reason::NoSession => {
                ReferenceDay::WithoutBars
            }
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
            Some(symbol) => self.yahoo.day(self.breaker, symbol, self.day).await.is_ok(),
            None => false,
        }
    }
}
