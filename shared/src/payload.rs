//! The JSON that passes between the states of the pipeline, and in and out of it.
//!
//! `statemachine/pipeline.asl.json` moves these objects; the functions, the command and the tests
//! read and write them through the types below, so a field cannot be renamed in one place only.

mod live;

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use strum::IntoStaticStr;

pub use live::{LiveOutcome, LiveRequest, LiveTick, LiveWindow};

use crate::{
    Gap, Interval, ListName, MarketSource, Price, RunId, S3Uri, Source, Symbol, SymbolList, TradeDate,
    format::thousands,
};

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

/// What `collect` answers: the number of bars it wrote, and the outcome of each symbol, over all invocations of the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Collection {
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
    /// The outcome of each symbol.
    pub symbols: SymbolOutcomes,
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

impl Collection {
    /// Where its prices are from.
    pub fn prices(&self) -> Source {
        if self.simulated { Source::Simulated } else { Source::Market(self.source) }
    }
}

/// The source of collections from before there was another one.
fn yahoo() -> MarketSource {
    MarketSource::YAHOO
}

/// Every symbol of a run, once: with bars or with a reason.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SymbolOutcomes {
    /// Symbols that have bars.
    pub collected: Vec<CollectedSymbol>,
    /// Symbols that have none, and why.
    pub failed: Vec<FailedSymbol>,
}

impl SymbolOutcomes {
    /// The symbols that were requested: those with bars, then those without.
    pub fn requested(&self) -> impl Iterator<Item = &Symbol> {
        self.collected.iter().map(|it| &it.symbol).chain(self.failed.iter().map(|it| &it.symbol))
    }

    /// Whether no bar is missing, as far as that is known. A symbol whose exchange did not trade that day lacks none.
    pub fn is_complete(&self) -> bool {
        let lacks_none = |failed: &FailedSymbol| failed.reason == Reason::NoSession;
        self.failed.iter().all(lacks_none) && !self.collected.iter().any(CollectedSymbol::is_short)
    }

    /// The number of bars of all symbols, and of those expected: `773 of 780 expected`, and beside that the bars of
    /// instruments that trade around the clock, of which nobody knows how many to expect.
    pub fn describe_bars(&self) -> String {
        let (sessions, others): (Vec<_>, Vec<_>) = self.collected.iter().partition(|symbol| symbol.expected.is_some());
        let bars = |symbols: &[&CollectedSymbol]| thousands(symbols.iter().map(|symbol| symbol.bars).sum::<usize>());
        let expected: usize = sessions.iter().filter_map(|symbol| symbol.expected).sum();
        let of_sessions = format!("{} of {} expected", bars(&sessions), thousands(expected));
        let around_the_clock = format!("{} around the clock", bars(&others));
        match (sessions.is_empty(), others.is_empty()) {
            (_, true) => of_sessions,
            (true, false) => around_the_clock,
            (false, false) => format!("{of_sessions}, {around_the_clock}"),
        }
    }
}

/// A symbol that has bars.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CollectedSymbol {
    /// The symbol as requested.
    pub symbol: Symbol,
    /// The symbol that the market was queried for, where it is another: `BRK-B` for `BRK.B`, `META` for `FB`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queried_as: Option<Symbol>,
    /// The number of bars inside the session.
    pub bars: usize,
    /// The number of bars of a session without gaps; liquid symbols, too, lack one now and then. Without it nobody knows:
    /// the instrument trades around the clock, with pauses that no exchange's session names (currencies, futures, coins).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<usize>,
    /// The bars that are missing, on the exchange's clock; `null` where they are too many to list beside those of
    /// the run's other symbols.
    #[serde(default)]
    pub gaps: Option<Vec<Gap>>,
    /// The number of attempts: requests that the market answered.
    #[serde(default)]
    pub attempts: u32,
    /// The number of requests for this symbol that the market refused.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub refusals: u32,
    /// The number of bars that all attempts together wrote to the lake, where that is not `bars`: a bar that two attempts
    /// wrote counts twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<usize>,
    /// What a reader should know of the bars.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<Remark>,
    /// When the session ends, in UTC, where a second attempt found that it was still going on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_ends_at: Option<Timestamp>,
    /// What a second attempt has to know of the bars; only where there may be one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_attempt: Option<FirstAttempt>,
}

