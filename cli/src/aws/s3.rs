//! Reads objects of S3.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{Seek, Write},
    ops::RangeInclusive,
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

/// The bytes of the objects in each of the folders that are named by a date of a range after `prefix`; a date without any is left
/// out.
///
/// # Errors
/// When the bucket cannot be listed.
pub async fn bytes_by_date(
    client: &Client,
    (bucket, prefix): (&str, &str),
    range: &RangeInclusive<TradeDate>,
) -> anyhow::Result<BTreeMap<TradeDate, u64>> {
    // Keys are listed in their order, which is that of the dates.
    let request =
        client.list_objects_v2().bucket(bucket).prefix(prefix).start_after(format!("{prefix}{}", range.start()));
    let mut pages = request.into_paginator().send();
    let mut bytes = BTreeMap::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| sdk_error::describe("s3:ListObjectsV2", &error))?;
        for object in page.contents() {
            let folder = object.key().and_then(|key| key.strip_prefix(prefix)?.split_once('/'));
            let Some(date) = folder.and_then(|(date, _)| date.parse::<TradeDate>().ok()) else { continue };
            if date > *range.end() {
                return Ok(bytes);
            }
            *bytes.entry(date).or_default() +=
                object.size().and_then(|size| u64::try_from(size).ok()).unwrap_or_default();
        }
    }
    Ok(bytes)
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
