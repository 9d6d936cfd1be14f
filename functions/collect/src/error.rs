//! Why a collection fails as a whole. A symbol's own failure is part of the answer, not an error.

use jiff::Timestamp;
use shared::{
    ErrorName, Interval, MarketSource, NamedError, TradeDate,
    json::InvalidJson,
    payload::{FailedSymbol, Reason, RequestTooLarge, SymbolSummary},
    run_id::InvalidRunId,
};

use crate::{
    ListError, OutcomesError,
    failure::{Failure, FailureScope},
    writer::WriteError,
};

/// Why nothing, or not everything, was collected.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The payload, or the body of the HTTP request, is not a request.
    #[error("the request cannot be read: {0}")]
    Request(#[from] InvalidJson),
    /// `probe` is `false`.
    #[error("probe is false: use {{\"probe\": true}}, or leave it out to collect a day")]
    NoProbe,
    /// `live` is `false`.
    #[error("live is false: use {{\"live\": true}}, or leave it out to collect a day")]
    NotLive,
    /// The function writes to no data stream.
    #[error("the stack has no stream of the open session: deploy it with the parameter Live=ENABLED")]
    NoLiveStream,
    /// The tick was planned for a time to come.
    #[error(
        "the scheduled_time {at} lies in the future: a tick collects bars that have closed, so use {now} or earlier"
    )]
    ScheduledTimeInFuture {
        /// The scheduled time, in UTC.
        at: Timestamp,
        /// The time of the invocation, in UTC.
        now: Timestamp,
    },
    /// The answer cannot be written.
    #[error("the answer cannot be written: {0}")]
    Answer(#[from] serde_json::Error),
    /// The id of the invocation's request cannot be a run id.
    #[error(transparent)]
    RunId(#[from] InvalidRunId),
    /// The body of the HTTP request names a run.
    #[error("a request over HTTP may not name a run_id: leave it out, and the id of the invocation becomes the run's")]
    HttpRunId,
    /// The body of the HTTP request is not text.
    #[error("the body of the request is not text in UTF-8: {0}")]
    Body(String),
    /// The body of the HTTP request is longer than any request.
    #[error("the body of the request has {bytes} bytes, and may have {max}")]
    TooLarge {
        /// The length of the body, in bytes.
        bytes: usize,
        /// The most bytes that are accepted.
        max: usize,
    },
    /// The body of the HTTP request is not declared as JSON.
    #[error("the content-type of the request is {0:?}: use application/json")]
    ContentType(String),
    /// The request names both.
    #[error("the request names a list and symbols: leave one of them out")]
    ListAndSymbols,
    /// The request names too many symbols.
    #[error(transparent)]
    RequestTooLarge(#[from] RequestTooLarge),
    /// The outcomes of the run so far cannot be read, or not be written.
    #[error(transparent)]
    Outcomes(#[from] OutcomesError),
    /// There is no such list, or it is not right.
    #[error(transparent)]
    List(#[from] ListError),
    /// The function has no settings of the source.
    #[error("the source {0} is not set up: deploy the stack with its settings, or use another source")]
    SourceNotSetUp(MarketSource),
    /// The date has not begun anywhere.
    #[error("the trade date {0} lies in the future: use a date whose session has ended")]
    Future(TradeDate),
    /// The source no longer keeps bars of that length of the date.
    #[error(
        "the trade date {date} is too old: {name} {history}, so use {earliest} or later{longer}",
        name = .kept_by.name,
        history = .kept_by.describe_history(*.interval),
        longer = .kept_by.kept_longer_than(*.interval).map(|it| format!(", or the interval {it}")).unwrap_or_default()
    )]
    TooOld {
        /// The source of the bars.
        kept_by: &'static MarketSource,
        /// The date that was requested.
        date: TradeDate,
        /// The length of the bars.
        interval: Interval,
        /// The earliest date that can be requested, in the exchange's zone.
        earliest: TradeDate,
    },
    /// The source no longer keeps bars of that length of the sessions before the scheduled time.
    #[error(
        "the scheduled_time {at} is too old: {name} {history}; leave it out for the newest \
         session, or name a trade_date",
        name = .kept_by.name,
        history = .kept_by.describe_history(*.interval),
    )]
    ScheduledTimeTooOld {
        /// The source of the bars.
        kept_by: &'static MarketSource,
        /// The scheduled time, in UTC.
        at: Timestamp,
        /// The length of the bars.
        interval: Interval,
    },
    /// The market's reply did not show the newest session, or there was none.
    #[error("the newest session could not be found: {0}; run again later")]
    NewestSession(Failure),
    /// The source does not accept the account's key, or there is none.
    #[error("the source does not accept the key, or not for this: {0}; store another key in its secret, and run again")]
    Unauthorized(Failure),
    /// There was a session, and no symbol has a bar of it.
    #[error("no bars for {trade_date}: {}", list(.failed, *.failed_count))]
    NoBars {
        /// The session.
        trade_date: TradeDate,
        /// The first symbols, with their reasons.
        failed: Vec<FailedSymbol>,
        /// The number of all of them.
        failed_count: usize,
        /// Whether the session of some is not over.
        is_not_over: bool,
    },
    /// No symbol has bars, and a later attempt may bring some: over HTTP nothing makes it.
    #[error("no bars of {trade_date} yet: {}; run again later", list(.failed, *.failed_count))]
    NoBarsYet {
        /// The session.
        trade_date: TradeDate,
        /// The first symbols, with their reasons.
        failed: Vec<FailedSymbol>,
        /// The number of all of them.
        failed_count: usize,
        /// Whether the market blocks this client.
        is_blocked: bool,
    },
    /// Bars did not reach the stream.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl Error {
    /// Why the newest session is not known.
    pub(crate) fn without_session(failure: Failure) -> Self {
        if failure.scope == FailureScope::Key { Self::Unauthorized(failure) } else { Self::NewestSession(failure) }
    }

    /// That no symbol has bars.
    pub(crate) fn no_bars(trade_date: TradeDate, symbols: SymbolSummary) -> Self {
        let is_not_over = symbols.reasons.contains_key(&Reason::SessionNotOver);
        Self::NoBars { trade_date, failed: symbols.failed, failed_count: symbols.failed_count, is_not_over }
    }

    /// The field of the request that is wrong, where it is one.
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Request(error) => error.field.as_deref().or(Some("body")),
            Self::RunId(_) | Self::HttpRunId => Some("run_id"),
            Self::Body(_) | Self::TooLarge { .. } => Some("body"),
            Self::ContentType(_) => Some("content-type"),
            Self::RequestTooLarge(_) => Some("symbols"),
            Self::Outcomes(OutcomesError::Gone(_) | OutcomesError::Invalid { .. }) => Some("collection"),
            Self::NoProbe => Some("probe"),
            Self::NotLive | Self::NoLiveStream => Some("live"),
            Self::ListAndSymbols | Self::List(ListError::Unknown(_)) => Some("list"),
            Self::Future(_) | Self::TooOld { .. } => Some("trade_date"),
            Self::ScheduledTimeTooOld { .. } | Self::ScheduledTimeInFuture { .. } => Some("scheduled_time"),
            _ => None,
        }
    }
}

