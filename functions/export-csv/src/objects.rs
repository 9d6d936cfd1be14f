//! The S3 calls of this function, each on a whole object.

use std::io::Write;

use aws_sdk_s3::{
    Client,
    error::ProvideErrorMetadata,
    operation::{get_object::GetObjectOutput, put_object::builders::PutObjectFluentBuilder},
    primitives::ByteStream,
};
use shared::{S3Uri, ServiceError, payload::SIMULATED_METADATA};

use crate::{
    Error,
    body::{Body, BodyFile},
};

/// What is to be written.
#[derive(Debug, Clone)]
pub struct Content {
    pub content_type: &'static str,
    pub body: Body,
    /// Whether its prices are simulated, which its metadata says.
    pub simulated: bool,
}

/// A small object, read into memory.
#[derive(Debug)]
pub struct Object {
    pub bytes: Vec<u8>,
    /// Its entity tag, which another content does not have.
    pub etag: String,
}

/// An object of any size, read into a file.
#[derive(Debug)]
pub struct Download {
    pub body: Body,
    /// As that of [`Object`].
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
    let Some(answer) = open(s3, uri).await? else { return Ok(None) };
    let etag = etag(&answer);
    let body = answer.body.collect().await.map_err(|error| broken_off(uri, &error))?;
    Ok(Some(Object { bytes: body.to_vec(), etag }))
}

/// As [`get`], into a file.
///
/// # Errors
/// As [`get`], and [`Error::Scratch`].
pub async fn download(s3: &Client, uri: &S3Uri) -> Result<Option<Download>, Error> {
    let Some(mut answer) = open(s3, uri).await? else { return Ok(None) };
    let mut file = BodyFile::new()?;
    while let Some(piece) = next_piece(uri, &mut answer.body).await? {
        file.write_all(piece.as_ref())?;
    }
    let simulated =
        answer.metadata().and_then(|metadata| metadata.get(SIMULATED_METADATA)).is_some_and(|it| it == "true");
    Ok(Some(Download { body: file.finish()?, etag: etag(&answer), simulated }))
}

/// As [`get`], to be read piece by piece.
///
/// # Errors
/// As [`get`].
pub async fn stream(s3: &Client, uri: &S3Uri) -> Result<Option<ByteStream>, ServiceError> {
    Ok(open(s3, uri).await?.map(|answer| answer.body))
}

/// The next piece of the object at `uri`, whose body this is.
///
/// # Errors
/// When the connection breaks.
pub async fn next_piece(uri: &S3Uri, body: &mut ByteStream) -> Result<Option<impl AsRef<[u8]> + use<>>, ServiceError> {
    body.next().await.transpose().map_err(|error| broken_off(uri, &error))
}

async fn open(s3: &Client, uri: &S3Uri) -> Result<Option<GetObjectOutput>, ServiceError> {
    match s3.get_object().bucket(&uri.bucket).key(&uri.key).send().await {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.code().is_some_and(|code| ["NoSuchKey", "NoSuchBucket"].contains(&code)) => Ok(None),
        Err(error) => Err(ServiceError::from_sdk("s3:GetObject", &error)),
    }
}

fn etag(answer: &GetObjectOutput) -> String {
    answer.e_tag().unwrap_or_default().to_owned()
}

fn broken_off(uri: &S3Uri, error: &dyn std::error::Error) -> ServiceError {
    ServiceError::Unavailable { call: "s3:GetObject", message: format!("{uri} broke off: {error}") }
}

/// Writes the object at `uri`, replacing what is there.
///
/// # Errors
/// S3's, or [`Error::Scratch`]; nothing is known to be written then.
pub async fn put(s3: &Client, uri: &S3Uri, content: &Content) -> Result<(), Error> {
    let request = put_object(s3, uri, content).await?;
    request.send().await.map_err(|error| ServiceError::from_sdk("s3:PutObject", &error))?;
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
/// S3's, or [`Error::Scratch`]; nothing is known to be written then.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html#conditional-error-response>
pub async fn put_if(s3: &Client, uri: &S3Uri, content: &Content, condition: Condition<'_>) -> Result<Written, Error> {
    let request = put_object(s3, uri, content).await?;
    let request = match condition {
        Condition::Absent => request.if_none_match("*"),
        Condition::Unchanged(etag) => request.if_match(etag),
    };
    let Err(error) = request.send().await else { return Ok(Written::Yes) };
    match error.code() {
        Some("PreconditionFailed") => Ok(Written::No),
        Some("ConditionalRequestConflict" | "NoSuchKey") => Ok(Written::Unknown),
        _ => Err(ServiceError::from_sdk("s3:PutObject", &error).into()),
    }
}

/// S3 checks the SHA-256, without which the SDK would send a file in chunks with a checksum of its own behind them.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html>
async fn put_object(s3: &Client, uri: &S3Uri, content: &Content) -> Result<PutObjectFluentBuilder, Error> {
    let request = s3
        .put_object()
        .bucket(&uri.bucket)
        .key(&uri.key)
        .content_type(content.content_type)
        .metadata(SIMULATED_METADATA, content.simulated.to_string())
        .checksum_sha256(&content.body.sha256)
        .body(content.body.stream().await?);
    Ok(request)
}
