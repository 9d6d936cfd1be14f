//! `finstream export`: writes published days to a file for other programs.

mod bars_csv;
mod columns;
mod json;
mod parquet_file;
mod rows;
mod workbook;

use std::path::Path;

use anyhow::bail;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use local::write_atomic;
use shared::{HourlyExtreme, PublishedDay, Symbol, TradeDate, hourly_extreme};

use crate::{
    args::{ExportArgs, ExportDays, FileFormat, WhatArgs},
    aws::{lists, target::Target},
    exit::Exit,
    out,
    output::{
        console::Console,
        format::pluralize,
        json::path,
        progress::ProgressDisplay,
        tables::{price_source, sources},
    },
    trading_day::TradingDay,
};
use json::ExportJson;
use rows::{DayBar, PublishedRows};

/// How many days are read at once.
const CONCURRENCY: usize = 4;

pub async fn export(args: ExportArgs, console: &Console) -> anyhow::Result<Exit> {
    let now = Timestamp::now();
    let days = args.days(now)?;
    let dates = days.dates();
    let (Some(first), Some(last)) = (dates.first(), dates.last()) else { return Ok(Exit::NoSession) };
    let name = if args.bars && args.format != FileFormat::Xlsx { "bars" } else { "hourly_extremes" };
    let file_of = |first, last| args.out.file((first, last), name, args.format.extension());
    out::check_file(&file_of(*first, *last))?;
    let progress = console.progress();
    let target = Target::find(&args.target, &progress).await?;
    let what = WhatArgs { list: Some(args.list.clone()), symbols: None };
    let symbols = lists::symbols(&target, &what).await?;

    progress.start_step("reading what is published");
    let published = stream::iter(dates.iter().map(|date| published_day(&args, *date)))
        .map(async |day| PublishedRows::of(&target, &day).await)
        .buffered(CONCURRENCY)
        .try_collect::<Vec<_>>()
        .await?;
    let missing = missing(dates.iter().copied().zip(&published), &symbols, now);
    let no_session = match days {
        ExportDays::Named(_) => no_session(dates.iter().copied().zip(&published), &missing),
        ExportDays::Range(_) => Vec::new(),
    };
    let published: Vec<_> = published.into_iter().flatten().collect();
    if !missing.is_empty() && (published.is_empty() || matches!(days, ExportDays::Named(_))) {
        bail!("{}", not_published(&missing, &args));
    }
    let content = Content::of(published, &args, &target, &progress).await?;
    progress.clear();
    let file = content.dates.first().zip(content.dates.last()).map(|(first, last)| file_of(*first, *last));
    if let Some(file) = &file {
        out::check_file(file)?;
        write_atomic(file, &content.encode(args.format)?)?;
    }
    let has_hours = args.format == FileFormat::Xlsx || !args.bars;
    let json = ExportJson {
        place: target.place(),
        list: &args.list,
        interval: args.interval,
        format: args.format,
        trade_dates: &content.dates,
        missing: &missing,
        no_session: &no_session,
        hours: has_hours.then_some(content.hours.len()),
        bars: content.bars.as_ref().map(Vec::len),
        simulated: content.simulated,
        file: file.as_deref().map(path),
    };
    let mut lines: Vec<_> =
        no_session.iter().map(|date| format!("{date}: {}", without_session(*date, &symbols))).collect();
    lines.extend((!missing.is_empty()).then(|| not_published(&missing, &args)));
    match &file {
        Some(file) => lines.push(content.describe(has_hours, file)),
        None if lines.is_empty() => lines.push("no session of those days has ended".to_owned()),
        None => {}
    }
    console.answer(&lines.join("\n"), &json)?;
    Ok(match (&file, missing.is_empty()) {
        (None, _) => Exit::NoSession,
        (Some(_), true) => Exit::Done,
        (Some(_), false) => Exit::Incomplete,
    })
}

/// What the file has.
struct Content {
    dates: Vec<TradeDate>,
    /// Day by day, each by company name, symbol and hour.
    hours: Vec<HourlyExtreme>,
    /// Day by day, each by symbol and start; `None` unless they are requested.
    bars: Option<Vec<DayBar>>,
    /// Whether prices of any day are simulated.
    simulated: bool,
}

