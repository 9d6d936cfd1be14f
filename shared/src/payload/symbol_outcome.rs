//! What became of each symbol of a run: a line of the run's `symbols.jsonl`, and the summary of all that its states carry.
//!
//! Step Functions passes at most 256 KiB between states, whatever the number of symbols, so the outcomes themselves lie in the
//! data bucket. <https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html>

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

use super::CarriedOver;
use crate::{Gap, Price, S3Uri, Symbol, format::thousands};

/// The outcome of one symbol: a line of the run's `symbols.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum SymbolOutcome {
    /// It has bars.
    Collected(CollectedSymbol),
    /// It has none, for a reason.
    Failed(FailedSymbol),
}

/// A line of a run's outcomes cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("line {line} is not the outcome of a symbol: {problem}")]
pub struct InvalidOutcome {
    /// The number of the line, from 1.
    pub line: usize,
    /// What is wrong with it.
    #[source]
    pub problem: serde_json::Error,
}

impl SymbolOutcome {
    /// The symbol as requested.
    pub fn symbol(&self) -> &Symbol {
        match self {
            Self::Collected(CollectedSymbol { symbol, .. }) | Self::Failed(FailedSymbol { symbol, .. }) => symbol,
        }
    }

    /// With bars, if it has some.
    pub fn collected(&self) -> Option<&CollectedSymbol> {
        if let Self::Collected(symbol) = self { Some(symbol) } else { None }
    }

    /// With the reason, if it has no bars.
    pub fn failed(&self) -> Option<&FailedSymbol> {
        if let Self::Failed(symbol) = self { Some(symbol) } else { None }
    }

    /// The content of a `symbols.jsonl`.
    ///
    /// # Errors
    /// When an outcome is not JSON.
    pub fn write_all<'a>(outcomes: impl IntoIterator<Item = &'a Self>) -> serde_json::Result<Vec<u8>> {
        let mut lines = Vec::new();
        for outcome in outcomes {
            serde_json::to_writer(&mut lines, outcome)?;
            lines.push(b'\n');
        }
        Ok(lines)
    }

    /// The outcomes in the content of a `symbols.jsonl`, in its order.
    pub fn read_all(content: &[u8]) -> impl Iterator<Item = Result<Self, InvalidOutcome>> {
        let lines = content.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty());
        lines.map(|(at, line)| serde_json::from_slice(line).map_err(|problem| InvalidOutcome { line: at + 1, problem }))
    }
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
    /// Reads the content of a `symbols.jsonl`.
    ///
    /// # Errors
    /// The first line that is wrong.
    pub fn read(content: &[u8]) -> Result<Self, InvalidOutcome> {
        SymbolOutcome::read_all(content).collect()
    }

    /// The symbols that were requested: those with bars, then those without.
    pub fn requested(&self) -> impl Iterator<Item = &Symbol> {
        self.collected.iter().map(|it| &it.symbol).chain(self.failed.iter().map(|it| &it.symbol))
    }

    /// Whether no bar is missing, as far as that is known. A symbol whose exchange did not trade that day lacks none.
    pub fn is_complete(&self) -> bool {
        let lacks_none = |failed: &FailedSymbol| failed.reason == Reason::NoSession;
        self.failed.iter().all(lacks_none) && !self.collected.iter().any(CollectedSymbol::is_short)
    }

    /// The number of bars of all symbols, and of those expected.
    pub fn bar_counts(&self) -> BarCounts {
        self.collected.iter().fold(BarCounts::default(), BarCounts::with)
    }

    /// The symbols of which bars of another scale or currency were left out.
    pub fn restated(&self) -> Vec<Symbol> {
        let collected = self.collected.iter().filter(|it| it.restated).map(|it| &it.symbol);
        let failed = self.failed.iter().filter(|it| it.restated).map(|it| &it.symbol);
        collected.chain(failed).cloned().collect()
    }

    /// The symbols whose rows are of an earlier run.
    pub fn carried_over(&self) -> Vec<CarriedOver> {
        let of = |it: &FailedSymbol| Some(CarriedOver { symbol: it.symbol.clone(), collected_at: it.carried_over? });
        self.failed.iter().filter_map(of).collect()
    }
}

