//! Why an export failed, and the name under which the state machine learns of it.

use lambda_runtime::Diagnostic;
use shared::{ErrorName, NamedError, service::ServiceError};

use crate::{csv::InvalidResult, objects::Location};

/// Why nothing, or not everything, was published.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The payload is not an export request, or not one that can be fulfilled.
    #[error("invalid input: {0}; events/export.json shows a valid one")]
    InvalidInput(String),
    /// There is no object where the query's result should be.
    #[error(
        "there is no query result at {0}: it may have expired, so run the query again and pass the OutputLocation that Athena gives"
    )]
    NoResult(Location),
    /// The query's result is not what the query was written to answer.
    #[error(
        "the query result {location} {problem}; deploy sql/hourly_extremes.sql and this function from one version, then run the day again"
    )]
    InvalidResult {
        /// The result.
        location: Location,
        /// What is wrong with it.
        #[source]
        problem: InvalidResult,
    },
    /// S3 failed or refused.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl NamedError for Error {
    fn name(&self) -> ErrorName {
        match self {
            Self::InvalidInput(_) => ErrorName::InvalidInput,
            Self::NoResult(_) | Self::InvalidResult { .. } => ErrorName::InvalidResult,
            Self::Service(error) => error.name(),
        }
    }
}

impl From<Error> for Diagnostic {
    fn from(error: Error) -> Self {
        shared::diagnostic(&error)
    }
}
