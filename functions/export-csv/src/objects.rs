//! The two S3 calls of this function, each on a whole object, with S3's errors mapped to this function's.

use aws_sdk_s3::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    primitives::ByteStream,
};
use shared::{S3Uri, ServiceError, payload::SIMULATED_METADATA};

use crate::Error;

/// The whole object at `uri`.
///
/// # Errors
/// [`Error::NoResult`] where S3 says that the object, or its bucket, does not exist. A role that may
/// not list the bucket gets 403 for a missing object, which stays an access problem.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html#API_GetObject_RequestSyntax>
pub async fn get(s3: &Client, uri: &S3Uri) -> Result<Vec<u8>, Error> {
    let request = s3.get_object().bucket(&uri.bucket).key(&uri.key);
    let answer = request.send().await.map_err(|error| match error.as_service_error().and_then(|e| e.code()) {
        Some("NoSuchKey" | "NoSuchBucket") => Error::NoResult(uri.clone()),
        _ => ServiceError::from_sdk("s3:GetObject", &error).into(),
    })?;
    let body = answer.body.collect().await.map_err(|error| ServiceError::Unavailable {
        call: "s3:GetObject",
        message: format!("{uri} broke off: {error}"),
    })?;
    Ok(body.to_vec())
}

/// Writes the object at `uri`, replacing what is there, with metadata that says whether its prices are simulated. Returns
/// the object's version id; none where the bucket is not versioned.
///
/// # Errors
/// [`Error::Service`]; nothing is written then.
pub async fn put(
    s3: &Client,
    uri: &S3Uri,
    content_type: &str,
    content: Vec<u8>,
    simulated: bool,
) -> Result<Option<String>, Error> {
    let written = s3
        .put_object()
        .bucket(&uri.bucket)
        .key(&uri.key)
        .content_type(content_type)
        .metadata(SIMULATED_METADATA, simulated.to_string())
        .body(ByteStream::from(content))
        .send()
        .await
        .map_err(|error: SdkError<_>| ServiceError::from_sdk("s3:PutObject", &error))?;
    Ok(written.version_id)
}