impl FromIterator<SymbolOutcome> for SymbolOutcomes {
    fn from_iter<I: IntoIterator<Item = SymbolOutcome>>(outcomes: I) -> Self {
        let mut all = Self::default();
        for outcome in outcomes {
            match outcome {
                SymbolOutcome::Collected(symbol) => all.collected.push(symbol),
                SymbolOutcome::Failed(symbol) => all.failed.push(symbol),
            }
        }
        all
    }
}

/// What became of a run's symbols, in numbers and by a few examples: what its states carry, however many symbols it has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SymbolSummary {
    /// The object that has the outcome of each symbol, a [`SymbolOutcome`] a line.
    pub uri: S3Uri,
    /// The number of symbols that were requested.
    pub requested: usize,
    /// The number of those that have bars.
    pub collected: usize,
    /// The number of those that have bars and lack some.
    pub short: usize,
    /// The number of bars.
    pub bars: BarCounts,
    /// The number of bars that are kept and are hardly right.
    pub doubtful_bars: usize,
    /// The number of symbols without bars.
    pub failed_count: usize,
    /// The same by reason.
    pub reasons: BTreeMap<Reason, usize>,
    /// The first [`SymbolSummary::MAX_LISTED`] of them.
    pub failed: Vec<FailedSymbol>,
}

impl SymbolSummary {
    /// The most symbols of one kind that a state lists.
    pub const MAX_LISTED: usize = 10;

    /// The summary of the outcomes that are in the object `uri`.
    pub fn of<'a>(uri: S3Uri, outcomes: impl IntoIterator<Item = &'a SymbolOutcome>) -> Self {
        let mut summary = Self {
            uri,
            requested: 0,
            collected: 0,
            short: 0,
            bars: BarCounts::default(),
            doubtful_bars: 0,
            failed_count: 0,
            reasons: BTreeMap::new(),
            failed: vec![],
        };
        for outcome in outcomes {
            summary.requested += 1;
            match outcome {
                SymbolOutcome::Collected(symbol) => summary.add_collected(symbol),
                SymbolOutcome::Failed(symbol) => summary.add_failed(symbol),
            }
        }
        summary
    }

    fn add_collected(&mut self, symbol: &CollectedSymbol) {
        let doubtful = symbol.remarks.iter().filter(|remark| remark.kind == RemarkKind::Doubtful);
        self.collected += 1;
        self.short += usize::from(symbol.is_short());
        self.bars = self.bars.with(symbol);
        self.doubtful_bars += doubtful.map(|remark| remark.bars).sum::<usize>();
    }

    fn add_failed(&mut self, symbol: &FailedSymbol) {
        self.failed_count += 1;
        *self.reasons.entry(symbol.reason).or_default() += 1;
        if self.failed.len() < Self::MAX_LISTED {
            self.failed.push(symbol.clone());
        }
    }

    /// Whether no bar is missing, as far as that is known. A symbol whose exchange did not trade that day lacks none.
    pub fn is_complete(&self) -> bool {
        self.short == 0 && self.reasons.keys().all(|reason| *reason == Reason::NoSession)
    }

    /// The number of symbols of which the market has not yet said what there is of the day.
    pub fn temporarily_failed(&self) -> usize {
        self.reasons.iter().filter(|(reason, _)| reason.is_temporary()).map(|(_, count)| count).sum()
    }
}

/// What the output of an execution says of its symbols.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RunSymbols {
    /// A summary, and where each outcome is.
    Summary(SymbolSummary),
    /// Each outcome: of an execution before there was such an object.
    Outcomes(SymbolOutcomes),
}

impl RunSymbols {
    /// Whether no bar is missing, as far as that is known.
    pub fn is_complete(&self) -> bool {
        match self {
            Self::Summary(symbols) => symbols.is_complete(),
            Self::Outcomes(symbols) => symbols.is_complete(),
        }
    }

    /// The number of symbols that have bars.
    pub fn collected(&self) -> usize {
        match self {
            Self::Summary(symbols) => symbols.collected,
            Self::Outcomes(symbols) => symbols.collected.len(),
        }
    }

