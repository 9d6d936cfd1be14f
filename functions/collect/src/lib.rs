//! Fetches one trading day of bars for a list of symbols and writes them to Firehose.
//!
//! One invocation is one collection. It does not wait for the delivery, start the crawler or ask
//! the lake: those are states of `statemachine/pipeline.asl.json`.

mod companies;
mod error;
mod firehose;
mod http;
mod yahoo;

use futures::{StreamExt, stream};
use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use lambda_runtime::{LambdaEvent, tracing::Instrument};
use serde_json::Value;
use shared::{
    Bar, Interval, Symbol, TradeDate,
    payload::{
        CollectOutcome, CollectedSymbol, Collection, FailedSymbol, Reason, RunId, RunRequest, SymbolList,
        SymbolOutcomes,
    },
};

pub use companies::{Companies, InvalidCompanies};
pub use error::Error;
pub use yahoo::{MarketSettings, Yahoo};

use crate::{
    firehose::Writer,
    yahoo::{Day, Failure},
};

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

/// What one collection is about, with every default filled in.
#[derive(Debug)]
struct Job {
    trade_date: TradeDate,
    interval: Interval,
    symbols: SymbolList,
    run_id: RunId,
    collected_at: Timestamp,
}

impl Collector {
    /// Answers a state of the pipeline, a schedule, a hand-made invocation or an HTTP request.
    ///
    /// # Errors
    /// Why nothing was collected; an HTTP request is answered with a status and a body instead.
    pub async fn handle(&self, event: LambdaEvent<Value>) -> Result<Value, Error> {
        let request_id = event.context.request_id;
        if http::is_request(&event.payload) {
            let answer = match http::request(event.payload) {
                Ok(request) => self.collect(request, &request_id).await,
                Err(error) => Err(error),
            };
            return Ok(serde_json::to_value(http::response(answer))?);
        }
        let collection = self.collect(serde_json::from_value(event.payload)?, &request_id).await?;
        Ok(serde_json::to_value(collection)?)
    }

    async fn collect(&self, request: RunRequest, request_id: &str) -> Result<Collection, Error> {
        let job = self.job(request, request_id).await?;
        let span = tracing::info_span!("collect", run_id = &*job.run_id, trade_date = %job.trade_date, interval = %job.interval);
        self.run(job).instrument(span).await
    }

    async fn job(&self, request: RunRequest, request_id: &str) -> Result<Job, Error> {
        let now = Timestamp::now();
        let trade_date = match request.trade_date {
            Some(date) if date.is_future(now) => return Err(Error::Future(date)),
            Some(date) => date,
            None => {
                let at = request.scheduled_time.unwrap_or(now);
                self.yahoo.newest_session(at).await.map_err(Error::NewestSession)?
            }
        };
        Ok(Job {
            trade_date,
            interval: request.interval.unwrap_or_default(),
            symbols: request.symbols.unwrap_or_else(|| self.companies.symbols().clone()),
            run_id: request.run_id.map_or_else(|| request_id.to_owned().try_into(), Ok)?,
            collected_at: truncated(now, Unit::Millisecond),
        })
    }

    /// Each symbol's bars go to Firehose as they come, so no more than a batch is held.
    async fn run(&self, job: Job) -> Result<Collection, Error> {
        let mut writer = Writer::new(&self.firehose, &self.stream);
        let mut symbols = SymbolOutcomes::default();
        let mut days = stream::iter(job.symbols.iter())
            .map(|symbol| async { (symbol.clone(), self.yahoo.day(symbol, job.trade_date, job.interval).await) })
            .buffered(self.yahoo.settings().concurrency.get());
        while let Some((symbol, day)) = days.next().await {
            match day {
                Ok(day) => {
                    symbols.collected.push(collected(&symbol, &day, job.interval));
                    writer.write(self.bars(&job, &symbol, day)).await.map_err(Error::Write)?;
                }
                Err(Failure { reason, detail }) => {
                    tracing::warn!(%symbol, ?reason, detail, "no bars");
                    symbols.failed.push(FailedSymbol { symbol, reason, detail, asked: 1 });
                }
            }
        }
        drop(days);
        let records = writer.finish().await?;
        let outcome = self.outcome(&job, &symbols).await?;
        let bars = symbols.collected.iter().map(|symbol| symbol.bars).sum();
        tracing::info!(bars, records, collected = symbols.collected.len(), failed = symbols.failed.len(), "collected");
        Ok(Collection {
            outcome,
            trade_date: job.trade_date,
            interval: job.interval,
            run_id: job.run_id,
            collected_at: job.collected_at,
            written_at: truncated(Timestamp::now(), Unit::Second),
            bars,
            records,
            symbols,
            simulated: self.yahoo.is_simulated(),
        })
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

    /// Tells a day without trading from a day on which something went wrong.
    async fn outcome(&self, job: &Job, symbols: &SymbolOutcomes) -> Result<CollectOutcome, Error> {
        if !symbols.collected.is_empty() {
            return Ok(CollectOutcome::Collected);
        }
        let trade_date = job.trade_date;
        let no_bars = || Error::NoBars { trade_date, failed: symbols.failed.clone() };
        let idle = |symbol: &FailedSymbol| matches!(symbol.reason, Reason::NoSession | Reason::UnknownSymbol);
        let closed = symbols.failed.iter().any(|symbol| symbol.reason == Reason::NoSession);
        if !(closed && symbols.failed.iter().all(idle)) {
            return Err(no_bars());
        }
        // An outage, too, looks like a day without data, so one symbol that always trades is asked.
        let reference = &self.yahoo.settings().reference;
        match self.yahoo.day(reference, trade_date, job.interval).await {
            Err(Failure { reason: Reason::NoSession | Reason::UnknownSymbol, .. }) => Ok(CollectOutcome::NoSession),
            Err(cause) if matches!(cause.reason, Reason::Blocked | Reason::Unavailable) => {
                Err(Error::Reference { trade_date, cause })
            }
            _ => Err(no_bars()),
        }
    }
}

fn collected(symbol: &Symbol, day: &Day, interval: Interval) -> CollectedSymbol {
    let present = day.bars.iter().map(|bar| bar.start).collect();
    CollectedSymbol {
        symbol: symbol.clone(),
        asked_as: None,
        bars: day.bars.len(),
        expected: day.session.expected_bars(interval),
        gaps: Some(day.session.gaps(interval, &present)),
        asked: 1,
    }
}

fn truncated(at: Timestamp, unit: Unit) -> Timestamp {
    at.round(TimestampRound::new().smallest(unit).mode(RoundMode::Trunc)).unwrap_or(at)
}
