//! The JSON that passes between the states of the pipeline, and in and out of it.
//!
//! `statemachine/pipeline.asl.json` moves these objects; the functions, the command and the tests
//! read and write them through the types below, so a field cannot be renamed in one place only.

mod live;
mod symbol_outcome;

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, de::Error};

pub use live::{LiveOutcome, LiveRequest, LiveTick, LiveWindow};
pub use symbol_outcome::{
    BarCounts, CollectedSymbol, FailedSymbol, FirstAttempt, InvalidOutcome, Reason, Remark, RemarkKind, RunSymbols,
    SymbolOutcome, SymbolOutcomes, SymbolSummary,
};

use crate::{Interval, ListName, MarketSource, RunId, S3Uri, Source, Symbol, SymbolList, TradeDate};

/// The request of a run: the execution's input, the body of `POST /collect`, and (with a
/// `run_id`) what the state machine passes to `collect`. Every field may be left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunRequest {
    /// The session to collect; without it the newest one that had ended by `scheduled_time`, or by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trade_date: Option<TradeDate>,
    /// The list of companies to collect; without it, and without symbols, the one of the name `companies`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<ListName>,
    /// The symbols to collect, in place of a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbols: Option<SymbolList>,
    /// The length of a bar; five minutes without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
    /// The source of the bars; without it the function's own (`SOURCE`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<MarketSource>,
    /// The instant for which the schedule planned the run, so that a late retry still collects the same day.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "scheduled_time")]
    pub scheduled_time: Option<Timestamp>,
    /// The run that the bars belong to: of an execution its name and its start, otherwise the request's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
}

/// A request that names too many symbols.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the request has {bytes} bytes, and may have {max}, since Step Functions passes 256 KiB between states: name fewer symbols, \
     or make a list of them with cargo finstream lists push, which may have any number",
    max = RunRequest::MAX_BYTES
)]
pub struct RequestTooLarge {
    /// The length of the request as JSON, in bytes.
    pub bytes: usize,
}

impl RunRequest {
    /// The most bytes of a request as JSON: Step Functions takes an input of 256 KiB, to which the run's id is added, and which the
    /// message about a failure repeats as text in JSON, with a backslash before each quote. <https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html>
    pub const MAX_BYTES: usize = 160 * 1024;

    /// Rejects a request whose symbols are too many to pass between states.
    ///
    /// # Errors
    /// [`RequestTooLarge`].
    pub fn check_size(&self) -> Result<(), RequestTooLarge> {
        // A symbol takes three bytes more as JSON: two quotes and a comma.
        let symbols = self.symbols.iter().flat_map(|symbols| symbols.iter());
        let bytes = symbols.map(|symbol| symbol.as_str().len() + 3).sum();
        if bytes > Self::MAX_BYTES { Err(RequestTooLarge { bytes }) } else { Ok(()) }
    }
}

/// The placeholder that EventBridge Scheduler replaces with a time; it arrives unchanged where
/// nothing replaces it (an input pasted into the console, a local cloud).
/// <https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html>
const SCHEDULED_TIME_PLACEHOLDER: &str = "<aws.scheduler.scheduled-time>";

fn scheduled_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    match Option::<String>::deserialize(deserializer)? {
        None => Ok(None),
        Some(text) if text == SCHEDULED_TIME_PLACEHOLDER => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| {
            D::Error::custom(format!("{text:?} is not a scheduled_time: use an instant such as 2026-11-20T22:30:00Z"))
        }),
    }
}

/// How a collection ended, unless it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CollectOutcome {
    /// Every symbol has its bars, or a permanent reason why it has none.
    Collected,
    /// Some symbols lack bars after one attempt: a later one may find the rest.
    Short,
    /// The market blocks this client, and some symbols are still to be requested.
    Blocked,
    /// The market is down, and some symbols are still to be requested.
    Unavailable,
    /// The time of the invocation ran out before every symbol was requested.
    OutOfTime,
    /// Nothing more is to be requested until sessions end that are still going on, at `waits_until`.
    SessionOpen,
    /// Nothing traded on that date: a weekend or a holiday.
    NoSession,
}

