//! Fetches one trading day of bars for a list of symbols and writes them to Firehose; or, of a session that goes on, the bars
//! that have closed lately, and writes them to a data stream.
//!
//! One invocation is one attempt. It waits neither for the delivery nor for a market that blocks it: its answer says
//! what is missing, and `statemachine/pipeline.asl.json` resumes the collection later.

mod alpaca;
mod circuit_breaker;
mod doubtful;
mod error;
mod event;
mod failure;
mod fetch;
mod firehose;
mod http;
mod invocation;
mod job;
mod kinesis;
mod lists;
mod live;
mod local_times;
mod outcome_store;
mod pending;
mod probe;
mod rate_limiter;
mod root_certificates;
mod second_attempt;
mod source;
mod symbol_outcomes;
mod writer;
mod yahoo;

/// What `benches/` measures of the function, and no part of its interface.
#[doc(hidden)]
pub mod parts {
    pub use crate::{
        source::{Day, Scope, SymbolDay},
        writer::{Lines, Packer, Stream},
        yahoo::Decoded,
    };
}

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use lambda_runtime::{LambdaEvent, tracing::Instrument};
use serde_json::Value;
use shared::{
    Companies, HandlerError, Interval, ListName, SymbolList, TradeDate,
    payload::{CollectOutcome, Collection, Reason, RunRequest, SessionWait, SymbolSummary},
};
use tokio::runtime::Handle;

pub use alpaca::{Alpaca, AlpacaSettings, KeyStore, SecretsManager};
pub use error::Error;
pub use firehose::DeliveryStream;
pub use invocation::Invocation;
pub use kinesis::DataStream;
pub use lists::{ListError, Lists};
pub use outcome_store::{OutcomeStore, OutcomesError};
pub use root_certificates::{NoRootCertificates, RootCertificates};
pub use source::{HttpReply, Https, ReportedRate, Source, Sources, Transport, Unreachable};
pub use yahoo::{MarketSettings, Yahoo};

use crate::{
    circuit_breaker::CircuitBreaker,
    event::Event,
    fetch::{Fetch, FetchedSymbol},
    job::Job,
    pending::Pending,
    source::{Day, Scope},
    symbol_outcomes::Outcomes,
    writer::Writer,
};

/// The time limit of an HTTP request, and of a probe, for which somebody waits, too: API Gateway waits 30 seconds for an
/// answer.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>
const HTTP_TIMEOUT: Duration = Duration::from_secs(28);

/// What an invocation needs, built at cold start and reused by later invocations.
#[derive(Debug)]
pub struct Collector {
    /// The lists of companies: the symbols of a run over one, and the names of companies.
    pub lists: Lists,
    /// The outcomes of runs, which later invocations of them read.
    pub outcomes: OutcomeStore,
    /// The sources of bars.
    pub sources: Sources,
    /// The delivery stream of the daily run (`DELIVERY_STREAM`).
    pub delivery: DeliveryStream,
    /// The runtime whose threads send what is collected, while the next replies are read.
    pub sending: Handle,
    /// The data stream of the open session (`LIVE_STREAM`), where the stack has one.
    pub live: Option<DataStream>,
    /// How long after a run's first invocation began a session may end for the run to wait for it (`SESSION_WAIT_HOURS`).
    pub session_wait: SignedDuration,
}

impl Collector {
    /// Answers one invocation.
    ///
    /// # Errors
    /// The name and the message of [`Error`]; an HTTP request is answered with a status and a body instead.
    pub async fn handle(&self, event: LambdaEvent<Value>) -> Result<Value, HandlerError> {
        Ok(self.answer(event.payload, Invocation::new(event.context)).await?)
    }

