//! Classifies the AWS SDK's errors for all functions: a missing permission, a rejected request, or a transient failure.

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::{ErrorName, NamedError};

/// A call to an AWS service that failed after the SDK's own retries.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The function's role may not make the call.
    #[error("{call} was denied: {message}; give the function's role in template.yaml that permission")]
    AccessDenied {
        /// The call, such as `firehose:PutRecordBatch`.
        call: &'static str,
        /// The service's error message.
        message: String,
    },
    /// The service understood the call and rejected it.
    #[error("{call} was refused: {code}: {message}")]
    Refused {
        /// The call, such as `firehose:PutRecordBatch`.
        call: &'static str,
        /// The service's error code.
        code: String,
        /// The service's error message.
        message: String,
    },
    /// The service throttled the call, failed, or was not reached.
    #[error("{call} did not succeed in time: {message}; it may be tried again")]
    Unavailable {
        /// The call, such as `firehose:PutRecordBatch`.
        call: &'static str,
        /// What happened, with its causes.
        message: String,
    },
}

impl ServiceError {
    /// A call that could not be built.
    pub fn not_sent(call: &'static str, error: &aws_smithy_types::error::operation::BuildError) -> Self {
        Self::Refused { call, code: "BuildError".into(), message: error.to_string() }
    }

    /// Classifies the SDK's error of `call`.
    pub fn from_sdk<E>(call: &'static str, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let SdkError::ServiceError(context) = error else {
            return Self::Unavailable { call, message: with_causes(error) };
        };
        let code = context.err().code().unwrap_or("Unknown").to_owned();
        let message = context.err().message().unwrap_or("no message").to_owned();
        let status = context.raw().status().as_u16();
        if DENIED.iter().any(|name| code.contains(name)) {
            Self::AccessDenied { call, message }
        } else if status >= 500 || status == 429 || TRANSIENT.iter().any(|name| code.contains(name)) {
            Self::Unavailable { call, message: format!("{code}: {message}") }
        } else {
            Self::Refused { call, code, message }
        }
    }
}

/// An error and its causes, each once: `dispatch failure: client error (Connect): Connection refused (os error 111)`.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut messages: Vec<String> = Vec::new();
    for error in std::iter::successors(Some(error), |error| error.source()) {
        let message = error.to_string();
        if !messages.iter().any(|known| known.contains(&message)) {
            messages.push(message);
        }
    }
    messages.join(": ")
}

/// Parts of the error codes of a call without permission; the last is SNS's.
/// <https://docs.aws.amazon.com/sns/latest/api/CommonErrors.html>
const DENIED: [&str; 3] = ["AccessDenied", "UnauthorizedOperation", "AuthorizationError"];

/// Parts of the error codes of throttled and timed-out calls. Services send some of them with status 400: Glue's
/// OperationTimeoutException, S3's RequestTimeout, Kinesis's ProvisionedThroughputExceededException.
const TRANSIENT: [&str; 7] =
    ["Throttl", "ThroughputExceeded", "TooManyRequests", "LimitExceeded", "ServiceUnavailable", "SlowDown", "Timeout"];

impl NamedError for ServiceError {
    fn name(&self) -> ErrorName {
        match self {
            Self::AccessDenied { .. } => ErrorName::AccessDenied,
            Self::Refused { .. } => ErrorName::ServiceRefused,
            Self::Unavailable { .. } => ErrorName::ServiceUnavailable,
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::{body::SdkBody, error::ErrorMetadata};

    use super::*;

    #[test]
    fn an_error_is_classified_by_its_code_and_status() -> Result<(), Box<dyn std::error::Error>> {
        for (code, status, expected) in [
            ("AccessDeniedException", 400, ErrorName::AccessDenied),
            ("AccessDenied", 403, ErrorName::AccessDenied),
            ("UnauthorizedOperation", 403, ErrorName::AccessDenied),
            ("AuthorizationErrorException", 403, ErrorName::AccessDenied),
            ("EntityNotFoundException", 400, ErrorName::ServiceRefused),
            ("NoSuchKey", 404, ErrorName::ServiceRefused),
            ("InternalServerException", 500, ErrorName::ServiceUnavailable),
            ("SomethingNew", 429, ErrorName::ServiceUnavailable),
            ("ThrottlingException", 400, ErrorName::ServiceUnavailable),
            ("LimitExceededException", 400, ErrorName::ServiceUnavailable),
            ("SlowDown", 503, ErrorName::ServiceUnavailable),
            ("OperationTimeoutException", 400, ErrorName::ServiceUnavailable),
            ("RequestTimeout", 400, ErrorName::ServiceUnavailable),
            ("ProvisionedThroughputExceededException", 400, ErrorName::ServiceUnavailable),
            ("KMSThrottlingException", 400, ErrorName::ServiceUnavailable),
        ] {
            let error = ErrorMetadata::builder().code(code).message("why").build();
            let response = HttpResponse::new(u16::try_into(status)?, SdkBody::empty());
            let error = ServiceError::from_sdk("glue:GetCrawler", &SdkError::service_error(error, response));
            assert_eq!(error.name(), expected, "{code}: {error}");
        }
        Ok(())
    }
}