impl Content {
    /// Reads the bars of the days, unless a workbook could not hold them.
    async fn of(
        days: Vec<PublishedRows>,
        args: &ExportArgs,
        target: &Target,
        progress: &ProgressDisplay,
    ) -> anyhow::Result<Self> {
        if args.format == FileFormat::Xlsx {
            let bars = days.iter().flat_map(|day| &day.hours).map(|row| row.bars as usize).sum();
            workbook::check_rows("bars", if args.bars { bars } else { 0 })?;
            workbook::check_rows("hourly rows", days.iter().map(|day| day.hours.len()).sum())?;
        }
        let mut bars = None;
        if args.bars {
            progress.start_step("querying the lake");
            let queries = stream::iter(&days).map(|day| day.bars(target, args.interval));
            bars = Some(queries.buffered(CONCURRENCY).try_concat().await?);
        }
        Ok(Self {
            dates: days.iter().map(|day| day.date).collect(),
            simulated: days.iter().any(|day| day.simulated),
            hours: days.into_iter().flat_map(|day| day.hours).collect(),
            bars,
        })
    }

    /// The bytes of the file.
    fn encode(&self, format: FileFormat) -> anyhow::Result<Vec<u8>> {
        match (format, &self.bars) {
            (FileFormat::Csv, None) => Ok(hourly_extreme::write(&self.hours)?),
            (FileFormat::Csv, Some(bars)) => bars_csv::of(bars),
            (FileFormat::Xlsx, bars) => workbook::of(&self.hours, bars.as_deref(), self.simulated),
            (FileFormat::Parquet, None) => parquet_file::of(&self.hours, &columns::of_hours()),
            (FileFormat::Parquet, Some(bars)) => parquet_file::of(bars, &columns::of_bars()),
        }
    }

    /// What is in the file, where the prices are from, and where the file is.
    fn describe(&self, has_hours: bool, file: &Path) -> String {
        let hours = has_hours.then(|| pluralize(self.hours.len(), "hourly row"));
        let bars = self.bars.as_ref().map(|bars| pluralize(bars.len(), "bar"));
        let rows = hours.into_iter().chain(bars).collect::<Vec<_>>().join(" and ");
        let days = match &self.dates[..] {
            [date] => date.to_string(),
            dates => pluralize(dates.len(), "day"),
        };
        format!("{rows} of {days}\n{}\nfile    {}", price_source(self.simulated, sources(&self.hours)), file.display())
    }
}

fn published_day(args: &ExportArgs, trade_date: TradeDate) -> PublishedDay {
    PublishedDay { list: args.list.clone(), interval: args.interval, trade_date }
}

/// The days that are not published, though one of the list's symbols must have traded.
fn missing<'a>(
    days: impl Iterator<Item = (TradeDate, &'a Option<PublishedRows>)>,
    symbols: &[Symbol],
    now: Timestamp,
) -> Vec<TradeDate> {
    let unpublished = days.filter(|(_, published)| published.is_none()).map(|(date, _)| date);
    unpublished.filter(|date| TradingDay::of(*date, symbols).has_traded(*date, symbols, now)).collect()
}

/// The days that are not published, and need not be.
fn no_session<'a>(
    days: impl Iterator<Item = (TradeDate, &'a Option<PublishedRows>)>,
    missing: &[TradeDate],
) -> Vec<TradeDate> {
    let unpublished = days.filter(|(_, published)| published.is_none()).map(|(date, _)| date);
    unpublished.filter(|date| !missing.contains(date)).collect()
}

/// Why a day need not be published.
fn without_session(date: TradeDate, symbols: &[Symbol]) -> &'static str {
    match TradingDay::of(date, symbols) {
        TradingDay::Open(_) => "the session has not ended",
        TradingDay::Closed => "no session",
        TradingDay::Unknown => "no session that has ended",
    }
}

/// The message about days that are not published, and the command that changes it.
fn not_published(missing: &[TradeDate], args: &ExportArgs) -> String {
    let names = missing.iter().map(TradeDate::to_string).collect::<Vec<_>>().join(", ");
    let options = args.options();
    let next = match missing {
        [date] => format!("cargo finstream run {date}{options}"),
        [first, .., last] => format!("cargo finstream backfill --from {first} --to {last}{options}"),
        [] => String::new(),
    };
    let verb = if missing.len() == 1 { "is" } else { "are" };
    format!("{names} {verb} not published for the list {} in bars of {}: {next}", args.list, args.interval)
}

#[cfg(test)]
mod tests;
