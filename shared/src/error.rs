//! The names under which a function fails: the strings that the state machine's Retry and Catch match.

use lambda_runtime::Diagnostic;
use strum::{Display, VariantArray};

/// Every error name that a function can fail with. `docs/runbook.md` says for each what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Display, VariantArray)]
pub enum ErrorName {
    /// The input is not what the function takes. Not worth a retry.
    InvalidInput,
    /// The list of companies does not exist, or its file is not right. Not worth a retry.
    InvalidList,
    /// A role lacks a permission. Not worth a retry.
    AccessDenied,
    /// An AWS service rejected the call, and would reject it again. Not worth a retry.
    ServiceRefused,
    /// An AWS service was unreachable, throttled or failed. Worth a retry.
    ServiceUnavailable,
    /// The session of the trade date has not ended. Worth a run after the close, not a retry.
    SessionNotOver,
    /// No symbol has bars though there was a session; each symbol's reason is in the message. Not worth a retry.
    NoBars,
    /// The market answered nothing usable for any symbol. Worth a retry.
    MarketUnavailable,
    /// The market blocks this client for now. Worth a retry, much later.
    MarketBlocked,
    /// The source of the bars does not accept the account's key, or there is none. Not worth a retry.
    SourceUnauthorized,
    /// Firehose did not accept every record. Worth a retry.
    DeliveryFailed,
    /// The query's result is missing, or not what the query was written to answer; or a bar or an answer cannot be
    /// serialised. Not worth a retry.
    InvalidResult,
}

impl ErrorName {
    /// Every name, in the order of the declaration.
    pub const ALL: &[Self] = Self::VARIANTS;
}

/// An error that has an [`ErrorName`].
pub trait NamedError: std::error::Error {
    /// The name that the state machine matches.
    fn name(&self) -> ErrorName;
}

/// The error type of every handler: the name and the message of any [`NamedError`], logged once, by the conversion.
///
/// Convert inside the span of the invocation, so that the log line has the run's id.
#[derive(Debug)]
pub struct HandlerError(Diagnostic);

impl<E: NamedError> From<E> for HandlerError {
    fn from(error: E) -> Self {
        let (error_type, error_message) = (error.name().to_string(), error.to_string());
        tracing::error!(error = error_type, "{error_message}");
        Self(Diagnostic { error_type, error_message })
    }
}

impl From<HandlerError> for Diagnostic {
    fn from(HandlerError(diagnostic): HandlerError) -> Self {
        diagnostic
    }
}
