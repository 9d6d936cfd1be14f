//! The JSON that passes between the states of the pipeline, and in and out of it.
//!
//! `statemachine/pipeline.asl.json` moves these objects; the functions, the command and the tests
//! read and write them through the types below, so a field cannot be renamed in one place only.

use std::{collections::BTreeSet, ops::Deref};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, de::Error};

use crate::{Interval, Symbol, TradeDate, gap::Gap};

/// What a run is asked for: the execution's input, the body of `POST /collect`, and (with a
/// `run_id`) what the state machine hands to `collect`. Every field may be left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunRequest {
    /// The day to collect; without it the newest session that had ended by `scheduled_time`, or by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trade_date: Option<TradeDate>,
    /// The symbols to collect; without them those of the companies file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbols: Option<SymbolList>,
    /// The length of a bar; five minutes unless told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
    /// When the schedule meant the run to start. A late retry so still collects the same day.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "scheduled_time")]
    pub scheduled_time: Option<Timestamp>,
    /// The run that the bars belong to: the execution's name, or the request's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
}

/// The placeholder that EventBridge Scheduler replaces with a time, and that arrives as it is where
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

/// One to [`SymbolList::MAX`] different symbols, in the order they were given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Symbol>", into = "Vec<Symbol>")]
pub struct SymbolList(Vec<Symbol>);

/// Why symbols are not a list that can be collected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSymbolList {
    /// There is nothing to collect.
    #[error("the list of symbols is empty: name at least one, or leave the field out for the default companies")]
    Empty,
    /// The run's payloads would outgrow what a state may pass on.
    #[error("{0} symbols are too many: one run takes at most {max}, so split them over several", max = SymbolList::MAX)]
    TooMany(usize),
}

impl SymbolList {
    /// At about 150 bytes a symbol the outcome stays well below the 256 KiB that a state may pass on.
    /// <https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html>
    pub const MAX: usize = 500;
}

impl TryFrom<Vec<Symbol>> for SymbolList {
    type Error = InvalidSymbolList;

    /// A symbol given twice is collected once.
    fn try_from(symbols: Vec<Symbol>) -> Result<Self, Self::Error> {
        let mut seen = BTreeSet::new();
        let unique: Vec<_> = symbols.into_iter().filter(|symbol| seen.insert(symbol.clone())).collect();
        match unique.len() {
            0 => Err(InvalidSymbolList::Empty),
            count if count > Self::MAX => Err(InvalidSymbolList::TooMany(count)),
            _ => Ok(Self(unique)),
        }
    }
}

impl From<SymbolList> for Vec<Symbol> {
    fn from(list: SymbolList) -> Self {
        list.0
    }
}

impl Deref for SymbolList {
    type Target = [Symbol];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// The name of one run: 1 to 128 of `A-Z a-z 0-9 - _ .`, which every execution name and request id is.
///
/// It becomes a parameter of the query, so nothing that could end a quoted string gets in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(String);

/// Why a text is not a run id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a run_id: use 1 to 128 of the characters A-Z a-z 0-9 - _ .")]
pub struct InvalidRunId(String);

impl TryFrom<String> for RunId {
    type Error = InvalidRunId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if (1..=128).contains(&text.len()) && text.chars().all(allowed) {
            Ok(Self(text))
        } else {
            Err(InvalidRunId(text))
        }
    }
}

impl From<RunId> for String {
    fn from(id: RunId) -> Self {
        id.0
    }
}

impl Deref for RunId {
    type Target = str;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// How a collection ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CollectOutcome {
    /// Every symbol has its bars, or the reason why it has none, for good.
    Collected,
    /// Some symbols lack bars and were asked for once: asking again later may find the rest.
    Short,
    /// The market refuses this client, and some symbols are still to be asked for.
    Blocked,
    /// The time of the invocation ran out before every symbol was asked for.
    OutOfTime,
    /// Nothing traded on that date: a weekend or a holiday.
    NoSession,
}

/// What `collect` is handed to go on with a collection that is [`CollectOutcome::Short`],
/// [`CollectOutcome::Blocked`] or [`CollectOutcome::OutOfTime`]: only what is missing is asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContinueRequest {
    /// The collection so far.
    pub collection: Collection,
}

/// What `collect` answers: how many bars it wrote, and what became of each symbol.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Collection {
    /// How the collection ended.
    pub outcome: CollectOutcome,
    /// The day that was collected, resolved where the request named none.
    pub trade_date: TradeDate,
    /// The length of the bars.
    pub interval: Interval,
    /// The run that the bars carry.
    pub run_id: RunId,
    /// When the collection began, to the millisecond, which is what the query compares.
    pub collected_at: Timestamp,
    /// When Firehose had accepted the last record, to the second, which is what Glue tells of a
    /// crawl's start; a crawl that began earlier may have missed some.
    pub written_at: Timestamp,
    /// Bars that Firehose accepted.
    pub bars: usize,
    /// Firehose records they were packed into.
    pub records: usize,
    /// What became of each symbol.
    pub symbols: SymbolOutcomes,
    /// Whether the market that answered said that its prices are made up.
    pub simulated: bool,
}

