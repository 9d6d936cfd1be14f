//! The id of a run, which its bars, its query and its log lines carry.

use std::{ops::Deref, str::FromStr};

use serde_with::{DeserializeFromStr, SerializeDisplay};

/// The id of one run: 1 to 128 of the characters `A-Z a-z 0-9 - _ .`. The names of Step Functions' executions and the
/// ids of Lambda's requests are of this form.
///
/// It becomes a quoted parameter of the query, so it cannot hold a quote.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, SerializeDisplay, DeserializeFromStr)]
pub struct RunId(String);

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