/// What a reader should know of a symbol's bars.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Remark {
    /// The kind.
    pub kind: RemarkKind,
    /// The number of bars, or rows of a reply, that it is about: of hours that differ the bars that do not fit the period.
    pub bars: usize,
    /// Which they are, and what is the matter with them.
    pub detail: String,
}

/// The kinds of [`Remark`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, IntoStaticStr, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum RemarkKind {
    /// Rows traded outside of the trading period that the reply names, or off its grid; they are kept. Or a later reply named
    /// a period that was not over yet.
    HoursDiffer,
    /// Rows with volume are no bars, and were left out.
    LeftOut,
    /// Bars are kept that are hardly right.
    Doubtful,
    /// An earlier attempt's bars, of another scale or currency, were left out.
    Restated,
}

impl RemarkKind {
    /// The name in the JSON with spaces in place of underscores, such as `left out`.
    pub fn label(self) -> String {
        <&str>::from(self).replace('_', " ")
    }
}

/// What a second attempt has to know of a symbol's bars, each by its start in seconds since 1970 in UTC.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FirstAttempt {
    /// The open and the close of the session: the list of gaps says which bars of it are missing.
    pub session: (i64, i64),
    /// Yahoo's code of the currency.
    pub currency: Option<String>,
    /// The closes of a few bars, which show the scale: a split, or another unit of the currency, changes all of them.
    pub closes: Vec<(i64, Price)>,
    /// The bars outside of the session.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outside: Vec<i64>,
    /// The bars that are hardly right, with their lowest and highest price.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubtful: Vec<(i64, Price, Price)>,
}

impl CollectedSymbol {
    /// A symbol with `bars` of `expected` bars after one attempt, and nothing to remark.
    pub fn new(symbol: Symbol, bars: usize, expected: Option<usize>) -> Self {
        Self {
            symbol,
            queried_as: None,
            bars,
            expected,
            gaps: None,
            attempts: 1,
            refusals: 0,
            written: None,
            remarks: vec![],
            session_ends_at: None,
            first_attempt: None,
        }
    }

    /// Whether bars are missing.
    pub fn is_short(&self) -> bool {
        self.expected.is_some_and(|expected| self.bars < expected)
    }

    /// The number of bars, and of those expected where that is known: `77 of 78`, or `264`.
    pub fn describe_bars(&self) -> String {
        let expected = self.expected.map(|expected| format!(" of {}", thousands(expected)));
        thousands(self.bars) + &expected.unwrap_or_default()
    }

    /// The missing bars in one line, such as `10:05, 12:30-12:40`.
    pub fn missing(&self) -> String {
        match &self.gaps {
            Some(gaps) => gaps.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            None => "too many to list".to_owned(),
        }
    }
}

/// A symbol that has no bars.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FailedSymbol {
    /// The symbol as requested.
    pub symbol: Symbol,
    /// The kind of failure.
    pub reason: Reason,
    /// What happened: Yahoo's own message where it sent one.
    pub detail: String,
    /// The number of attempts: requests that the market answered about this very symbol. It is 0 where the market blocked
    /// this client, was down, the time was up before the first, or the session was still going on.
    #[serde(default)]
    pub attempts: u32,
    /// When the session ends, in UTC, where it was still going on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_ends_at: Option<Timestamp>,
    /// The number of requests for this symbol that the market refused.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub refusals: u32,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde passes references
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Why a symbol has no bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, IntoStaticStr, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Reason {
    /// Yahoo does not know the symbol: misspelt, delisted or renamed.
    UnknownSymbol,
    /// The symbol's exchange did not trade that day: a weekend or a holiday.
    NoSession,
    /// The exchange traded that day, the symbol did not.
    NoTrades,
    /// Yahoo keeps the name without prices: the listing is dead, has moved, or never was one.
    NotTradedHere,
    /// The date lies further back than Yahoo keeps bars of that length.
    TooOld,
    /// The session has not ended, so its bars are not final.
    SessionNotOver,
    /// Yahoo rejected the request for another reason, which the detail gives.
    Refused,
    /// Yahoo blocks this client for now: 401, 403, 429, 999, a page in place of data, or a 4xx of which its endpoint makes no
    /// other use.
    Blocked,
    /// Yahoo could not be reached or failed (5xx, timeout, truncated reply).
    Unavailable,
    /// The source does not accept the account's key.
    Unauthorized,
    /// The invocation's time ran out before the symbol's turn.
    NotAttempted,
    /// Yahoo answered something that is not a chart of that symbol, day and interval.
    Malformed,
}

