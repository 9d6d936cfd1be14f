//! Errors of the AWS SDK in words for the person who made the call.

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use shared::ServiceError;

/// The error of `call`, with what to do where a permission is missing: it is the person's own, not a function's.
pub fn describe<E>(call: &'static str, error: &SdkError<E, HttpResponse>) -> anyhow::Error
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match ServiceError::from_sdk(call, error) {
        ServiceError::AccessDenied { call, message } => {
            anyhow::anyhow!("{call} was denied: {message}; give your own user or role that permission")
        }
        other => other.into(),
    }
}