    /// The number of symbols that have bars and lack some.
    pub fn short(&self) -> usize {
        match self {
            Self::Summary(symbols) => symbols.short,
            Self::Outcomes(symbols) => symbols.collected.iter().filter(|symbol| symbol.is_short()).count(),
        }
    }

    /// The first symbols without bars, and the number of all of them.
    pub fn failed(&self) -> (&[FailedSymbol], usize) {
        match self {
            Self::Summary(symbols) => (&symbols.failed, symbols.failed_count),
            Self::Outcomes(symbols) => (&symbols.failed, symbols.failed.len()),
        }
    }

    /// Whether the market has not yet said of some symbol what there is of the day.
    pub fn has_temporarily_failed(&self) -> bool {
        match self {
            Self::Summary(symbols) => symbols.temporarily_failed() > 0,
            Self::Outcomes(symbols) => symbols.failed.iter().any(|symbol| symbol.reason.is_temporary()),
        }
    }
}

/// The number of bars of all symbols together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BarCounts {
    /// Of instruments with sessions.
    pub sessions: usize,
    /// The same without gaps.
    pub expected: usize,
    /// Of instruments that trade around the clock: nobody knows how many to expect.
    pub around_the_clock: usize,
}

impl BarCounts {
    fn with(self, symbol: &CollectedSymbol) -> Self {
        match symbol.expected {
            Some(expected) => {
                Self { sessions: self.sessions + symbol.bars, expected: self.expected + expected, ..self }
            }
            None => Self { around_the_clock: self.around_the_clock + symbol.bars, ..self },
        }
    }

    /// All of them.
    pub fn total(self) -> usize {
        self.sessions + self.around_the_clock
    }