impl Reason {
    /// The name in the JSON with spaces in place of underscores, such as `unknown symbol`.
    pub fn label(self) -> String {
        <&str>::from(self).replace('_', " ")
    }

    /// Whether the market has not yet said what there is of the day: a later request may find bars.
    pub fn is_temporary(self) -> bool {
        match self {
            Self::SessionNotOver | Self::Blocked | Self::Unavailable | Self::NotAttempted | Self::Malformed => true,
            Self::UnknownSymbol
            | Self::NoSession
            | Self::NoTrades
            | Self::NotTradedHere
            | Self::TooOld
            | Self::Refused
            | Self::Unauthorized => false,
        }
    }
}

/// The request to find out whether the market answers: `collect` queries it once and writes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeRequest {
    /// Always `true`; it distinguishes this request from the others.
    pub probe: bool,
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
        /// The symbols of which the lake holds more bars of the day, at another scale or in another currency, which were
        /// left out.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        restated: Vec<Symbol>,
        /// The symbols of which this run has no bars, and whose rows are those of an earlier one.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        carried_over: Vec<CarriedOver>,
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
pub enum RunOutcome {
    /// The CSV and the report are complete.
    Exported {
        /// The list that the run was over; none where its symbols were given by hand.
        #[serde(default)]
        list: Option<ListName>,
        /// The session that was collected.
        trade_date: TradeDate,
        /// The number of bars collected, all of them seen by the query.
        bars: usize,
        /// The outcome of each symbol.
        symbols: SymbolOutcomes,
        /// The run's own `hourly_extremes.csv`. Executions before there were such files give the day's, which other runs
        /// replace.
        csv: S3Uri,
        /// The run's own `report.html`; see `csv`.
        report: S3Uri,
        /// Whether the prices are simulated.
        simulated: bool,
        /// The symbols of which the lake holds more bars of the day, at another scale or in another currency, which were
        /// left out.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        restated: Vec<Symbol>,
        /// The symbols of which this run has no bars, and whose rows are those of an earlier one.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        carried_over: Vec<CarriedOver>,
    },
    /// Nothing traded on that date.
    NoSession {
        /// The date on which nothing traded.
        trade_date: TradeDate,
        /// The outcome of each symbol.
        symbols: SymbolOutcomes,
        /// Whether a reply said that it came from a simulated market.
        simulated: bool,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_temporary_where_the_market_has_not_said_what_there_is() {
        for (reason, expected) in [
            (Reason::SessionNotOver, true),
            (Reason::Blocked, true),
            (Reason::Unavailable, true),
            (Reason::NotAttempted, true),
            (Reason::Malformed, true),
            (Reason::UnknownSymbol, false),
            (Reason::NoSession, false),
            (Reason::NoTrades, false),
            (Reason::NotTradedHere, false),
            (Reason::Unauthorized, false),
            (Reason::TooOld, false),
            (Reason::Refused, false),
        ] {
            assert_eq!(reason.is_temporary(), expected, "{reason:?}");
        }
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
    fn a_bad_request_is_rejected_and_the_problem_named() {
        let many =
            format!(r#"{{"symbols":[{}]}}"#, (0..501).map(|n| format!(r#""S{n}""#)).collect::<Vec<_>>().join(","));
        for (json, says) in [
            (r#"{"trade_date":"2021-13-45"}"#, "\"2021-13-45\" is not a trade date"),
            (r#"{"symbols":[]}"#, "the list of symbols is empty"),
            (r#"{"symbols":["../x"]}"#, "\"../x\" is not a symbol"),
            (r#"{"symbols":"META"}"#, "expected a sequence"),
            (r#"{"interval":"7m"}"#, "\"7m\" is not an interval"),
            (r#"{"date":"2021-11-30"}"#, "unknown field `date`"),
            (r#"{"scheduled_time":"noon"}"#, "\"noon\" is not a scheduled_time"),
            (r#"{"run_id":"x' or 1=1"}"#, "is not a run_id"),
            (&many, "501 symbols are too many"),
        ] {
            let said = error(json).unwrap_or_default();
            assert!(said.contains(says), "{json}: {said}");
        }
    }
}
