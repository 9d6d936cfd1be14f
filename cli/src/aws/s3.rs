//! Reads objects of S3, and saves them as files.

use std::path::{Path, PathBuf};

use anyhow::Context;
use aws_sdk_s3::Client;
use local::write_atomic;
use shared::{S3Uri, payload::SIMULATED_METADATA};

use super::sdk_error;

pub struct Object {
    pub content: Vec<u8>,
    /// Whether its metadata marks its prices as simulated.
    pub simulated: bool,
}

/// Downloads an object, in its newest version unless one is named, into `folder`, under the last part of its key.
///
/// # Errors
/// When the object cannot be read, or the folder or file not written.
pub async fn fetch(client: &Client, uri: &S3Uri, version: Option<&str>, folder: &Path) -> anyhow::Result<PathBuf> {
    let object = get(client, uri, version).await?;
    let path = folder.join(uri.file_name());
    write_atomic(&path, &object.content)?;
    Ok(path)
}

/// Reads an object, in its newest version unless one is named.
///
/// # Errors
/// When it cannot be read.
pub async fn get(client: &Client, uri: &S3Uri, version: Option<&str>) -> anyhow::Result<Object> {
    let call = client.get_object().bucket(&uri.bucket).key(&uri.key).set_version_id(version.map(str::to_owned));
    let object = call.send().await.map_err(|error| sdk_error::describe("s3:GetObject", &error))?;
    let simulated =
        object.metadata().and_then(|metadata| metadata.get(SIMULATED_METADATA)).is_some_and(|it| it == "true");
    let body = object.body.collect().await.with_context(|| format!("{uri} could not be read to its end"))?;
    Ok(Object { content: body.to_vec(), simulated })
}
