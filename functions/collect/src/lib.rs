//! Fetches one trading day of bars for a list of symbols and writes them to Firehose.
//!
//! One invocation is one asking of the market. It does not wait, neither for the delivery nor for a
//! market that refuses it: it answers what is missing, and `statemachine/pipeline.asl.json` comes back.

mod companies;
mod error;
mod firehose;
mod http;
mod outcomes;
mod round;
mod yahoo;

use std::{
    pin::pin,
    time::{Duration, SystemTime},
};

use futures::StreamExt;
use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use lambda_runtime::{LambdaEvent, tracing::Instrument};
use serde_json::Value;
use shared::{
    Bar, Interval, Symbol, TradeDate, market,
    payload::{CollectOutcome, Collection, ContinueRequest, FailedSymbol, Reason, RunId, RunRequest, SymbolOutcomes},
    read,
};
use tokio::time::Instant;

pub use companies::{Companies, InvalidCompanies};
pub use error::Error;
pub use yahoo::{MarketSettings, Yahoo};

use crate::{
    firehose::Writer,
    outcomes::Pending,
    round::{Answer, Round},
    yahoo::{Day, Failure, Gate},
};

/// What an invocation may take whose deadline has passed before it began: `cargo lambda watch` names one in 1970.
const UNTOLD: Duration = Duration::from_secs(60);

/// The most that is kept of an invocation's time, when the market is not asked any more, for writing the last records.
const RESERVE: Duration = Duration::from_secs(30);

/// What an HTTP request may take: API Gateway waits 30 seconds for an answer.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>
const HTTP_PATIENCE: Duration = Duration::from_secs(28);

/// What an invocation needs, set up once for the life of the process.
#[derive(Debug)]
pub struct Collector {
    /// The default symbols, and the names of companies.
    pub companies: Companies,
    /// The market.
    pub yahoo: Yahoo,
    /// The way to Firehose.
    pub firehose: aws_sdk_firehose::Client,
    /// The delivery stream (`DELIVERY_STREAM`).
    pub stream: String,
}

/// One invocation: its id, its way to the market, and how long it may write.
#[derive(Debug)]
struct Invocation<'a> {
    request_id: String,
    gate: Gate<'a>,
    writing_until: Instant,
}

/// What one invocation is about, with every default filled in.
#[derive(Debug)]
struct Job {
    trade_date: TradeDate,
    interval: Interval,
    run_id: RunId,
    collected_at: Timestamp,
    pending: Vec<Pending>,
    /// What earlier invocations of the run came to.
    earlier: Option<Collection>,
}

impl Collector {
    /// Answers a state of the pipeline, a schedule, a hand-made invocation or an HTTP request.
    ///
    /// # Errors
    /// Why nothing was collected; an HTTP request is answered with a status and a body instead.
    pub async fn handle(&self, event: LambdaEvent<Value>) -> Result<Value, Error> {
        let left = event.context.deadline().duration_since(SystemTime::now()).unwrap_or(UNTOLD);
        let request_id = event.context.request_id;
        if http::is_request(&event.payload) {
            let invocation = self.invocation(request_id, left.min(HTTP_PATIENCE));
            let answer = match http::request(event.payload) {
                Ok(request) => self.begin(request, &invocation).await,
                Err(error) => Err(error),
            };
            return Ok(serde_json::to_value(http::response(answer.and_then(not_empty)))?);
        }
        let invocation = self.invocation(request_id, left);
        // The state machine gives every first request a run_id, and a later one nothing but the collection.
        let goes_on = event.payload.get("collection").is_some() && event.payload.get("run_id").is_none();
        let collection = if goes_on {
            self.run(Job::going_on(read::value(event.payload)?), &invocation).await?
        } else {
            self.begin(read::value(event.payload)?, &invocation).await?
        };
        Ok(serde_json::to_value(collection)?)
    }