    /// Answers the payload of one invocation.
    ///
    /// # Errors
    /// [`Error`], unless the payload is an HTTP request.
    pub async fn answer(&self, payload: Value, invocation: Invocation) -> Result<Value, Error> {
        let answer = match Event::parse(payload)? {
            Event::Http(request) => {
                let invocation = invocation.limited_to(HTTP_TIMEOUT);
                let answer = match request {
                    Ok(request) => self.begin(request, &invocation).await.and_then(http::not_empty),
                    Err(error) => Err(error),
                };
                serde_json::to_value(http::response(answer))
            }
            Event::First(request) => serde_json::to_value(self.begin(request, &invocation).await?),
            Event::Resume(request) => {
                let list = request.collection.list.clone().unwrap_or_default();
                let names = self.lists.names(&list).await?;
                let source = self.sources.get(Some(request.collection.source))?;
                let stored = self.outcomes.read(&request.collection.symbols.uri).await?;
                let session_wait = self.session_wait(true, &invocation);
                let job = Job::resume(source, request, stored, names, session_wait, &invocation);
                serde_json::to_value(self.run(job, &invocation, &invocation.breaker()).await?)
            }
            Event::Live(request) => serde_json::to_value(self.tick(request, &invocation).await?),
            Event::Probe(source) => {
                let invocation = invocation.limited_to(HTTP_TIMEOUT);
                serde_json::to_value(probe::probe(self.sources.get(source)?, &invocation).await)
            }
        };
        answer.map_err(Error::Answer)
    }

    async fn begin(&self, request: RunRequest, invocation: &Invocation) -> Result<Collection, Error> {
        let breaker = invocation.breaker();
        let job = self.job(request, invocation, &breaker).await?;
        self.run(job, invocation, &breaker).await
    }

    /// The first job of a run, with the defaults where the request leaves something out.
    async fn job(
        &self,
        request: RunRequest,
        invocation: &Invocation,
        breaker: &CircuitBreaker,
    ) -> Result<Job<'_>, Error> {
        request.check_size()?;
        let source = self.sources.get(request.source)?;
        let (now, interval) = (invocation.began_at, request.interval.unwrap_or_default());
        let at = request.scheduled_time.unwrap_or(now);
        match request.trade_date {
            Some(date) => validate_date(source, date, interval, now)?,
            None => validate_scheduled_time(source, at, interval, now)?,
        }
        let (list, companies) = self.list(request.list.as_ref(), request.symbols.as_ref()).await?;
        let trade_date = match request.trade_date {
            Some(date) => date,
            None => source.newest_session(breaker, at).await.map_err(Error::without_session)?.trade_date,
        };
        let symbols = request.symbols.as_ref().unwrap_or_else(|| companies.symbols());
        let run_id = request.run_id.map_or_else(|| invocation.request_id.parse(), Ok)?;
        let pending = symbols.iter().map(Pending::from).collect();
        let session_wait = self.session_wait(request.trade_date.is_none(), invocation);
        Ok(Job::first(source, (trade_date, interval, run_id), (list, companies), pending, session_wait, invocation))
    }

    /// The list of a run, none where the request names symbols; and that which has the names of its companies.
    async fn list(
        &self,
        list: Option<&ListName>,
        symbols: Option<&SymbolList>,
    ) -> Result<(Option<ListName>, Arc<Companies>), Error> {
        let list = match (list, symbols) {
            (Some(_), Some(_)) => return Err(Error::ListAndSymbols),
            (list, None) => Some(list.cloned().unwrap_or_default()),
            (None, Some(_)) => None,
        };
        let companies = match &list {
            Some(list) => self.lists.get(list).await?,
            None => self.lists.names(&ListName::default()).await?.0,
        };
        Ok((list, companies))
    }

    fn session_wait(&self, without_bars: bool, invocation: &Invocation) -> SessionWait {
        let latest_end = invocation.began_at.checked_add(self.session_wait).unwrap_or(Timestamp::MAX);
        SessionWait { latest_end, without_bars }
    }

    async fn run(&self, job: Job<'_>, invocation: &Invocation, breaker: &CircuitBreaker) -> Result<Collection, Error> {
        let span = tracing::info_span!("collect", run_id = &*job.run_id, trade_date = %job.trade_date, interval = %job.interval);
        Box::pin(self.collect(job, invocation, breaker)).instrument(span).await
    }

    /// Writes each symbol's bars to Firehose as they arrive, so that a batch and some symbols are all that is held in memory.
    async fn collect(
        &self,
        mut job: Job<'_>,
        invocation: &Invocation,
        breaker: &CircuitBreaker,
    ) -> Result<Collection, Error> {
        let mut writer = Writer::new(&self.delivery, &self.sending, invocation.writing_until());
        let requested = job.requested();
        let mut symbols = std::mem::take(&mut job.outcomes);
        let pending = std::mem::take(&mut job.pending);
        symbols.reserve(pending.len().saturating_sub(symbols.len()));
        let companies = job.companies.clone();
        let day = Day {
            trade_date: job.trade_date,
            interval: job.interval,
            scope: Scope::Whole { now: invocation.began_at },
        };
        let fetch = Fetch::new(job.source, &companies, breaker, day, job.earlier.is_some(), symbols.collected().next());
        let mut simulated = job.was_simulated();
        if job.was_stopped_by_market() {
            fetch.query_reference_first().await;
        }
        let each = async |fetched: FetchedSymbol| {
            simulated |= fetched.is_simulated();
            symbol_outcomes::record(&mut symbols, &fetched, job.interval, requested);
            if let Ok(day) = fetched.day {
                writer.write(job.bars((&fetched.pending.symbol, &fetched.queried_as), day)).await?;
            }
            Ok(())
        };
        fetch.for_each(pending, each).await?;
        let records = writer.finish().await?;
        if let Some(cause) = breaker.key_refusal() {
            return Err(Error::Unauthorized(cause.clone()));
        }
        let written = (job.written_at(records, invocation), simulated);
        let uri = self.outcomes.uri(job.trade_date, &job.run_id);
        self.outcomes.write(&uri, &symbols, written).await?;
        let summary = symbols.summary(uri);
        let ends_at = symbol_outcomes::sessions_end_by(&symbols, job.session_wait.latest_end);
        let outcome = outcome((&job, invocation.began_at), (&symbols, &summary), breaker, ends_at.is_some())?;
        let waits_until =
            ends_at.filter(|_| outcome == CollectOutcome::SessionOpen).map(|ends_at| job.source.ready_at(ends_at));
        let collection = job.collection((outcome, waits_until), summary, records, written);
        tracing::info!(
            outcome = ?collection.outcome,
            bars = collection.bars,
            records,
            collected = collection.symbols.collected,
            failed = collection.symbols.failed_count,
            "collected"
        );
        Ok(collection)
    }
}

