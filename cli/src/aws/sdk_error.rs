//! Error messages for failed calls of the AWS SDK.

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use shared::ServiceError;

/// The error of `call`. A missing permission is the user's own here, not a function's, and the message says so.
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
