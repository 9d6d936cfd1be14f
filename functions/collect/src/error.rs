//! Why a collection fails as a whole. A symbol's own failure is part of the answer, not an error.

use lambda_runtime::Diagnostic;
use shared::{
    ErrorName, NamedError, TradeDate,
    payload::{FailedSymbol, InvalidRunId, Reason},
};

use crate::{firehose::WriteError, yahoo::Failure};

/// Why nothing, or not everything, was collected.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request is not one.
    #[error("the request cannot be read: {0}")]
    Request(#[from] serde_json::Error),
    /// The id of the request cannot name a run.
    #[error(transparent)]
    RunId(#[from] InvalidRunId),
    /// The body of the HTTP request is not text.
    #[error("the body of the request is not text in UTF-8: {0}")]
    Body(#[from] std::string::FromUtf8Error),
    /// The date has not begun anywhere.
    #[error("the trade date {0} lies in the future: use a date whose session has ended")]
    Future(TradeDate),
    /// The market did not say which session was the newest.
    #[error("the newest session could not be found: {0}; name a trade_date, or run again later")]
    NewestSession(Failure),
    /// There was a session, and no symbol has a bar of it.
    #[error("no bars for {trade_date}: {}", list(.failed))]
    NoBars {
        /// The day.
        trade_date: TradeDate,
        /// Every symbol, with its reason.
        failed: Vec<FailedSymbol>,
    },
    /// The market did not say whether there was a session.
    #[error("whether {trade_date} had a session could not be found out: {cause}; run again later")]
    Reference {
        /// The day.
        trade_date: TradeDate,
        /// What the market answered for the reference symbol.
        cause: Failure,
    },
    /// Bars did not reach the lake.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl NamedError for Error {
    fn name(&self) -> ErrorName {
        match self {
            Self::Request(_) | Self::RunId(_) | Self::Body(_) | Self::Future(_) => ErrorName::InvalidInput,
            Self::NewestSession(cause) | Self::Reference { cause, .. } => named([cause.reason]),
            Self::NoBars { failed, .. } => named(failed.iter().map(|symbol| symbol.reason)),
            Self::Write(WriteError::Service(error)) => error.name(),
            Self::Write(WriteError::Refused { .. }) => ErrorName::DeliveryFailed,
            Self::Write(WriteError::Json(_)) => ErrorName::InvalidResult,
        }
    }
}

/// The name for a collection in which every symbol failed: the reason that another try could mend
/// first, since one refusal or outage explains nothing about the rest.
fn named(reasons: impl IntoIterator<Item = Reason>) -> ErrorName {
    let rank = |reason| match reason {
        Reason::Blocked => (0, ErrorName::MarketBlocked),
        Reason::Unavailable => (1, ErrorName::MarketUnavailable),
        Reason::SessionNotOver => (2, ErrorName::SessionNotOver),
        _ => (3, ErrorName::NoBars),
    };
    reasons.into_iter().map(rank).min_by_key(|(rank, _)| *rank).map_or(ErrorName::NoBars, |(_, name)| name)
}

/// `ZZTOP (No data found, symbol may be delisted)`, for the first few of them.
fn list(failed: &[FailedSymbol]) -> String {
    const SHOWN: usize = 20;
    let mut parts: Vec<_> =
        failed.iter().take(SHOWN).map(|symbol| format!("{} ({})", symbol.symbol, symbol.detail)).collect();
    if failed.len() > SHOWN {
        parts.push(format!("and {} more", failed.len() - SHOWN));
    }
    parts.join(", ")
}

impl From<Error> for Diagnostic {
    fn from(error: Error) -> Self {
        shared::diagnostic(&error)
    }
}
