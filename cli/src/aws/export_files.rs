//! Reads the files of an export: those of a run, or those that are published for a day.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use aws_sdk_s3::Client;
use local::write_atomic;
use shared::{
    ExportFiles, Interval, ListName, Manifest, PublishedDay, S3Uri, Symbol, TradeDate,
    payload::{CarriedOver, RunSymbols, SymbolOutcomes},
};

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

/// The outcome of each symbol of a run that has ended, by what its output says of them, and of those that were restated and
/// carried over: that of an execution before there was an object with all of it lists them itself.
///
/// # Errors
/// When the object is gone, cannot be read or is not right.
pub async fn symbol_outcomes(
    client: &Client,
    symbols: RunSymbols,
    (restated, carried_over): (&[Symbol], &[CarriedOver]),
    of: (Option<&ListName>, TradeDate),
) -> anyhow::Result<SymbolOutcomes> {
    match symbols {
        RunSymbols::Outcomes(symbols) => Ok(marked(symbols, restated, carried_over)),
        RunSymbols::Summary(summary) => {
            let (uri, (list, date)) = (summary.uri, of);
            let object = s3::get(client, &uri).await?.ok_or_else(|| anyhow!(gone(&uri, list, date)))?;
            SymbolOutcomes::read(&object.content).with_context(|| format!("{uri} is not that of this version"))
        }
    }
}

fn marked(mut symbols: SymbolOutcomes, restated: &[Symbol], carried_over: &[CarriedOver]) -> SymbolOutcomes {
    for symbol in &mut symbols.collected {
        symbol.restated = restated.contains(&symbol.symbol);
    }
    for symbol in &mut symbols.failed {
        symbol.restated = restated.contains(&symbol.symbol);
        let carried_over = carried_over.iter().find(|carried_over| carried_over.symbol == symbol.symbol);
        symbol.carried_over = carried_over.map(|carried_over| carried_over.collected_at);
    }
    symbols
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

    #[tokio::test]
    async fn an_output_that_lists_its_symbols_needs_no_object() -> Result<(), Box<dyn std::error::Error>> {
        let symbols = serde_json::from_str(
            r#"{"collected":[{"symbol":"META","bars":78},{"symbol":"NFLX","bars":78}],
                "failed":[{"symbol":"OKTA","reason":"blocked","detail":""},{"symbol":"ZZ","reason":"blocked","detail":""}]}"#,
        )?;
        let config = aws_sdk_s3::Config::builder().behavior_version_latest().build();
        let carried_over = [CarriedOver { symbol: "OKTA".parse()?, collected_at: "2026-11-20T22:30:00Z".parse()? }];
        let lists: (&[Symbol], &[CarriedOver]) = (&["NFLX".parse()?], &carried_over);
        let of = (None, "2026-11-20".parse()?);
        let symbols = symbol_outcomes(&Client::from_conf(config), symbols, lists, of).await?;
        assert_eq!((symbols.restated(), symbols.carried_over()), (vec!["NFLX".parse()?], carried_over.to_vec()));
        Ok(())
    }

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
