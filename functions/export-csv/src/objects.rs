//! The two S3 calls of this function, on whole objects, with S3's errors read as this function's.

use std::{fmt, str::FromStr};

use aws_sdk_s3::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    primitives::ByteStream,
};
use shared::service::ServiceError;

use crate::Error;

/// Where an object is, written `s3://bucket/key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The bucket's name.
    pub bucket: String,
    /// The object's key.
    pub key: String,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)
    }
}

impl FromStr for Location {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.strip_prefix("s3://")
            .and_then(|rest| rest.split_once('/'))
            .filter(|(bucket, key)| !bucket.is_empty() && !key.is_empty())
            .map(|(bucket, key)| Self { bucket: bucket.to_owned(), key: key.to_owned() })
            .ok_or_else(|| Error::InvalidInput(format!("{text:?} is not the place of an object: use s3://bucket/key")))
    }
}

/// The whole object at `location`.
///
/// # Errors
/// [`Error::NoResult`] where S3 says that the object, or its bucket, does not exist. A role that may
/// not list the bucket hears 403 for a missing object, which stays an access problem.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html#API_GetObject_RequestSyntax>
pub async fn get(s3: &Client, location: &Location) -> Result<Vec<u8>, Error> {
    let request = s3.get_object().bucket(&location.bucket).key(&location.key);
    let answer = request.send().await.map_err(|error| match error.as_service_error().and_then(|e| e.code()) {
        Some("NoSuchKey" | "NoSuchBucket") => Error::NoResult(location.clone()),
        _ => ServiceError::from_sdk("s3:GetObject", &error).into(),
    })?;
    let body = answer.body.collect().await.map_err(|error| ServiceError::Unavailable {
        call: "s3:GetObject",
        message: format!("{location} broke off: {error}"),
    })?;
    Ok(body.to_vec())
}

/// Writes the whole object at `location`, replacing what is there; returns the version that it is kept under.
///
/// # Errors
/// [`Error::Service`]; nothing is written then.
pub async fn put(
    s3: &Client,
    location: &Location,
    content_type: &str,
    content: Vec<u8>,
) -> Result<Option<String>, Error> {
    let written = s3
        .put_object()
        .bucket(&location.bucket)
        .key(&location.key)
        .content_type(content_type)
        .body(ByteStream::from(content))
        .send()
        .await
        .map_err(|error: SdkError<_>| ServiceError::from_sdk("s3:PutObject", &error))?;
    Ok(written.version_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_reads_back_as_written() {
        let written = "s3://bucket/results/a/b.csv";
        assert_eq!(written.parse::<Location>().ok().map(|l| l.to_string()).as_deref(), Some(written));
    }

    #[test]
    fn what_is_no_place_of_an_object_is_refused() {
        for text in ["", "bucket/key", "s3://", "s3://bucket", "s3://bucket/", "s3:///key", "https://bucket/key"] {
            let said = text.parse::<Location>().err().map(|e| e.to_string()).unwrap_or_default();
            assert!(said.contains("use s3://bucket/key"), "{text:?}: {said}");
        }
    }
}
