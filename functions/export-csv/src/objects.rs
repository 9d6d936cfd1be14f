//! The S3 calls of this function, each on a whole object.

use aws_sdk_s3::{
    Client, error::ProvideErrorMetadata, operation::put_object::builders::PutObjectFluentBuilder,
    primitives::ByteStream,
};
use shared::{S3Uri, ServiceError, payload::SIMULATED_METADATA};

/// What an object holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    pub content_type: &'static str,
    pub bytes: Vec<u8>,
    /// Whether its prices are simulated, which its metadata says.
    pub simulated: bool,
}

/// An object as S3 has it.
#[derive(Debug)]
pub struct Object {
    pub bytes: Vec<u8>,
    /// Its entity tag, which another content does not have.
    pub etag: String,
    /// Whether its metadata marks its prices as simulated.
    pub simulated: bool,
}

/// What must hold of the object for it to be written.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>
#[derive(Debug, Clone, Copy)]
pub enum Condition<'a> {
    /// There is none (`If-None-Match: *`).
    Absent,
    /// It is the one with this entity tag (`If-Match`).
    Unchanged(&'a str),
}

/// The object at `uri`; `None` where S3 says that it, or its bucket, does not exist.
///
/// # Errors
/// S3's. A role that may not list the bucket gets 403 for a missing object, which stays an access problem.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html#API_GetObject_RequestSyntax>
pub async fn get(s3: &Client, uri: &S3Uri) -> Result<Option<Object>, ServiceError> {
    let answer = match s3.get_object().bucket(&uri.bucket).key(&uri.key).send().await {
        Ok(answer) => answer,
        Err(error) if error.code().is_some_and(|code| ["NoSuchKey", "NoSuchBucket"].contains(&code)) => {
            return Ok(None);
        }
        Err(error) => return Err(ServiceError::from_sdk("s3:GetObject", &error)),
    };
    let simulated =
        answer.metadata().and_then(|metadata| metadata.get(SIMULATED_METADATA)).is_some_and(|it| it == "true");
    let etag = answer.e_tag().unwrap_or_default().to_owned();
    let body = answer.body.collect().await.map_err(|error| ServiceError::Unavailable {
        call: "s3:GetObject",
        message: format!("{uri} broke off: {error}"),
    })?;
    Ok(Some(Object { bytes: body.to_vec(), etag, simulated }))
}

/// Writes the object at `uri`, replacing what is there.
///
/// # Errors
/// S3's; nothing is known to be written then.
pub async fn put(s3: &Client, uri: &S3Uri, content: &Content) -> Result<(), ServiceError> {
    put_object(s3, uri, content).send().await.map_err(|error| ServiceError::from_sdk("s3:PutObject", &error))?;
    Ok(())
}

/// What became of a write with a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// The object is written.
    Yes,
    /// The condition does not hold: there is an object, or another one. It may also be this write's own, where the reply was
    /// lost and the SDK tried again.
    No,
    /// Another write was under way, or the object to be replaced is gone: whether there is one is not known.
    Unknown,
}

/// Writes the object at `uri` if the condition holds.
///
/// # Errors
/// S3's; nothing is known to be written then.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html#conditional-error-response>
pub async fn put_if(
    s3: &Client,
    uri: &S3Uri,
    content: &Content,
    condition: Condition<'_>,
) -> Result<Written, ServiceError> {
    let request = match condition {
        Condition::Absent => put_object(s3, uri, content).if_none_match("*"),
        Condition::Unchanged(etag) => put_object(s3, uri, content).if_match(etag),
    };
    let Err(error) = request.send().await else { return Ok(Written::Yes) };
    match error.code() {
        Some("PreconditionFailed") => Ok(Written::No),
        Some("ConditionalRequestConflict" | "NoSuchKey") => Ok(Written::Unknown),
        _ => Err(ServiceError::from_sdk("s3:PutObject", &error)),
    }
}

fn put_object(s3: &Client, uri: &S3Uri, content: &Content) -> PutObjectFluentBuilder {
    s3.put_object()
        .bucket(&uri.bucket)
        .key(&uri.key)
        .content_type(content.content_type)
        .metadata(SIMULATED_METADATA, content.simulated.to_string())
        .body(ByteStream::from(content.bytes.clone()))
}
