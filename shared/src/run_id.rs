//! The id of a run, which its bars, its query and its log lines carry.

use std::{ops::Deref, str::FromStr};

use serde_with::{DeserializeFromStr, SerializeDisplay};

use crate::TradeDate;

/// The id of one run: 1 to 128 of the characters `A-Z a-z 0-9 - _ .`, such as the id of a Lambda request.
///
/// An execution's is its name and its start in UTC, without the characters that are not allowed here:
/// `manual-2026-11-20-1f0c7a3e.2026-11-20T223000.123Z`. A name alone can be used again after 90 days, while the lake keeps
/// the bars: <https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html>. A redrive keeps both.
///
/// It becomes a quoted parameter of the query, so it cannot hold a quote.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, SerializeDisplay, DeserializeFromStr)]
pub struct RunId(String);

impl RunId {
    /// The run of all ticks of a session while it is open: `live-2026-11-20`. No execution of the pipeline has it, since its
    /// name is followed by its start.
    pub fn live(trade_date: TradeDate) -> Self {
        Self(format!("live-{trade_date}"))
    }

    /// Whether it is the run of the ticks of that session.
    pub fn is_live(&self, trade_date: TradeDate) -> bool {
        *self == Self::live(trade_date)
    }
}

/// Why a text is not a run id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a run_id: use 1 to 128 of the characters A-Z a-z 0-9 - _ .")]
pub struct InvalidRunId(String);

impl FromStr for RunId {
    type Err = InvalidRunId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if (1..=128).contains(&text.len()) && text.chars().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidRunId(text.to_owned()))
        }
    }
}

impl std::fmt::Display for RunId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

impl Deref for RunId {
    type Target = str;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}
