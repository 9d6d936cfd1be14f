//! Reads objects of S3.

use std::{
    fs::File,
    io::{Seek, Write},
};

use anyhow::Context;
use aws_sdk_s3::{Client, error::ProvideErrorMetadata, operation::get_object::GetObjectOutput};
use shared::{S3Uri, TradeDate, payload::SIMULATED_METADATA};

use super::sdk_error;

pub struct Object {
    pub content: Vec<u8>,
    /// Its entity tag, which another content does not have.
    pub etag: String,
    /// Whether its metadata marks its prices as simulated.
    pub simulated: bool,
}

/// Reads an object; `None` where there is none.
///
/// # Errors
/// When it cannot be read. To a user who may not list the bucket S3 says of a missing object, too, that access is denied.
pub async fn get(client: &Client, uri: &S3Uri) -> anyhow::Result<Option<Object>> {
    let Some(object) = open(client, uri).await? else { return Ok(None) };
    let simulated =
        object.metadata().and_then(|metadata| metadata.get(SIMULATED_METADATA)).is_some_and(|it| it == "true");
    let etag = object.e_tag().unwrap_or_default().to_owned();
    let body = object.body.collect().await.with_context(|| format!("{uri} could not be read to its end"))?;
    Ok(Some(Object { content: body.to_vec(), etag, simulated }))
}

/// Reads an object of any size into a temporary file, which is gone when it is closed; `None` where there is none.
///
/// # Errors
/// As [`get`], and when the file cannot be written.
pub async fn download(client: &Client, uri: &S3Uri) -> anyhow::Result<Option<File>> {
    let Some(mut object) = open(client, uri).await? else { return Ok(None) };
    let mut file = tempfile::tempfile().context("a temporary file could not be created")?;
    while let Some(piece) = object.body.next().await {
        let piece = piece.with_context(|| format!("{uri} could not be read to its end"))?;
        file.write_all(&piece).context("a temporary file could not be written")?;
    }
    file.rewind().context("a temporary file could not be read")?;
    Ok(Some(file))
}

async fn open(client: &Client, uri: &S3Uri) -> anyhow::Result<Option<GetObjectOutput>> {
    match client.get_object().bucket(&uri.bucket).key(&uri.key).send().await {
        Ok(object) => Ok(Some(object)),
        Err(error) if error.code() == Some("NoSuchKey") => Ok(None),
        Err(error) => {
            let error = sdk_error::describe("s3:GetObject", &error);
            Err(error.context(format!("{uri} cannot be read; if you may not list the bucket, it may be gone")))
        }
    }
}

/// The newest of the folders that are named by a date after `prefix`; `None` where there is none.
///
/// # Errors
/// When the bucket cannot be listed.
pub async fn newest_date(client: &Client, bucket: &str, prefix: &str) -> anyhow::Result<Option<TradeDate>> {
    let request = client.list_objects_v2().bucket(bucket).prefix(prefix).delimiter("/");
    let mut pages = request.into_paginator().send();
    let mut newest = None;
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| sdk_error::describe("s3:ListObjectsV2", &error))?;
        let dates = page
            .common_prefixes()
            .iter()
            .filter_map(|folder| folder.prefix()?.strip_prefix(prefix)?.strip_suffix('/')?.parse::<TradeDate>().ok());
        newest = newest.max(dates.max());
    }
    Ok(newest)
}
