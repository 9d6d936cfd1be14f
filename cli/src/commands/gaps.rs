//! `finstream gaps`: queries which bars of a range the lake holds, and compares them with the calendar.

mod coverage;
mod json;
mod ranges;
mod table;

use std::ops::RangeInclusive;

use jiff::Timestamp;
use serde::Deserialize;
use shared::{Interval, Symbol, TradeDate, currency, trading_calendar::NEW_YORK};

use crate::{
    args::{GapsArgs, dates},
    aws::{athena, lists, s3, target::Target},
    exit::Exit,
    output::{console::Console, progress::ProgressDisplay},
    trading_day::BarsByHour,
};
use coverage::{Coverage, Missing};
use json::{DayJson, GapsJson};

/// The query, with `?` for its parameters.
const SQL: &str = include_str!("../../../sql/coverage.sql");

/// The columns of the query's result that are used.
#[derive(Debug, Clone, Deserialize)]
pub struct LakeRow {
    pub trade_date: TradeDate,
    pub symbol: Symbol,
    /// The distinct bars of that symbol and day.
    pub bars_by_hour: BarsByHour,
    /// Yahoo's code, as of the newest collection; `None` where it gave none.
    pub currency: Option<String>,
    /// Whether bars at another scale or in another currency are left out.
    pub restated: bool,
}

pub async fn gaps(args: GapsArgs, console: &Console) -> anyhow::Result<Exit> {
    let now = Timestamp::now();
    let range = args.period.range(now)?;
    let progress = console.progress();
    let target = Target::find(&args.target, &progress).await?;
    progress.start_step("querying the lake");
    let symbols = lists::symbols(&target, &args.period.what).await?;
    let rows = rows(&target, &range, args.period.interval, &progress).await?;
    progress.clear();
    let days = coverage::of(dates(&range), rows, &symbols, args.period.interval, now)?;
    let exit = exit(&days);
    let json = GapsJson {
        place: target.place(),
        from: *range.start(),
        to: *range.end(),
        interval: args.period.interval,
        complete: exit != Exit::Incomplete,
        days: days.iter().map(DayJson::from).collect(),
    };
    console.answer(&text(&days), &json)?;
    if let Some(advice) = advice(&args, &days, &target, now) {
        progress.report(&advice);
    }
    Ok(exit)
}

/// The rows of a range, by date. One that the workgroup does not let a query read at once is queried in parts.
async fn rows(
    target: &Target,
    range: &RangeInclusive<TradeDate>,
    interval: Interval,
    progress: &ProgressDisplay,
) -> anyhow::Result<impl Iterator<Item = anyhow::Result<LakeRow>>> {
    let parts = match athena::bytes_limit(target).await? {
        None => vec![range.clone()],
        Some(limit) => {
            let folders = (target.output("DataBucket")?, "bars/trade_date=");
            ranges::within(range, &s3::bytes_by_date(&target.s3, folders, range).await?, limit)
        }
    };
    let mut rows = Vec::with_capacity(parts.len());
    for (number, part) in (1..).zip(&parts) {
        if parts.len() > 1 {
            progress.start_step(&format!("querying the lake, part {number} of {}", parts.len()));
        }
        rows.push(athena::query(target, SQL, &parameters(part, interval)).await?);
    }
    Ok(rows.into_iter().flatten())
}

/// The table, its sum, and what the codes of minor units stand for.
fn text(days: &[Coverage]) -> String {
    let table = (!days.is_empty()).then(|| table::of(days, None));
    let units = currency::minor_units(days.iter().flat_map(|day| day.currencies.iter().map(String::as_str)));
    table.into_iter().chain([table::total(days)]).chain(units).collect::<Vec<_>>().join("\n")
}

fn exit(days: &[Coverage]) -> Exit {
    if days.iter().any(|day| day.missing != Missing::Nothing) {
        Exit::Incomplete
    } else if days.is_empty() {
        Exit::NoSession
    } else {
        Exit::Done
    }
}

/// The values of the query's `?`, in their order, as SQL literals; no date and no interval holds a quote.
fn parameters(range: &RangeInclusive<TradeDate>, interval: Interval) -> Vec<String> {
    [range.start().to_string(), range.end().to_string(), interval.to_string()].map(|value| format!("'{value}'")).into()
}

/// The commands that fill the gaps; `None` when there are none.
fn advice(args: &GapsArgs, days: &[Coverage], target: &Target, now: Timestamp) -> Option<String> {
    let interval = args.period.interval;
    let source = target.source(None);
    let earliest = source.map(|source| source.earliest(interval, now, &NEW_YORK.zone));
    gap_range(days, None)?;
    let Some((first, last)) = gap_range(days, earliest) else {
        let label = source.map_or("the market", |source| source.label);
        return Some(format!("{label} has no {interval} bars of those days any more"));
    };
    let options = options(args);
    let mut advice = format!("next:\n  cargo finstream backfill --from {first} --to {last}{options}");
    let with_gaps = days.iter().find(|day| day.date >= first && matches!(day.missing, Missing::Some { .. }));
    if let Some(Coverage { date, .. }) = with_gaps {
        advice += &format!(
            "\nand, for a day that it shows as already done:\n  cargo finstream run --trade-date {date}{options}"
        );
    }
    Some(advice)
}

/// The first and the last day with missing bars, from `earliest` on.
fn gap_range(days: &[Coverage], earliest: Option<TradeDate>) -> Option<(TradeDate, TradeDate)> {
    let kept = |date: &TradeDate| earliest.is_none_or(|earliest| *date >= earliest);
    let mut dates = days.iter().filter(|day| day.missing != Missing::Nothing).map(|day| day.date).filter(kept);
    let first = dates.next()?;
    Some((first, dates.next_back().unwrap_or(first)))
}

/// The options of this command, to repeat them in the next one.
fn options(args: &GapsArgs) -> String {
    let mut options = args.period.what.options();
    if args.period.interval != Interval::default() {
        options += &format!(" --interval {}", args.period.interval);
    }
    options + &args.target.options()
}

#[cfg(test)]
mod tests;