/// Rejects a date of which the market cannot have bars yet, or no longer has any.
fn validate_date(source: &dyn Source, date: TradeDate, interval: Interval, now: Timestamp) -> Result<(), Error> {
    if date.is_future(now) {
        return Err(Error::Future(date));
    }
    match source.earliest(interval, now) {
        Some((earliest, kept_by)) if date < earliest => Err(Error::TooOld { kept_by, date, interval, earliest }),
        _ => Ok(()),
    }
}

/// Rejects a scheduled time whose sessions the market no longer has.
fn validate_scheduled_time(
    source: &dyn Source,
    at: Timestamp,
    interval: Interval,
    now: Timestamp,
) -> Result<(), Error> {
    let date = TradeDate::from(at.to_zoned(source.zone().clone()).date());
    match source.earliest(interval, now) {
        Some((earliest, kept_by)) if date < earliest => Err(Error::ScheduledTimeTooOld { kept_by, at, interval }),
        _ => Ok(()),
    }
}

/// How the collection ended, by which the state machine decides what to do next.
fn outcome(
    (job, now): (&Job<'_>, Timestamp),
    (symbols, summary): (&Outcomes, &SymbolSummary),
    breaker: &CircuitBreaker,
    has_open_sessions: bool,
) -> Result<CollectOutcome, Error> {
    let stopped = match breaker.cause().map(|cause| cause.reason) {
        None => CollectOutcome::Short,
        Some(Reason::Blocked) => CollectOutcome::Blocked,
        Some(Reason::NotAttempted) => CollectOutcome::OutOfTime,
        Some(_) => CollectOutcome::Unavailable,
    };
    if !symbol_outcomes::is_complete(symbols, job.source, now) {
        return Ok(stopped);
    }
    if symbol_outcomes::is_exchange_closed(symbols) {
        return Ok(CollectOutcome::NoSession);
    }
    if has_open_sessions && (job.session_wait.without_bars || summary.collected > 0) {
        return Ok(CollectOutcome::SessionOpen);
    }
    if summary.collected == 0 {
        return Err(Error::no_bars(job.trade_date, summary.clone()));
    }
    Ok(CollectOutcome::Collected)
}

#[cfg(test)]
mod tests {
    use lambda_runtime::{Context, Diagnostic};
    use serde_json::json;
    use shared::MarketSource;

    use super::*;

    /// A collector of Yahoo's own endpoint, for requests that are rejected before any is sent there.
    fn collector() -> Result<Collector, Box<dyn std::error::Error>> {
        let settings = MarketSettings {
            base: "https://query2.finance.yahoo.com".parse()?,
            concurrency: std::num::NonZeroUsize::MIN,
            burst: std::num::NonZeroU32::MIN,
            requests_per_second: 1.0,
            reference: "SPY".parse()?,
            zone: jiff::tz::TimeZone::get("America/New_York")?,
        };
        let aws = aws_config::SdkConfig::builder().behavior_version(aws_config::BehaviorVersion::latest()).build();
        let delivery = DeliveryStream { client: aws_sdk_firehose::Client::new(&aws), name: "bars".into() };
        let lists = Lists::new(aws_sdk_s3::Client::new(&aws), "lake".into());
        let outcomes = OutcomeStore::new(aws_sdk_s3::Client::new(&aws), "lake".into());
        let yahoo = Yahoo::new(settings, Box::new(Https::new("test", &RootCertificates::of_system()?)?))?;
        let sources = Sources::new(MarketSource::YAHOO, vec![Box::new(yahoo)]);
        let sending = Handle::current();
        Ok(Collector { lists, outcomes, sources, delivery, sending, live: None, session_wait: SignedDuration::ZERO })
    }

    #[tokio::test]
    async fn a_scheduled_time_that_is_too_old_for_yahoo_is_rejected() -> Result<(), Box<dyn std::error::Error>> {
        let event = LambdaEvent::new(json!({"scheduled_time": "2019-01-04T22:30:00Z"}), Context::default());
        let error: Diagnostic = collector()?.handle(event).await.err().ok_or("it was not rejected")?.into();
        assert_eq!(error.error_type, "InvalidInput");
        assert_eq!(
            error.error_message,
            "the scheduled_time 2019-01-04T22:30:00Z is too old: yahoo keeps 5m bars for 60 days; leave it out for the \
             newest session, or name a trade_date"
        );
        Ok(())
    }

    #[tokio::test]
    async fn a_source_without_settings_is_named() -> Result<(), Box<dyn std::error::Error>> {
        let event = LambdaEvent::new(json!({"source": "alpaca"}), Context::default());
        let error: Diagnostic = collector()?.handle(event).await.err().ok_or("it was not rejected")?.into();
        assert_eq!(error.error_type, "InvalidInput");
        assert_eq!(
            error.error_message,
            "the source alpaca is not set up: deploy the stack with its settings, or use another source"
        );
        Ok(())
    }

    #[tokio::test]
    async fn a_date_that_is_too_old_for_yahoo_is_rejected_with_the_earliest_that_works()
    -> Result<(), Box<dyn std::error::Error>> {
        let collector = collector()?;
        let now = Timestamp::now();
        for (interval, days, advice) in
            [("5m", "60", ", or the interval 1h"), ("1m", "30", ", or the interval 1h"), ("1h", "730", "")]
        {
            let event = LambdaEvent::new(json!({"trade_date": "2019-01-04", "interval": interval}), Context::default());
            let error: Diagnostic = collector.handle(event).await.err().ok_or("it was not rejected")?.into();
            let (earliest, _) = collector.sources.get(None)?.earliest(interval.parse()?, now).ok_or("no limit")?;
            assert_eq!(error.error_type, "InvalidInput");
            assert_eq!(
                error.error_message,
                format!(
                    "the trade date 2019-01-04 is too old: yahoo keeps {interval} bars for {days} days, so use {earliest} or later{advice}"
                )
            );
        }
        Ok(())
    }
}
