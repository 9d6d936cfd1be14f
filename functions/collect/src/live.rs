//! A tick of the open session: the bars that have closed lately, written to the data stream.
//!
//! One invocation is one attempt here, too: what the market did not answer, `statemachine/live.asl.json` requests later.
//! What a tick lacks is left to the next one, whose window reaches back, and to the daily run, which collects the day anew.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use lambda_runtime::tracing::Instrument;
use shared::{
    Companies, Interval, RunId, Symbol, TradeDate,
    payload::{FailedSymbol, LiveOutcome, LiveRequest, LiveTick, LiveWindow, Reason},
};

use crate::{
    Collector, Error,
    circuit_breaker::CircuitBreaker,
    failure::Failure,
    fetch::{Fetch, FetchedSymbol},
    invocation::Invocation,
    job,
    pending::Pending,
    source::{Day, Source, SymbolDay},
    validate_scheduled_time,
    writer::{WriteError, Writer},
};

/// How far the scheduled time may be ahead of the function's clock.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(1);

impl Collector {
    /// Collects the bars that closed in the window of a tick.
    ///
    /// # Errors
    /// [`Error`]. A market that refuses or does not answer is none: the answer says so.
    pub(crate) async fn tick(&self, request: LiveRequest, invocation: &Invocation) -> Result<LiveTick, Error> {
        let span = tracing::info_span!("tick", scheduled_time = ?request.scheduled_time, until = ?request.until);
        Box::pin(self.collect_tick(request, invocation)).instrument(span).await
    }

    async fn collect_tick(&self, request: LiveRequest, invocation: &Invocation) -> Result<LiveTick, Error> {
        let stream = self.live.as_ref().ok_or(Error::NoLiveStream)?;
        let source = self.sources.get(request.source)?;
        let (interval, now) = (request.interval.unwrap_or_default(), invocation.began_at);
        let scheduled_time = request.scheduled_time.unwrap_or(invocation.collected_at());
        if scheduled_time > now + CLOCK_SKEW {
            return Err(Error::ScheduledTimeInFuture { at: scheduled_time, now });
        }
        validate_scheduled_time(source, scheduled_time, interval, now)?;
        let until = request.until.unwrap_or(scheduled_time).min(invocation.collected_at());
        let (list, companies) = self.list(request.list.as_ref(), request.symbols.as_ref()).await?;
        let symbols = request.symbols.as_deref().unwrap_or_else(|| companies.symbols());
        let pending = request.pending.as_deref().unwrap_or(symbols);

        let window = LiveWindow::new(scheduled_time, until, interval);
        let day = Day::of_window(window, interval, source.zone());
        let breaker = invocation.breaker();
        let fetch = Fetch::new(source, &companies, &breaker, day, false, None);
        let writer = Writer::new(stream, &self.sending, invocation.writing_until());
        let mut written = Written::new(writer, (&companies, source), interval, invocation.collected_at());
        let mut results = Results::default();
        // Symbols that somebody names may trade when the exchange of the reference symbol does not.
        let reference = if list.is_some() { Some(fetch.reference().await) } else { None };
        let is_closed = reference.as_ref().is_some_and(|reference| is_closed(reference, window));
        results.simulated = reference.as_ref().is_some_and(is_simulated);
        if !is_closed {
            let mut pending: Vec<_> = pending.iter().map(Pending::from).collect();
            if let Some(Ok(day)) = reference {
                let symbol = source.reference();
                if let Some(at) = pending.iter().position(|it| it.symbol == *symbol) {
                    pending.swap_remove(at);
                    written.add(symbol, symbol, day).await?;
                }
            }
            results.collect(&fetch, pending, &mut written).await?;
        }
        let Written { bars, trade_dates, collected_at, writer, .. } = written;
        let records = writer.finish().await?;
        if let Some(cause) = breaker.key_refusal() {
            return Err(Error::Unauthorized(cause.clone()));
        }
        let requested = symbols.len();
        let outcome = if is_closed { LiveOutcome::Closed } else { outcome(&breaker) };
        let (failed_count, pending_count) = (results.failed.len(), results.pending.len());
        results.pending.truncate(LiveTick::MAX_PENDING);
        let is_not_over = results.failed.iter().any(|failed| failed.reason == Reason::SessionNotOver);
        results.failed.truncate(LiveTick::MAX_FAILED);
        if outcome == LiveOutcome::Collected && failed_count == requested {
            let (trade_date, failed) = (day.trade_date, results.failed);
            return Err(Error::NoBars { trade_date, failed, failed_count, is_not_over });
        }
        let tick = LiveTick {
            outcome,
            scheduled_time,
            until,
            interval,
            collected_at,
            trade_dates: trade_dates.into_iter().collect(),
            bars,
            records,
            requested,
            failed: results.failed,
            failed_count,
            pending: results.pending,
            pending_count,
            simulated: results.simulated,
        };
        tracing::info!(
            outcome = ?tick.outcome,
            bars = tick.bars,
            records = tick.records,
            failed = tick.failed_count,
            pending = tick.pending_count,
            "tick collected"
        );
        Ok(tick)
    }
}

/// Whether the exchange of the reference symbol has no session in the window.
fn is_closed(reference: &Result<SymbolDay, Failure>, window: LiveWindow) -> bool {
    match reference {
        Ok(day) => day.session.close <= window.from || window.until <= day.session.open,
        Err(failure) => failure.reason == Reason::NoSession,
    }
}

/// Whether the reply about the reference symbol said that its prices are simulated.
fn is_simulated(reference: &Result<SymbolDay, Failure>) -> bool {
    reference.as_ref().map_or_else(|failure| failure.simulated, |day| day.simulated)
}