    /// Divides the time that is left: most of it for asking, the rest for writing, a little for the answer.
    fn invocation(&self, request_id: String, left: Duration) -> Invocation<'_> {
        let (now, reserve) = (Instant::now(), RESERVE.min(left / 5));
        let writing_until = now + (left - reserve / 6);
        Invocation { request_id, gate: self.yahoo.gate(now + (left - reserve)), writing_until }
    }

    async fn begin(&self, request: RunRequest, invocation: &Invocation<'_>) -> Result<Collection, Error> {
        self.run(self.job(request, invocation).await?, invocation).await
    }

    async fn job(&self, request: RunRequest, invocation: &Invocation<'_>) -> Result<Job, Error> {
        let now = Timestamp::now();
        let interval = request.interval.unwrap_or_default();
        let trade_date = match request.trade_date {
            Some(date) => self.possible(date, interval, now)?,
            None => {
                let at = request.scheduled_time.unwrap_or(now);
                self.yahoo.newest_session(&invocation.gate, at).await.map_err(Error::NewestSession)?
            }
        };
        let symbols = request.symbols.as_ref().unwrap_or_else(|| self.companies.symbols());
        Ok(Job {
            trade_date,
            interval,
            run_id: request.run_id.map_or_else(|| invocation.request_id.clone().try_into(), Ok)?,
            collected_at: truncated(now, Unit::Millisecond),
            pending: symbols.iter().map(Pending::from).collect(),
            earlier: None,
        })
    }

    /// Refuses a date of which the market cannot have bars, or has none any more.
    fn possible(&self, date: TradeDate, interval: Interval, now: Timestamp) -> Result<TradeDate, Error> {
        if date.is_future(now) {
            return Err(Error::Future(date));
        }
        let earliest = market::earliest(interval, now, &self.yahoo.settings().zone);
        if self.yahoo.is_yahoos_own() && date < earliest {
            return Err(Error::TooOld { date, interval, earliest });
        }
        Ok(date)
    }

    async fn run(&self, job: Job, invocation: &Invocation<'_>) -> Result<Collection, Error> {
        let span = tracing::info_span!("collect", run_id = &*job.run_id, trade_date = %job.trade_date, interval = %job.interval);
        Box::pin(self.collect(job, invocation)).instrument(span).await
    }

    /// Each symbol's bars go to Firehose as they come, so no more than a batch is held.
    async fn collect(&self, mut job: Job, invocation: &Invocation<'_>) -> Result<Collection, Error> {
        let Invocation { gate, writing_until, .. } = invocation;
        let mut writer = Writer::new(&self.firehose, &self.stream, *writing_until);
        let mut symbols = job.earlier.as_mut().map(|earlier| std::mem::take(&mut earlier.symbols)).unwrap_or_default();
        let pending = std::mem::take(&mut job.pending);
        let wanted = pending.len() + symbols.collected.len() + symbols.failed.len();
        let round = Round::new(&self.yahoo, &self.companies, gate, job.trade_date, job.interval);
        {
            let mut answers = pin!(round.answers(pending));
            while let Some(answer) = answers.next().await {
                log(&answer);
                outcomes::record(&mut symbols, &answer, job.interval, wanted);
                if let Ok(day) = answer.day {
                    writer.write(self.bars(&job, &answer.pending.symbol, day)).await.map_err(Error::Write)?;
                }
            }
        }
        let records = writer.finish().await?;
        let outcome = self.outcome(&job, &symbols, &round, gate).await?;
        let collection = job.collection(outcome, symbols, records, self.yahoo.is_simulated());
        tracing::info!(
            outcome = ?collection.outcome,
            bars = collection.bars,
            records,
            collected = collection.symbols.collected.len(),
            failed = collection.symbols.failed.len(),
            "collected"
        );
        Ok(collection)
    }

    fn bars(&self, job: &Job, symbol: &Symbol, day: Day) -> impl Iterator<Item = Bar> {
        let known = self.companies.name(symbol).map(str::to_owned);
        let company_name = known.or(day.name).unwrap_or_else(|| symbol.to_string());
        day.bars.into_iter().map(move |bar| Bar {
            symbol: symbol.clone(),
            company_name: company_name.clone(),
            trade_date: job.trade_date,
            ts: bar.start.to_zoned(day.session.zone.clone()),
            open: bar.open,
            high: bar.high,
            low: bar.low,
            close: bar.close,
            volume: bar.volume,
            currency: day.currency.clone(),
            interval: job.interval,
            collected_at: job.collected_at,
            run_id: job.run_id.to_string(),
        })
    }

    /// What the collection has come to, and so what is to follow.
    async fn outcome(
        &self,
        job: &Job,
        symbols: &SymbolOutcomes,
        round: &Round<'_>,
        gate: &Gate<'_>,
    ) -> Result<CollectOutcome, Error> {
        match gate.cause().map(|cause| cause.reason) {
            Some(Reason::Blocked) => return Ok(CollectOutcome::Blocked),
            Some(Reason::NotAsked) => return Ok(CollectOutcome::OutOfTime),
            _ => {}
        }
        if symbols.collected.is_empty() && is_quiet(&symbols.failed) {
            // An outage, too, looks like a day without data, so one symbol that always trades is asked.
            match round.reference().await {
                Err(Failure { reason: Reason::NoSession, .. }) if is_closed(&symbols.failed) => {
                    return Ok(CollectOutcome::NoSession);
                }
                Ok(()) | Err(Failure { reason: Reason::NoSession | Reason::SessionNotOver, .. }) => {}
                Err(cause) => return Err(Error::Reference { trade_date: job.trade_date, cause }),
            }
        }
        if !outcomes::pending(symbols, CollectOutcome::Short).is_empty() {
            return Ok(CollectOutcome::Short);
        }
        if symbols.collected.is_empty() {
            return Err(Error::NoBars { trade_date: job.trade_date, failed: symbols.failed.clone() });
        }
        Ok(CollectOutcome::Collected)
    }
}