impl NamedError for Error {
    fn name(&self) -> ErrorName {
        match self {
            Self::Request(_)
            | Self::RunId(_)
            | Self::HttpRunId
            | Self::NoProbe
            | Self::NotLive
            | Self::NoLiveStream
            | Self::ScheduledTimeInFuture { .. }
            | Self::ListAndSymbols
            | Self::SourceNotSetUp(_)
            | Self::Body(_)
            | Self::TooLarge { .. }
            | Self::RequestTooLarge(_)
            | Self::ContentType(_)
            | Self::Future(_)
            | Self::TooOld { .. }
            | Self::ScheduledTimeTooOld { .. } => ErrorName::InvalidInput,
            Self::List(ListError::Unknown(_) | ListError::Ambiguous(_) | ListError::Invalid { .. }) => {
                ErrorName::InvalidList
            }
            Self::List(ListError::Service(error)) => error.name(),
            Self::Answer(_) | Self::Outcomes(OutcomesError::Gone(_) | OutcomesError::Invalid { .. }) => {
                ErrorName::InvalidResult
            }
            Self::Outcomes(OutcomesError::Service(error)) => error.name(),
            Self::Unauthorized(_) => ErrorName::SourceUnauthorized,
            Self::NewestSession(cause) if cause.reason == Reason::Blocked => ErrorName::MarketBlocked,
            Self::NoBarsYet { is_blocked: true, .. } => ErrorName::MarketBlocked,
            Self::NewestSession(_) | Self::NoBarsYet { .. } => ErrorName::MarketUnavailable,
            Self::NoBars { is_not_over: true, .. } => ErrorName::SessionNotOver,
            Self::NoBars { .. } => ErrorName::NoBars,
            Self::Write(WriteError::Service(error)) => error.name(),
            Self::Write(WriteError::Rejected { .. } | WriteError::Stopped(_)) => ErrorName::DeliveryFailed,
            Self::Write(WriteError::Json(_)) => ErrorName::InvalidResult,
        }
    }
}

/// `ZZTOP (No data found, symbol may be delisted)`, for the first symbols of many.
fn list(failed: &[FailedSymbol], count: usize) -> String {
    let mut parts: Vec<_> = failed.iter().map(|symbol| format!("{} ({})", symbol.symbol, symbol.detail)).collect();
    if count > failed.len() {
        parts.push(format!("and {} more", count - failed.len()));
    }
    parts.join(", ")
}