/// What the state machine passes to `collect` to resume a collection that is [`CollectOutcome::Short`],
/// [`CollectOutcome::Blocked`], [`CollectOutcome::Unavailable`], [`CollectOutcome::OutOfTime`] or
/// [`CollectOutcome::SessionOpen`]: only what is missing is requested.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResumeRequest {
    /// The answer of the previous invocation.
    pub collection: Collection,
}

/// What `collect` answers: the number of bars it wrote, and what became of the symbols, over all invocations of the run.
///
/// States carry the summary of the symbols; whoever has read the object that it names holds their outcomes in its place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Collection<S = SymbolSummary> {
    /// Whether more is to be collected, and when.
    pub outcome: CollectOutcome,
    /// The session that was collected, resolved where the request named none.
    pub trade_date: TradeDate,
    /// The length of the bars, resolved where the request named none.
    pub interval: Interval,
    /// The run id that the bars carry.
    pub run_id: RunId,
    /// The list that the run is over; none where its symbols were given by hand.
    #[serde(default)]
    pub list: Option<ListName>,
    /// The source of the bars, resolved where the request named none.
    #[serde(default = "yahoo")]
    pub source: MarketSource,
    /// When the invocation began, in UTC, to the millisecond, which is what the query compares.
    pub collected_at: Timestamp,
    /// When Firehose had accepted the last record, in UTC, to the second, which is the precision in which Glue
    /// gives a crawl's start; a crawl that began earlier may have missed some.
    pub written_at: Timestamp,
    /// The number of bars that Firehose accepted, counting a bar of two attempts once.
    pub bars: usize,
    /// The number of Firehose records they were packed into.
    pub records: usize,
    /// What became of the symbols.
    pub symbols: S,
    /// Whether a reply said that its prices are simulated.
    pub simulated: bool,
    /// When the sessions have ended, with all their bars, for which a collection that is [`CollectOutcome::SessionOpen`]
    /// waits, in UTC, to the second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_until: Option<Timestamp>,
    /// For which sessions the run waits, as its first invocation decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_wait: Option<SessionWait>,
}

/// For which sessions a run waits that are still going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionWait {
    /// Not for those that end later than this, in UTC: `SESSION_WAIT_HOURS` after the run's first invocation began.
    pub latest_end: Timestamp,
    /// Whether it waits while no symbol has bars, too: not where a date was named that is not over yet.
    pub without_bars: bool,
}

/// The source of collections from before there was another one.
fn yahoo() -> MarketSource {
    MarketSource::YAHOO
}

impl<S> Collection<S> {
    /// Where its prices are from.
    pub fn prices(&self) -> Source {
        if self.simulated { Source::Simulated } else { Source::Market(self.source) }
    }

    /// The same with another form of its symbols.
    pub fn with_symbols<T>(self, symbols: T) -> Collection<T> {
        Collection {
            symbols,
            outcome: self.outcome,
            trade_date: self.trade_date,
            interval: self.interval,
            run_id: self.run_id,
            list: self.list,
            source: self.source,
            collected_at: self.collected_at,
            written_at: self.written_at,
            bars: self.bars,
            records: self.records,
            simulated: self.simulated,
            waits_until: self.waits_until,
            session_wait: self.session_wait,
        }
    }
}

/// The request to find out whether the market answers: `collect` queries it once and writes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeRequest {
    /// Always `true`; it distinguishes this request from the others.
    pub probe: bool,
    /// The source that is queried; without it the function's own (`SOURCE`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<MarketSource>,
}

/// What `collect` answers to a [`ProbeRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// Whether the market answered.
    pub market: MarketState,
    /// What the market was queried for and, where it did not answer, what happened.
    pub detail: String,
    /// The date of the reference symbol's newest session that has ended; `None` unless the market answered.
    pub newest_session: Option<TradeDate>,
    /// Whether the reply said that its prices are simulated.
    pub simulated: bool,
}