impl Job {
    /// Takes up a collection where it stopped.
    fn going_on(request: ContinueRequest) -> Self {
        let earlier = request.collection;
        Self {
            trade_date: earlier.trade_date,
            interval: earlier.interval,
            run_id: earlier.run_id.clone(),
            collected_at: truncated(Timestamp::now(), Unit::Millisecond),
            pending: outcomes::pending(&earlier.symbols, earlier.outcome),
            earlier: Some(earlier),
        }
    }

    /// The answer of the invocation, with what the earlier ones wrote.
    fn collection(
        self,
        outcome: CollectOutcome,
        symbols: SymbolOutcomes,
        records: usize,
        simulated: bool,
    ) -> Collection {
        let now = truncated(Timestamp::now(), Unit::Second);
        let (earlier_records, written_at, was_simulated) =
            self.earlier.map_or((0, now, false), |earlier| (earlier.records, earlier.written_at, earlier.simulated));
        Collection {
            outcome,
            trade_date: self.trade_date,
            interval: self.interval,
            run_id: self.run_id,
            collected_at: self.collected_at,
            written_at: if records > 0 { now } else { written_at },
            bars: symbols.collected.iter().map(|symbol| symbol.bars).sum(),
            records: earlier_records + records,
            symbols,
            simulated: simulated || was_simulated,
        }
    }
}

/// Over HTTP nobody comes back by himself for a collection that is still empty.
fn not_empty(collection: Collection) -> Result<Collection, Error> {
    if collection.bars > 0 || collection.outcome == CollectOutcome::NoSession {
        return Ok(collection);
    }
    Err(Error::NoBars { trade_date: collection.trade_date, failed: collection.symbols.failed })
}

fn log(answer: &Answer) {
    let Answer { pending, asked_as, day } = answer;
    match day {
        Ok(day) => tracing::info!(symbol = %pending.symbol, %asked_as, bars = day.bars.len(), "answered"),
        Err(failure) => {
            tracing::warn!(symbol = %pending.symbol, %asked_as, reason = ?failure.reason, detail = failure.detail, "no bars");
        }
    }
}

/// Whether nothing went wrong with any symbol and yet there is nothing.
fn is_quiet(failed: &[FailedSymbol]) -> bool {
    let quiet = |reason| matches!(reason, Reason::NoSession | Reason::UnknownSymbol | Reason::NoTrades);
    failed.iter().all(|symbol| quiet(symbol.reason))
}

/// Whether the symbols that exist belong to exchanges that were closed.
fn is_closed(failed: &[FailedSymbol]) -> bool {
    let has = |reason| failed.iter().any(|symbol| symbol.reason == reason);
    has(Reason::NoSession) && !has(Reason::NoTrades)
}

fn truncated(at: Timestamp, unit: Unit) -> Timestamp {
    at.round(TimestampRound::new().smallest(unit).mode(RoundMode::Trunc)).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use lambda_runtime::Context;
    use serde_json::json;
    use shared::NamedError;

    use super::*;

    /// A collector of Yahoo's own endpoint, for questions that are refused before it is asked.
    fn collector() -> Result<Collector, Box<dyn std::error::Error>> {
        let settings = MarketSettings {
            base: "https://query2.finance.yahoo.com".parse()?,
            user_agent: "test".into(),
            concurrency: std::num::NonZeroUsize::MIN,
            burst: std::num::NonZeroU32::MIN,
            requests_per_second: 1.0,
            reference: "SPY".parse()?,
            zone: jiff::tz::TimeZone::get("America/New_York")?,
        };
        let aws = aws_config::SdkConfig::builder().behavior_version(aws_config::BehaviorVersion::latest()).build();
        let firehose = aws_sdk_firehose::Client::new(&aws);
        let (companies, yahoo) = (Companies::built_in()?, Yahoo::new(settings)?);
        Ok(Collector { companies, yahoo, firehose, stream: "bars".into() })
    }

    #[tokio::test]
    async fn a_date_of_which_yahoo_has_no_bars_any_more_is_refused_with_the_earliest_that_works()
    -> Result<(), Box<dyn std::error::Error>> {
        let collector = collector()?;
        let now = Timestamp::now();
        for (interval, days, advice) in
            [("5m", "60", ", or the interval 1h"), ("1m", "30", ", or the interval 1h"), ("1h", "730", "")]
        {
            let event = LambdaEvent::new(json!({"trade_date": "2019-01-04", "interval": interval}), Context::default());
            let error = collector.handle(event).await.err().ok_or("it was not refused")?;
            let earliest = market::earliest(interval.parse()?, now, &collector.yahoo.settings().zone);
            assert_eq!(error.name(), shared::ErrorName::InvalidInput);
            assert_eq!(
                error.to_string(),
                format!(
                    "the trade date 2019-01-04 is too old: yahoo keeps {interval} bars for {days} days, so use {earliest} or later{advice}"
                )
            );
        }
        Ok(())
    }
}