    /// `773 of 780 expected`, and beside that the bars of instruments that trade around the clock.
    pub fn describe(self) -> String {
        let of_sessions = format!("{} of {} expected", thousands(self.sessions), thousands(self.expected));
        let around_the_clock = format!("{} around the clock", thousands(self.around_the_clock));
        match (self.expected, self.around_the_clock) {
            (_, 0) => of_sessions,
            (0, _) => around_the_clock,
            _ => format!("{of_sessions}, {around_the_clock}"),
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
    /// The bars that are missing, on the exchange's clock; `null` where they are too many to list.
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
    pub first_attempt: Option<Box<FirstAttempt>>,
    /// Whether bars of it were left out of the export, because they are of another scale or currency.
    #[serde(default, skip_serializing_if = "is_false")]
    pub restated: bool,
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
            restated: false,
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
    /// When the newest collection of the bars began that are exported of it, in UTC: an earlier run has some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carried_over: Option<Timestamp>,
    /// Whether bars of it were left out of the export, because they are of another scale or currency.
    #[serde(default, skip_serializing_if = "is_false")]
    pub restated: bool,
}

impl FailedSymbol {
    /// A symbol that no request of this run has got an answer about.
    pub fn new(symbol: Symbol, reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            symbol,
            reason,
            detail: detail.into(),
            attempts: 0,
            session_ends_at: None,
            refusals: 0,
            carried_over: None,
            restated: false,
        }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde passes references
fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde passes references
fn is_false(flag: &bool) -> bool {
    !*flag
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

#[cfg(test)]
mod tests {
    use super::*;

    type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

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

    fn failed(symbol: &str, detail: &str) -> Outcome<SymbolOutcome> {
        let failed = FailedSymbol::new(symbol.parse()?, Reason::UnknownSymbol, detail);
        Ok(SymbolOutcome::Failed(FailedSymbol { attempts: 1, ..failed }))
    }

    fn outcomes() -> Outcome<Vec<SymbolOutcome>> {
        let doubtful = Remark { kind: RemarkKind::Doubtful, bars: 2, detail: "16:00, 16:05".to_owned() };
        let meta = CollectedSymbol { remarks: vec![doubtful], ..CollectedSymbol::new("META".parse()?, 78, Some(78)) };
        let shop = CollectedSymbol {
            gaps: Some(vec!["10:05".parse()?, "12:30-12:40".parse()?]),
            restated: true,
            ..CollectedSymbol::new("SHOP".parse()?, 74, Some(78))
        };
        let carried_over = Some("2026-11-20T22:30:00Z".parse()?);
        let okta = FailedSymbol::new("OKTA".parse()?, Reason::Blocked, "yahoo answered 429");
        Ok(vec![
            SymbolOutcome::Collected(meta),
            failed("ZZZZ", "No data found, symbol may be delisted")?,
            SymbolOutcome::Collected(shop),
            SymbolOutcome::Collected(CollectedSymbol::new("BTC-USD".parse()?, 288, None)),
            SymbolOutcome::Failed(FailedSymbol { carried_over, ..okta }),
        ])
    }

    #[test]
    fn an_outcome_is_a_line_that_is_read_back() -> Outcome {
        let outcomes = outcomes()?;
        let lines = SymbolOutcome::write_all(&outcomes)?;
        insta::assert_snapshot!(String::from_utf8(lines.clone())?);
        assert_eq!(SymbolOutcome::read_all(&lines).collect::<Result<Vec<_>, _>>()?, outcomes);
        let read = SymbolOutcomes::read(&lines)?;
        assert_eq!(
            read.requested().map(Symbol::as_str).collect::<Vec<_>>(),
            ["META", "SHOP", "BTC-USD", "ZZZZ", "OKTA"]
        );
        assert_eq!(read.restated(), ["SHOP".parse()?]);
        assert_eq!(
            read.carried_over().iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["OKTA of 2026-11-20 22:30 UTC"]
        );
        Ok(())
    }

    #[test]
    fn the_line_that_is_no_outcome_is_named() -> Outcome {
        let lines = SymbolOutcome::write_all(&outcomes()?[..1])?;
        let cut = [&lines[..], b"{\"outcome\":\"coll"].concat();
        let error = SymbolOutcomes::read(&cut).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.starts_with("line 2 is not the outcome of a symbol: "), "{error}");
        Ok(())
    }

    #[test]
    fn a_summary_counts_the_symbols_and_lists_the_first_without_bars() -> Outcome {
        let uri: S3Uri = "s3://lake/runs/trade_date=2026-11-20/run-1/symbols.jsonl".parse()?;
        let summary = SymbolSummary::of(uri.clone(), &outcomes()?);
        insta::assert_snapshot!(serde_json::to_string_pretty(&summary)?);
        assert_eq!(summary.bars.describe(), "152 of 156 expected, 288 around the clock");
        assert_eq!((summary.is_complete(), summary.temporarily_failed()), (false, 1));
        for count in [0, 1, 10, 11, 20_000] {
            let many = (0..count).map(|n| failed(&format!("S{n}"), "")).collect::<Outcome<Vec<_>>>()?;
            let summary = SymbolSummary::of(uri.clone(), &many);
            assert_eq!((summary.failed_count, summary.failed.len()), (count, count.min(10)));
        }
        Ok(())
    }

    #[test]
    fn a_run_is_complete_where_only_closed_exchanges_lack_bars() -> Outcome {
        let uri: S3Uri = "s3://lake/symbols.jsonl".parse()?;
        let meta = |bars| Ok::<_, crate::symbol::InvalidSymbol>(CollectedSymbol::new("META".parse()?, bars, Some(78)));
        let holiday = SymbolOutcome::Failed(FailedSymbol::new("7203.T".parse()?, Reason::NoSession, "a holiday"));
        for (outcomes, complete) in [
            (vec![SymbolOutcome::Collected(meta(78)?), holiday.clone()], true),
            (vec![SymbolOutcome::Collected(meta(77)?), holiday.clone()], false),
            (vec![SymbolOutcome::Collected(meta(78)?), failed("ZZZZ", "")?], false),
        ] {
            let all: SymbolOutcomes = outcomes.iter().cloned().collect();
            assert_eq!(
                (all.is_complete(), SymbolSummary::of(uri.clone(), &outcomes).is_complete()),
                (complete, complete)
            );
        }
        Ok(())
    }
}