/// Whether the market answers the function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarketState {
    /// It answered with a chart of the reference symbol.
    Reachable,
    /// It blocks the function's address or its User-Agent.
    Blocked,
    /// It does not accept the key, or there is none.
    Unauthorized,
    /// It could not be reached, failed, or answered with something else.
    Unavailable,
}

/// Whether `start-crawler` started a crawl.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CrawlStart {
    /// A crawl has begun.
    Started,
    /// The crawler was already running, for another run, so nothing was started.
    AlreadyRunning,
}

/// What `start-crawler` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartedCrawl {
    /// The crawler's name.
    pub crawler: String,
    /// Whether a crawl was started.
    pub start: CrawlStart,
}

/// The request that the state machine makes of `run-query`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunQueryRequest {
    /// The session to query.
    pub trade_date: TradeDate,
    /// The length of the bars to query.
    pub interval: Interval,
    /// The run whose bars are counted.
    pub run_id: RunId,
    /// 32 to 128 characters; a repeated call with the same token starts no second query.
    pub client_request_token: String,
}

/// What `run-query` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartedQuery {
    /// Athena's id of the query.
    pub query_execution_id: String,
}

/// The request that the state machine makes of `export-csv`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportRequest {
    /// The last answer of `collect`.
    pub collection: Collection,
    /// The object that holds the query's result.
    pub query_result: S3Uri,
}

/// What `export-csv` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Export {
    /// The query saw every bar of the run, and its files are complete.
    Exported {
        /// The number of the run's bars that the query saw: all that were collected.
        bars_seen: usize,
        /// The number of rows of the CSV, one for each company and hour.
        rows: usize,
        /// The run's own `hourly_extremes.csv`.
        csv: S3Uri,
        /// The run's own `report.html`.
        report: S3Uri,
        /// The run whose export is the day's when this one has ended, where that is another: it collected later.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        superseded_by: Option<RunId>,
        /// The first [`SymbolSummary::MAX_LISTED`] symbols of which the lake holds more bars of the day, at another scale or in
        /// another currency, which were left out.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        restated: Vec<Symbol>,
        /// The number of all of them.
        #[serde(default)]
        restated_count: usize,
        /// The first [`SymbolSummary::MAX_LISTED`] symbols of which this run has no bars, and whose rows are those of an
        /// earlier one.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        carried_over: Vec<CarriedOver>,
        /// The number of all of them.
        #[serde(default)]
        carried_over_count: usize,
    },
    /// Firehose has not delivered every bar yet; nothing is published.
    Incomplete {
        /// The number of bars that were collected, less one for each that was written and not seen: a bar that two attempts
        /// wrote must be seen twice.
        bars_seen: usize,
    },
}

/// A symbol whose rows in an export are of bars that an earlier run collected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarriedOver {
    /// The symbol.
    pub symbol: Symbol,
    /// When the newest collection of its bars began, in UTC.
    pub collected_at: Timestamp,
}

impl fmt::Display for CarriedOver {
    /// `OKTA of 2026-11-20 22:30 UTC`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.symbol, self.collected_at.strftime("%Y-%m-%d %H:%M UTC"))
    }
}

/// The user-defined metadata (`x-amz-meta-simulated`) that says of a published object whether its prices are
/// simulated: `true` or `false`.
pub const SIMULATED_METADATA: &str = "simulated";