fn outcome(breaker: &CircuitBreaker) -> LiveOutcome {
    match breaker.cause().map(|cause| cause.reason) {
        None => LiveOutcome::Collected,
        Some(Reason::Blocked) => LiveOutcome::Blocked,
        Some(Reason::NotAttempted) => LiveOutcome::OutOfTime,
        Some(_) => LiveOutcome::Unavailable,
    }
}

/// What became of the symbols that have no bars.
#[derive(Debug, Default)]
struct Results {
    /// Those with a reason of their own.
    failed: Vec<FailedSymbol>,
    /// Those that the market has not answered.
    pending: Vec<Symbol>,
    simulated: bool,
}

impl Results {
    /// Requests the symbols, and writes each one's bars as they arrive.
    async fn collect(
        &mut self,
        fetch: &Fetch<'_>,
        pending: Vec<Pending>,
        written: &mut Written<'_>,
    ) -> Result<(), WriteError> {
        let each = async |fetched: FetchedSymbol| {
            self.simulated |= fetched.is_simulated();
            let FetchedSymbol { pending: Pending { symbol, .. }, queried_as, day, .. } = fetched;
            match day {
                Ok(day) => written.add(&symbol, &queried_as, day).await?,
                Err(failure) => self.record(symbol, failure),
            }
            Ok(())
        };
        fetch.for_each(pending, each).await
    }

    fn record(&mut self, symbol: Symbol, failure: Failure) {
        match failure.reason {
            _ if !failure.counts_as_attempt => self.pending.push(symbol),
            // Its exchange does not trade now, or it has not traded yet today.
            Reason::NoSession | Reason::NoTrades => {}
            reason => self.failed.push(FailedSymbol {
                attempts: 1,
                refusals: u32::from(reason == Reason::Blocked),
                ..FailedSymbol::new(symbol, reason, failure.detail)
            }),
        }
    }
}

/// What a tick has written.
#[derive(Debug)]
struct Written<'a> {
    writer: Writer,
    companies: &'a Companies,
    source: &'a dyn Source,
    interval: Interval,
    collected_at: Timestamp,
    bars: usize,
    trade_dates: BTreeSet<TradeDate>,
}

impl<'a> Written<'a> {
    fn new(
        writer: Writer,
        (companies, source): (&'a Companies, &'a dyn Source),
        interval: Interval,
        collected_at: Timestamp,
    ) -> Self {
        Self { writer, companies, source, interval, collected_at, bars: 0, trade_dates: BTreeSet::new() }
    }

    async fn add(&mut self, symbol: &Symbol, queried_as: &Symbol, day: SymbolDay) -> Result<(), WriteError> {
        if day.bars.is_empty() {
            return Ok(());
        }
        let trade_date = day.session.trade_date;
        self.bars += day.bars.len();
        self.trade_dates.insert(trade_date);
        let collection = (self.interval, self.collected_at, RunId::live(trade_date));
        self.writer.write(job::bars((self.companies, self.source), (symbol, queried_as), day, collection)).await
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use shared::Session;

    use super::*;

    /// A day without bars, whose session opens and closes at these times in New York.
    fn session(open: &str, close: &str) -> Result<SymbolDay, Box<dyn std::error::Error>> {
        let zone = TimeZone::get("America/New_York")?;
        let at = |time: &str| format!("2026-11-27T{time}:00-05:00").parse::<Timestamp>();
        let (open, close) = (at(open)?, at(close)?);
        Ok(SymbolDay {
            session: Session { trade_date: "2026-11-27".parse()?, open, close, pauses: vec![], zone },
            expected: None,
            bars: vec![],
            outside: vec![],
            doubtful: vec![],
            remarks: vec![],
            name: None,
            currency: None,
            previous_close: None,
            simulated: false,
        })
    }

    #[test]
    fn a_closed_exchange_may_be_a_simulated_one() -> Result<(), Box<dyn std::error::Error>> {
        for simulated in [false, true] {
            let day = SymbolDay { simulated, ..session("09:30", "16:00")? };
            let holiday = Failure { simulated, ..Failure::new(Reason::NoSession, "a holiday") };
            assert_eq!([is_simulated(&Ok(day)), is_simulated(&Err(holiday))], [simulated; 2]);
        }
        Ok(())
    }

    #[test]
    fn a_tick_is_closed_where_no_bar_can_have_closed_in_its_window() -> Result<(), Box<dyn std::error::Error>> {
        for (tick, closed_on_half_day, closed_on_whole_day) in [
            ("09:00", true, true),
            ("09:30", true, true),
            ("09:36", false, false),
            ("13:01", false, false),
            ("13:11", false, false),
            ("13:16", true, false),
            ("16:01", true, false),
            ("16:16", true, true),
        ] {
            let at: Timestamp = format!("2026-11-27T{tick}:00-05:00").parse()?;
            let window = LiveWindow::new(at, at, Interval::FiveMinutes);
            let found = ["13:00", "16:00"].map(|close| Ok(is_closed(&Ok(session("09:30", close)?), window)));
            let found: Result<Vec<_>, Box<dyn std::error::Error>> = found.into_iter().collect();
            assert_eq!(found?, [closed_on_half_day, closed_on_whole_day], "{tick}");
            assert!(is_closed(&Err(Failure::new(Reason::NoSession, "a holiday")), window));
            assert!(!is_closed(&Err(Failure::new(Reason::UnknownSymbol, "no such symbol")), window));
        }
        Ok(())
    }
}
