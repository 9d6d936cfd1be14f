//! Results as text: the hourly extremes, the symbols without bars, a failure and what to do about it.

use std::collections::BTreeSet;

use comfy_table::{
    Cell,
    CellAlignment::Right,
    ColumnConstraint::{ContentWidth, LowerBoundary},
    ContentArrangement, LineStyle, Row, Table, Width,
    presets::UTF8_HORIZONTAL_ONLY,
};
use console::{measure_text_width, truncate_str};
use shared::{
    CompanyDay, HourlyExtreme, MarketSource, Source, TradeDate, currency,
    format::{clock, price, thousands},
    payload::FailedSymbol,
};

use super::{hints, result, terminal::Terminal};
use crate::aws::history::ExecutionFailure;

/// The result of a run for a day without trading.
pub fn no_session(trade_date: TradeDate, failed: &[FailedSymbol], simulated: bool, terminal: Terminal) -> String {
    let market = if simulated { "simulated exchange" } else { "exchange" };
    let entries = result::without_bars(failed);
    let failed = if entries.is_empty() { String::new() } else { result::note("without bars", &entries, terminal) };
    format!("{failed}{trade_date}: no session (outcome no_session): the {market} did not trade")
}

/// A failure: what failed, the error, its cause, what to do about it, and how to see the execution again.
pub fn failed(headline: &str, failure: &ExecutionFailure, follow_hint: &str) -> String {
    let ExecutionFailure { error, cause } = failure;
    let cause = if cause.is_empty() { "none was given" } else { cause.trim() };
    format!(
        "{headline}: {error}\n  cause: {}\n  next:  {}\n  show:  {follow_hint}",
        cause.replace('\n', "\n         "),
        hints::hint(error)
    )
}

/// Where the prices are from: every result says whether they are real and, where that is known, the sources.
pub fn price_source(simulated: bool, sources: impl IntoIterator<Item = MarketSource>) -> String {
    if simulated {
        return "simulated prices: made up by finstream's simulated market, not market data".to_owned();
    }
    let titles: BTreeSet<_> = sources.into_iter().map(|source| source.title).collect();
    let (titles, give) = match titles.len() {
        0 => ("their source".to_owned(), "gives"),
        1 => (titles.into_iter().collect(), "gives"),
        _ => (titles.into_iter().collect::<Vec<_>>().join(" and "), "give"),
    };
    format!("prices as {titles} {give} them")
}

/// The sources that rows of the CSV name.
pub fn sources(rows: &[HourlyExtreme]) -> impl Iterator<Item = MarketSource> {
    rows.iter().filter_map(|row| match row.source {
        Some(Source::Market(source)) => Some(source),
        _ => None,
    })
}

/// A column of [`hours`]: its header, and what it says of an hour.
type HourColumn = (&'static str, fn(&HourlyExtreme) -> String);

/// The columns of [`hours`] beside the company; a narrow terminal leaves out the last ones.
const HOUR_COLUMNS: [HourColumn; 5] = [
    ("hour", |row| row.hour.to_string()),
    ("high @ time", |row| format!("{} @ {}", price(row.highest_hourly_price), clock(&row.datetime_high))),
    ("low @ time", |row| format!("{} @ {}", price(row.lowest_hourly_price), clock(&row.datetime_low))),
    ("bars", |row| row.bars.to_string()),
    ("volume", |row| thousands(row.volume)),
];

/// Those of a terminal that is too narrow for the times, too.
const NARROW_HOUR_COLUMNS: [HourColumn; 3] = [
    ("hour", |row| row.hour.to_string()),
    ("high", |row| price(row.highest_hourly_price)),
    ("low", |row| price(row.lowest_hourly_price)),
];

/// The least width of the column of companies, with the space on either side.
const MIN_COMPANY: u16 = 12 + 2;

/// One table row for each company, with a line for each hour. The symbol and the currency are below the company's name, so
/// that 80 columns are enough; a narrower terminal leaves out the volume, then the bars, then the times. `width` is that of
/// the terminal unless given, in columns, here as below.
pub fn hours(days: &[CompanyDay<'_>], width: Option<u16>) -> String {
    let width = table(&[], width).width().filter(|width| *width > 0);
    let limit = width.map_or(usize::MAX, usize::from);
    let fits = |text: &String| text.lines().all(|line| measure_text_width(line) <= limit);
    let all = HOUR_COLUMNS.len();
    let texts = (3..=all).rev().map(|count| hours_with(days, &HOUR_COLUMNS[..count], width));
    // Prices of many digits may be too wide even without the times.
    let text = texts.into_iter().find(fits).unwrap_or_else(|| hours_with(days, &NARROW_HOUR_COLUMNS, width));
    text.lines().map(|line| truncate_str(line, limit, "…") + "\n").collect()
}

fn hours_with(days: &[CompanyDay<'_>], columns: &[HourColumn], width: Option<u16>) -> String {
    let header: Vec<_> = std::iter::once("company").chain(columns.iter().map(|(name, _)| *name)).collect();
    let mut table = table(&header, Some(width.unwrap_or_default()));
    for day in days {
        let cells =
            columns.iter().map(|(_, cell)| Cell::new(day.hours.iter().map(cell).collect::<Vec<_>>().join("\n")));
        table.add_row(Row::from(std::iter::once(Cell::new(listing(day))).chain(cells).collect::<Vec<_>>()));
    }
    // Only the company may wrap: a wrapped number would move the hours below it.
    for (at, column) in table.column_iter_mut().enumerate() {
        if at == 0 {
            column.set_constraint(LowerBoundary(Width::Fixed(MIN_COMPANY)));
        } else {
            column.set_constraint(ContentWidth);
            column.set_cell_alignment(Right);
        }
    }
    table.to_string()
}

/// The company's name, and below it the symbol and the currency of its prices.
fn listing(day: &CompanyDay<'_>) -> String {
    let currency = day.currency.unwrap_or(currency::UNKNOWN);
    format!("{}\n{}, {currency}", day.name, day.symbol)
}

/// An empty table without lines between its rows.
pub fn compact_table(header: &[&str], width: Option<u16>) -> Table {
    let mut table = table(header, width);
    table.style_mut().row_separator = LineStyle::none();
    table
}

/// Where the cells of [`day_table`] may be broken into lines. It prints as a space, so that an ordinary space, as in
/// `META 77 of 78`, can be one where they may not.
pub const BREAK: char = '\u{a0}';

/// An empty table with a row for each day: the columns that `backfill` and `gaps` share, and `more`.
pub fn day_table(more: &[&str], width: Option<u16>) -> Table {
    let first = ["trade date", "session", "symbols", "bars", "expected"];
    let mut table = compact_table(&[&first, more].concat(), width);
    for column in table.column_iter_mut().take(first.len()) {
        column.set_constraint(ContentWidth);
    }
    for column in table.column_iter_mut().take(first.len()).skip(2) {
        column.set_cell_alignment(Right);
    }
    for column in table.column_iter_mut().skip(first.len()) {
        column.set_delimiter(BREAK);
    }
    table
}

fn table(header: &[&str], width: Option<u16>) -> Table {
    let mut table = Table::new();
    table
        .load_style(UTF8_HORIZONTAL_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(header.to_vec());
    let terminal = || Terminal::stdout().width.and_then(|width| u16::try_from(width).ok());
    if let Some(width) = width.or_else(terminal) {
        table.set_width(width);
    }
    if width == Some(0) {
        table.set_content_arrangement(ContentArrangement::Disabled);
    }
    table
}

#[cfg(test)]
mod tests;