/// The output of a succeeded execution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum RunOutcome<S = RunSymbols> {
    /// The CSV and the report are complete.
    Exported {
        /// The list that the run was over; none where its symbols were given by hand.
        #[serde(default)]
        list: Option<ListName>,
        /// The session that was collected.
        trade_date: TradeDate,
        /// The number of bars collected, all of them seen by the query.
        bars: usize,
        /// What became of the symbols.
        symbols: S,
        /// The run's own `hourly_extremes.csv`. Executions before there were such files give the day's, which other runs
        /// replace.
        csv: S3Uri,
        /// The run's own `report.html`; see `csv`.
        report: S3Uri,
        /// Whether the prices are simulated.
        simulated: bool,
        /// The first [`SymbolSummary::MAX_LISTED`] symbols of which the lake holds more bars of the day, at another scale or in
        /// another currency, which were left out.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        restated: Vec<Symbol>,
        /// The number of all of them.
        #[serde(default)]
        restated_count: usize,
        /// The first [`SymbolSummary::MAX_LISTED`] symbols of which this run has no bars, and whose rows are those of an
        /// earlier one.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        carried_over: Vec<CarriedOver>,
        /// The number of all of them.
        #[serde(default)]
        carried_over_count: usize,
    },
    /// Nothing traded on that date.
    NoSession {
        /// The date on which nothing traded.
        trade_date: TradeDate,
        /// What became of the symbols.
        symbols: S,
        /// Whether a reply said that it came from a simulated market.
        simulated: bool,
    },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Of so many symbols with the longest names, every third collected and the others without bars, each for `detail`.
    fn summary_of(symbols: usize, detail: &str) -> Result<SymbolSummary, Box<dyn std::error::Error>> {
        let outcome = |n: usize| {
            let symbol: Symbol = format!("S{n:019}").parse()?;
            Ok::<_, crate::symbol::InvalidSymbol>(match n % 3 {
                0 => SymbolOutcome::Collected(CollectedSymbol::new(symbol, 77, Some(78))),
                _ => SymbolOutcome::Failed(FailedSymbol {
                    session_ends_at: Some(Timestamp::MAX),
                    carried_over: Some(Timestamp::MAX),
                    ..FailedSymbol::new(symbol, Reason::SessionNotOver, detail)
                }),
            })
        };
        let outcomes = (0..symbols).map(outcome).collect::<Result<Vec<_>, _>>()?;
        let folder = format!("runs/trade_date=2026-11-20/{}", "r".repeat(128));
        Ok(SymbolSummary::of(S3Uri::new("b".repeat(63), format!("{folder}/symbols.jsonl")), &outcomes))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// A detail is cut at 200 bytes of JSON by `collect`, which adds a sentence of its own.
        #[test]
        fn no_payload_comes_near_the_limit_of_step_functions(symbols in 0..=20_000_usize, detail in "(\\PC{1,3}|[\"\u{7}\u{1f600}]){0,100}") {
            let symbols = summary_of(symbols, &detail).map_err(|error| TestCaseError::fail(error.to_string()))?;
            let collection = format!(
                r#"{{"outcome":"session_open","trade_date":"2026-11-20","interval":"5m","run_id":"{}","list":"{}","records":9999999,
                    "collected_at":"2026-11-20T22:30:00.123Z","written_at":"2026-11-20T22:30:00Z","bars":99999999,"simulated":false,
                    "symbols":{},"waits_until":"2026-11-21T22:30:00Z"}}"#,
                "r".repeat(128),
                "l".repeat(64),
                serde_json::to_string(&symbols)?
            );
            let collection: Collection = serde_json::from_str(&collection)?;
            let request = ExportRequest { collection: collection.clone(), query_result: symbols.uri.clone() };
            let output = RunOutcome::<SymbolSummary>::NoSession { trade_date: collection.trade_date, symbols, simulated: false };
            for json in [serde_json::to_string(&request)?, serde_json::to_string(&output)?] {
                prop_assert!(json.len() < 64 * 1024, "{} bytes", json.len());
            }
        }
    }

    #[test]
    fn the_output_of_an_execution_that_listed_its_symbols_is_still_read() -> serde_json::Result<()> {
        let json = r#"{"outcome":"no_session","trade_date":"2026-11-21","simulated":false,"symbols":{"collected":[],"failed":[
            {"symbol":"META","reason":"no_session","detail":"a weekend"}]}}"#;
        let read: RunOutcome = serde_json::from_str(json)?;
        let symbols = if let RunOutcome::NoSession { symbols, .. } = read { Some(symbols) } else { None };
        let counts = symbols.map(|symbols| (symbols.failed().1, symbols.collected(), symbols.is_complete()));
        assert_eq!(counts, Some((1, 0, true)));
        Ok(())
    }

    #[test]
    fn the_output_of_an_execution_that_named_versions_is_still_read() {
        let json = r#"{"outcome":"exported","trade_date":"2026-11-20","bars":77,"symbols":{"collected":[],"failed":[]},
            "csv":"s3://b/exports/trade_date=2026-11-20/hourly_extremes.csv",
            "report":"s3://b/exports/trade_date=2026-11-20/report.html",
            "versions":{"csv":"3sL4kqtJ","report":null},"simulated":false}"#;
        let read: Option<RunOutcome> = serde_json::from_str(json).ok();
        assert!(matches!(read, Some(RunOutcome::Exported { bars: 77, .. })), "{read:?}");
    }

    fn error(json: &str) -> Option<String> {
        serde_json::from_str::<RunRequest>(json).err().map(|error| error.to_string())
    }

    #[test]
    fn a_request_may_be_empty() {
        assert_eq!(serde_json::from_str("{}").ok(), Some(RunRequest::default()));
    }

    #[test]
    fn the_schedules_placeholder_means_now() {
        let json = r#"{"scheduled_time":"<aws.scheduler.scheduled-time>"}"#;
        assert_eq!(serde_json::from_str(json).ok(), Some(RunRequest::default()));
    }

    #[test]
    fn a_symbol_given_twice_counts_once() {
        let request: Option<RunRequest> = serde_json::from_str(r#"{"symbols":["snap","META","SNAP"]}"#).ok();
        let symbols =
            request.and_then(|r| r.symbols).map(|list| list.iter().map(Symbol::to_string).collect::<Vec<_>>());
        assert_eq!(symbols, Some(vec!["SNAP".to_owned(), "META".to_owned()]));
    }

    #[test]
    fn symbols_given_by_hand_are_limited_by_what_step_functions_passes() -> Result<(), Box<dyn std::error::Error>> {
        for (symbols, error) in
            [(1, None), (7_123, None), (7_124, Some("the request has 163852 bytes, and may have 163840"))]
        {
            let symbols = (0..symbols).map(|n| format!("S{n:019}").parse()).collect::<Result<Vec<_>, _>>()?;
            let request = RunRequest { symbols: Some(symbols.try_into()?), ..RunRequest::default() };
            let found = request.check_size().err().map(|error| error.to_string());
            assert_eq!(found.as_ref().and_then(|found| found.split(", since").next()), error);
            let json = serde_json::to_vec(&request)?.len();
            assert_eq!(json <= RunRequest::MAX_BYTES + 20, error.is_none(), "{json} bytes");
        }
        Ok(())
    }

    #[test]
    fn a_bad_request_is_rejected_and_the_problem_named() {
        for (json, says) in [
            (r#"{"trade_date":"2021-13-45"}"#, "\"2021-13-45\" is not a trade date"),
            (r#"{"symbols":[]}"#, "the list of symbols is empty"),
            (r#"{"symbols":["../x"]}"#, "\"../x\" is not a symbol"),
            (r#"{"symbols":"META"}"#, "expected a sequence"),
            (r#"{"interval":"7m"}"#, "\"7m\" is not an interval"),
            (r#"{"date":"2021-11-30"}"#, "unknown field `date`"),
            (r#"{"scheduled_time":"noon"}"#, "\"noon\" is not a scheduled_time"),
            (r#"{"run_id":"x' or 1=1"}"#, "is not a run_id"),
        ] {
            let said = error(json).unwrap_or_default();
            assert!(said.contains(says), "{json}: {said}");
        }
    }
}
