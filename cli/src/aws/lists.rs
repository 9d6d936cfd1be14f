//! The lists of companies in the data bucket.

use std::collections::BTreeSet;

use anyhow::{Context, bail};
use aws_sdk_s3::{error::ProvideErrorMetadata, primitives::ByteStream};
use jiff::Timestamp;
use shared::{Companies, ListFormat, ListName, S3Uri, SymbolList, companies::InvalidCompanies, list_name};

use super::{s3, sdk_error, target::Target};
use crate::args::{BadRequest, WhatArgs};

/// A list as the bucket has it.
pub struct StoredList {
    pub name: ListName,
    /// When it was written last.
    pub changed_at: Timestamp,
}

/// The file of a list.
pub struct ListFile {
    pub text: String,
    pub format: ListFormat,
    /// Its entity tag; `None` of the built-in list, of which the bucket has no file.
    pub etag: Option<String>,
}

/// The lists that the bucket has, by name.
///
/// # Errors
/// When they cannot be listed.
pub async fn all(target: &Target) -> anyhow::Result<Vec<StoredList>> {
    let bucket = target.output("DataBucket")?;
    let mut pages = target.s3.list_objects_v2().bucket(bucket).prefix(list_name::FOLDER).into_paginator().send();
    let mut lists = Vec::new();
    while let Some(page) = pages.next().await {
        for object in page.map_err(|error| sdk_error::describe("s3:ListObjectsV2", &error))?.contents() {
            let changed_at = object.last_modified().and_then(|at| Timestamp::from_second(at.secs()).ok());
            let list = object.key().and_then(ListName::of_key).zip(changed_at);
            lists.extend(list.map(|((name, _), changed_at)| StoredList { name, changed_at }));
        }
    }
    Ok(lists)
}

impl ListFile {
    /// The list, checked.
    ///
    /// # Errors
    /// Every bad line.
    pub fn companies(&self) -> Result<Companies, InvalidCompanies> {
        Companies::parse(&self.text, self.format)
    }
}

/// The file of a list: the built-in one where the bucket has none of the name `companies`.
///
/// # Errors
/// When there is no such list, there are two files of the name, or it cannot be read. The error names the lists that there are.
pub async fn file(target: &Target, name: &ListName) -> anyhow::Result<ListFile> {
    let mut files = Vec::new();
    for format in ListFormat::ALL {
        files.extend(file_of(target, name, format).await?);
    }
    if files.len() > 1 {
        bail!(
            "the list {name} is there twice, as {name}.toml and as {name}.csv: `cargo finstream lists push {name} FILE` replaces both"
        );
    }
    if let Some(file) = files.pop() {
        return Ok(file);
    }
    if *name == ListName::default() {
        return Ok(ListFile { text: Companies::built_in_text().to_owned(), format: ListFormat::Toml, etag: None });
    }
    let stored = all(target).await?.into_iter().map(|list| list.name);
    let names: BTreeSet<_> = stored.chain([ListName::default()]).map(|name| name.to_string()).collect();
    let names = Vec::from_iter(names).join(", ");
    bail!(BadRequest(format!(
        "there is no list {name}: there is {names}, and `cargo finstream lists push {name} FILE` adds another"
    )))
}

async fn file_of(target: &Target, name: &ListName, format: ListFormat) -> anyhow::Result<Option<ListFile>> {
    let uri = uri(target, name, format)?;
    let Some(object) = s3::get(&target.s3, &uri).await? else { return Ok(None) };
    let text = String::from_utf8(object.content).with_context(|| {
        format!("{uri} is not text in UTF-8: replace it with cargo finstream lists push {name} FILE")
    })?;
    Ok(Some(ListFile { text, format, etag: Some(object.etag) }))
}

/// A list, read and checked.
///
/// # Errors
/// When there is no such list, or its file is not right: the error has every bad line.
pub async fn companies(target: &Target, name: &ListName) -> anyhow::Result<Companies> {
    file(target, name).await?.companies().with_context(|| format!("the list {name} is not right"))
}

/// The symbols of a list, or those that were given by hand.
///
/// # Errors
/// As [`companies`].
pub async fn symbols(target: &Target, what: &WhatArgs) -> anyhow::Result<SymbolList> {
    match (&what.symbols, what.list()) {
        (None, Some(list)) => Ok(companies(target, &list).await?.symbols().clone()),
        (symbols, _) => symbols.clone().context("neither a list nor symbols"),
    }
}

/// Writes the file of a list, in place of one in the other format. With `replaces` it must still be the one with that entity tag,
/// or, where it is `Some(None)`, not there yet.
///
/// # Errors
/// When somebody else has changed it, or S3 does not take it; the old one stays in force then.
pub async fn write(
    target: &Target,
    name: &ListName,
    format: ListFormat,
    text: String,
    replaces: Option<Option<&str>>,
) -> anyhow::Result<S3Uri> {
    let uri = uri(target, name, format)?;
    let request = target.s3.put_object().bucket(&uri.bucket).key(&uri.key).content_type(format.content_type());
    let request = match replaces {
        None => request,
        Some(None) => request.if_none_match("*"),
        Some(Some(etag)) => request.if_match(etag),
    };
    match request.body(ByteStream::from(text.into_bytes())).send().await {
        Ok(_) => {
            delete(target, name, format.other()).await?;
            Ok(uri)
        }
        Err(error) if error.code() == Some("PreconditionFailed") => {
            bail!("the list {name} was changed meanwhile, by somebody else: edit it again")
        }
        Err(error) => Err(sdk_error::describe("s3:PutObject", &error).context(format!("{uri} cannot be written"))),
    }
}

/// Deletes the file of a list in this format, if there is one. S3 keeps it as an earlier version.
async fn delete(target: &Target, name: &ListName, format: ListFormat) -> anyhow::Result<()> {
    let uri = uri(target, name, format)?;
    if s3::get(&target.s3, &uri).await?.is_none() {
        return Ok(());
    }
    let deleted = target.s3.delete_object().bucket(&uri.bucket).key(&uri.key).send().await;
    deleted.map(drop).map_err(|error| {
        sdk_error::describe("s3:DeleteObject", &error)
            .context(format!("{uri} is still there beside the new file, and a list may have one only: delete it"))
    })
}

fn uri(target: &Target, name: &ListName, format: ListFormat) -> anyhow::Result<S3Uri> {
    Ok(name.uri(target.output("DataBucket")?, format))
}
