//! Why an export failed, and the name that the state machine matches.

use shared::{ErrorName, NamedError, S3Uri, ServiceError, hourly_extreme::COLUMNS, payload::InvalidOutcome};

/// A column of the query's result that the CSV does not have: the last prices of the hour's bars.
pub const CLOSES: &str = "closes";

/// Another one: whether bars of the symbol were left out because they are of
/// another scale or currency.
pub const RESTATED: &str = "restated";

/// Another one: the number of bars that the run wrote of the symbol.
pub const RUN_BARS: &str = "run_bars";

/// The last one: when the newest collection of the symbol began.
pub const COLLECTED_AT: &str = "collected_at";

/// The columns of the query's result: those of the CSV, then [`CLOSES`], [`RESTATED`], [`RUN_BARS`] and [`COLLECTED_AT`].
pub fn result_columns() -> impl Iterator<Item = &'static str> {
    COLUMNS.into_iter().chain([CLOSES, RESTATED, RUN_BARS, COLLECTED_AT])
}

/// What is wrong with a query's result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidResult {
    /// The object has no bytes.
    #[error("is empty, without even a header")]
    Empty,
    /// The columns are not the agreed ones.
    #[error("has the columns {0}, and not {expected}", expected = result_columns().collect::<Vec<_>>().join(","))]
    Header(String),
    /// A value of a row is not what its column must hold.
    #[error("is wrong in line {line}: {problem}")]
    Row {
        /// The number of the line; the header is line 1.
        line: u64,
        /// What is wrong there.
        problem: String,
    },
    /// The report or the CSV cannot be made of the rows.
    #[error("cannot be written out: {0}")]
    Unwritable(String),
}

/// Why an export failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The payload is not an export request, or its collection has no bars.
    #[error("invalid input: {0}; events/export.json shows a valid one")]
    InvalidInput(String),
    /// There is no object where the query's result should be.
    #[error(
        "there is no query result at {0}: it may have expired, so run the query again and pass the OutputLocation that Athena gives"
    )]
    NoResult(S3Uri),
    /// There is no object with the outcome of each symbol.
    #[error("the outcomes of the run are gone from {0}: somebody has deleted them, so run the day again")]
    NoOutcomes(S3Uri),
    /// A line of that object is not the outcome of a symbol.
    #[error("the outcomes of the run at {uri} cannot be read: {problem}; run the day again")]
    InvalidOutcomes {
        /// Where the outcomes are.
        uri: S3Uri,
        /// What is wrong with them.
        #[source]
        problem: InvalidOutcome,
    },
    /// The query's result does not have the columns and values of `sql/hourly_extremes.sql`.
    #[error(
        "the query result {uri} {problem}; deploy sql/hourly_extremes.sql and this function from one version, then run the day again"
    )]
    InvalidResult {
        /// Where the result is.
        uri: S3Uri,
        /// What is wrong with it.
        #[source]
        problem: InvalidResult,
    },
    /// The day's manifest is not one, or names a file that does not exist: somebody has written it, or deleted the file.
    #[error("the manifest {uri} {problem}; delete it, then run the day again")]
    InvalidManifest {
        /// Where the manifest is.
        uri: S3Uri,
        /// What is wrong with it.
        problem: String,
    },
    /// Other exports of the day kept replacing the object, or somebody deleted it.
    #[error("{0} was replaced or deleted whenever it was to be written; it may be tried again")]
    Contended(S3Uri),
    /// The function's temporary folder cannot hold the files.
    #[error(
        "a temporary file could not be written or read: {0}; where the disk is full, raise EphemeralStorage of ExportCsvFunction in template.yaml"
    )]
    Scratch(#[from] std::io::Error),
    /// S3 failed or rejected the call.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl NamedError for Error {
    fn name(&self) -> ErrorName {
        match self {
            Self::InvalidInput(_) => ErrorName::InvalidInput,
            Self::NoResult(_)
            | Self::NoOutcomes(_)
            | Self::InvalidOutcomes { .. }
            | Self::InvalidResult { .. }
            | Self::InvalidManifest { .. } => ErrorName::InvalidResult,
            Self::Contended(_) | Self::Scratch(_) => ErrorName::ServiceUnavailable,
            Self::Service(error) => error.name(),
        }
    }
}
