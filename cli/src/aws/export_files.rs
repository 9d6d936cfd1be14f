//! Reads the files of an export: those of a run, or those that are published for a day.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use aws_sdk_s3::Client;
use local::write_atomic;
use shared::{ExportFiles, Interval, ListName, Manifest, PublishedDay, S3Uri, TradeDate};

use super::{
    s3::{self, Object},
    target::Target,
};

/// Downloads both files of an export of `date` into `folder`, under the last parts of their keys; returns where the CSV and
/// the report are then.
///
/// # Errors
/// When one of them is gone or cannot be read, so that neither is written; or when the folder or a file cannot be written.
pub async fn download(
    client: &Client,
    files: &ExportFiles,
    (list, date): (Option<&ListName>, TradeDate),
    folder: &Path,
) -> anyhow::Result<[PathBuf; 2]> {
    let ExportFiles { csv, report } = files;
    let mut objects = Vec::new();
    for uri in [csv, report] {
        objects.push((uri, s3::get(client, uri).await?.ok_or_else(|| anyhow!(gone(uri, list, date)))?));
    }
    objects.iter().try_for_each(|(uri, object)| save(uri, object, folder))?;
    Ok([csv, report].map(|uri| folder.join(uri.file_name())))
}

/// Saves the object that was read from `uri` in `folder`.
///
/// # Errors
/// When the folder or the file cannot be written.
pub fn save(uri: &S3Uri, object: &Object, folder: &Path) -> anyhow::Result<()> {
    write_atomic(&folder.join(uri.file_name()), &object.content)
}

/// What is published for a day.
pub struct PublishedFiles {
    /// The run whose export it is, and where its files are.
    pub manifest: Manifest,
    pub csv: Object,
}

/// What is published for a day; `None` where nothing is. The CSV is the run's own, or the day's copy where that is deleted.
///
/// # Errors
/// When it cannot be read, or both are gone.
pub async fn published(target: &Target, day: &PublishedDay) -> anyhow::Result<Option<PublishedFiles>> {
    let bucket = target.output("DataBucket")?;
    let uri = Manifest::uri(bucket, day);
    let Some(object) = s3::get(&target.s3, &uri).await? else { return Ok(None) };
    let manifest: Manifest =
        serde_json::from_slice(&object.content).with_context(|| format!("{uri} is not a manifest of this version"))?;
    for files in [manifest.files.clone(), ExportFiles::of_day(bucket, day)] {
        if let Some(csv) = s3::get(&target.s3, &files.csv).await? {
            return Ok(Some(PublishedFiles { manifest: Manifest { files, ..manifest }, csv }));
        }
    }
    Err(anyhow!(gone(&manifest.files.csv, Some(&day.list), day.trade_date)))
}

/// The newest day that is published for a list, in bars of that length; `None` where none is.
///
/// # Errors
/// When the bucket cannot be listed.
pub async fn newest_published(
    target: &Target,
    list: &ListName,
    interval: Interval,
) -> anyhow::Result<Option<TradeDate>> {
    let prefix = format!("exports/{list}/interval={interval}/trade_date=");
    s3::newest_date(&target.s3, target.output("DataBucket")?, &prefix).await
}

fn gone(uri: &S3Uri, list: Option<&ListName>, date: TradeDate) -> String {
    let again = format!("cargo finstream run --trade-date {date} makes a new one");
    if uri.key.starts_with("runs/") {
        let newest =
            list.map(|list| format!("the day's newest export is below s3://{}/exports/{list}/, and ", uri.bucket));
        return format!(
            "{uri} is gone: runs are deleted after the stack's RunRetentionDays, or somebody has deleted it; {}{again}",
            newest.unwrap_or_default()
        );
    }
    format!("{uri} is gone: somebody has deleted it; {again}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_about_a_missing_file_says_why_and_what_to_do() -> Result<(), Box<dyn std::error::Error>> {
        let uri = "s3://lake/runs/trade_date=2026-11-20/run-1/report.html".parse()?;
        let message = gone(&uri, Some(&ListName::default()), "2026-11-20".parse()?);
        for text in [
            "s3://lake/runs/trade_date=2026-11-20/run-1/report.html is gone",
            "RunRetentionDays",
            "the day's newest export is below s3://lake/exports/companies/, and",
            "run --trade-date 2026-11-20",
        ] {
            assert!(message.contains(text), "{message}");
        }
        assert!(!gone(&uri, None, "2026-11-20".parse()?).contains("exports/"));
        Ok(())
    }
}