/// Every symbol of a run, once: with bars or with a reason.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SymbolOutcomes {
    /// Symbols that have bars.
    pub collected: Vec<CollectedSymbol>,
    /// Symbols that have none, and why.
    pub failed: Vec<FailedSymbol>,
}

/// A symbol that has bars.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CollectedSymbol {
    /// The symbol.
    pub symbol: Symbol,
    /// The symbol under which Yahoo answered, where it is another: `BRK-B` for `BRK.B`, `META` for `FB`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_as: Option<Symbol>,
    /// Bars inside the session.
    pub bars: usize,
    /// Bars of a session without gaps; liquid symbols, too, lack one now and then.
    pub expected: usize,
    /// The bars that are missing, on the exchange's clock; `null` where they are too many to be listed
    /// for each of so many symbols.
    #[serde(default)]
    pub gaps: Option<Vec<Gap>>,
    /// How many times the market was asked for the day, without those times that it refused to answer.
    #[serde(default)]
    pub asked: u32,
}

impl CollectedSymbol {
    /// Whether bars are missing.
    pub fn is_short(&self) -> bool {
        self.bars < self.expected
    }

    /// The missing bars as a person reads them, such as `10:05, 12:30-12:40`.
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
    /// The symbol.
    pub symbol: Symbol,
    /// The kind of failure.
    pub reason: Reason,
    /// What happened, in Yahoo's own words where it sent some.
    pub detail: String,
    /// How many times the market was asked for the day; 0 where a block or the time left no room to.
    #[serde(default)]
    pub asked: u32,
}

/// Why a symbol has no bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Yahoo does not know the symbol: misspelt, delisted or renamed.
    UnknownSymbol,
    /// The symbol's exchange did not trade that day: a weekend or a holiday.
    NoSession,
    /// The exchange traded that day, the symbol did not.
    NoTrades,
    /// The day lies further back than Yahoo keeps bars of that length.
    TooOld,
    /// The session is still going on, so its bars are not final.
    SessionNotOver,
    /// Yahoo refused the request for another reason.
    Refused,
    /// Yahoo refuses this client for now (429, 403, or a page in place of data).
    Blocked,
    /// Yahoo could not be reached or failed (5xx, time-out, broken reply).
    Unavailable,
    /// The invocation's time ran out before the symbol's turn.
    NotAsked,
    /// Yahoo answered something that is not a chart of that symbol, day and interval.
    Malformed,
}

impl Reason {
    /// The payload's own word as a person reads it, such as `unknown symbol`, so that both can be searched for.
    pub fn words(self) -> String {
        let name = serde_json::to_value(self).ok();
        name.as_ref().and_then(|name| name.as_str()).unwrap_or("unknown").replace('_', " ")
    }
}

/// Whether `start-crawler` started a crawl.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CrawlStart {
    /// A crawl has begun.
    Started,
    /// The crawler was at work already, for another run, so nothing was started.
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

/// What `run-query` is asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunQueryRequest {
    /// The day to ask about.
    pub trade_date: TradeDate,
    /// The bars to ask about.
    pub interval: Interval,
    /// The run whose symbols are asked about and whose bars are counted.
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

/// What `export-csv` is asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportRequest {
    /// What was collected.
    pub collection: Collection,
    /// The query's result object, `s3://bucket/key`.
    pub query_result: String,
}

/// What `export-csv` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Export {
    /// The query saw every bar of the run, and the files are published.
    Exported {
        /// Bars of the run that the query saw.
        bars_seen: usize,
        /// Rows of the CSV, one for each company and hour.
        rows: usize,
        /// The CSV, `s3://bucket/key`.
        csv: String,
        /// The report, `s3://bucket/key`.
        report: String,
        /// The versions of both that are this run's.
        #[serde(default)]
        versions: Versions,
    },
    /// Firehose has not delivered every bar yet; nothing is published.
    Incomplete {
        /// Bars of the run that the query saw.
        bars_seen: usize,
    },
}

/// The versions under which S3 keeps the files of one run, also when another run of the day has
/// published its own in their place; `null` where the bucket keeps none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// The version of the CSV.
    pub csv: Option<String>,
    /// The version of the report.
    pub report: Option<String>,
}

/// What a succeeded execution answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum RunOutcome {
    /// The CSV and the report are published.
    Exported {
        /// The day.
        trade_date: TradeDate,
        /// Bars collected, all of them seen by the query.
        bars: usize,
        /// What became of each symbol.
        symbols: SymbolOutcomes,
        /// The CSV, `s3://bucket/key`.
        csv: String,
        /// The report, `s3://bucket/key`.
        report: String,
        /// The versions of both that are this run's.
        #[serde(default)]
        versions: Versions,
        /// Whether the prices are made up.
        simulated: bool,
    },
    /// Nothing traded on that date.
    NoSession {
        /// The day.
        trade_date: TradeDate,
        /// What became of each symbol.
        symbols: SymbolOutcomes,
        /// Whether the market that answered is a simulated one.
        simulated: bool,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(json: &str) -> Option<String> {
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
    fn a_bad_request_is_refused_by_name() {
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
            let said = refusal(json).unwrap_or_default();
            assert!(said.contains(says), "{json}: {said}");
        }
    }
}
