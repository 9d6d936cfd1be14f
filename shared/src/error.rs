//! The names under which a function fails: the strings that the state machine's Retry and Catch match.

use lambda_runtime::Diagnostic;
use serde::{Deserialize, Serialize};

/// Every error name that a function can answer with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ErrorName {
    /// The input is not what the function takes. Not worth a retry.
    InvalidInput,
    /// A role lacks a permission. Not worth a retry.
    AccessDenied,
    /// An AWS service refused the call for good. Not worth a retry.
    ServiceRefused,
    /// An AWS service was unreachable, throttled or failed. Worth a retry.
    ServiceUnavailable,
    /// The session of the trade date is still going on.
    SessionNotOver,
    /// No symbol has bars though there was a session. Each symbol's reason is in the message.
    NoBars,
    /// The market answered nothing usable for any symbol. Worth a retry.
    MarketUnavailable,
    /// The market refuses this client for now. Worth a retry, much later.
    MarketBlocked,
    /// Firehose did not accept every record. Worth a retry.
    DeliveryFailed,
    /// The query's result is missing, or not what the query was written to answer.
    InvalidResult,
}

impl ErrorName {
    /// All names.
    pub const ALL: [Self; 10] = [
        Self::InvalidInput,
        Self::AccessDenied,
        Self::ServiceRefused,
        Self::ServiceUnavailable,
        Self::SessionNotOver,
        Self::NoBars,
        Self::MarketUnavailable,
        Self::MarketBlocked,
        Self::DeliveryFailed,
        Self::InvalidResult,
    ];
}

impl std::fmt::Display for ErrorName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, f)
    }
}

/// An error that knows its [`ErrorName`].
pub trait NamedError: std::error::Error {
    /// The name that the state machine matches.
    fn name(&self) -> ErrorName;
}

/// What Lambda answers for `error`, after one log line about it.
pub fn diagnostic(error: &impl NamedError) -> Diagnostic {
    let (error_type, error_message) = (error.name().to_string(), error.to_string());
    tracing::error!(error = error_type, "{error_message}");
    Diagnostic { error_type, error_message }
}
