//! Results as text: the hourly extremes, the symbols without bars, a failure and what to do about it.

use comfy_table::{
    Cell, CellAlignment::Right, ColumnConstraint::ContentWidth, ContentArrangement, LineStyle, Row, Table,
    presets::UTF8_HORIZONTAL_ONLY,
};
use shared::{
    CompanyDay, HourlyExtreme, TradeDate, currency,
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

/// Where the prices are from: every result says whether they are real.
pub fn price_source(simulated: bool) -> &'static str {
    if simulated {
        "simulated prices: made up by finstream's simulated market, not market data"
    } else {
        "prices as Yahoo Finance gives them"
    }
}

/// One table row for each company, with a line for each hour. The symbol and the currency are below the company's name, so
/// that 80 columns are enough. `width` is that of the terminal unless given, in columns, here as below.
pub fn hours(days: &[CompanyDay<'_>], width: Option<u16>) -> String {
    let mut table = table(&["company", "hour", "high @ time", "low @ time", "bars", "volume"], width);
    for day in days {
        let lines = |text: &dyn Fn(&HourlyExtreme) -> String| {
            Cell::new(day.hours.iter().map(text).collect::<Vec<_>>().join("\n"))
        };
        table.add_row(Row::from(vec![
            Cell::new(listing(day)),
            lines(&|row| row.hour.to_string()),
            lines(&|row| format!("{} @ {}", price(row.highest_hourly_price), clock(&row.datetime_high))),
            lines(&|row| format!("{} @ {}", price(row.lowest_hourly_price), clock(&row.datetime_low))),
            lines(&|row| row.bars.to_string()),
            lines(&|row| thousands(row.volume)),
        ]));
    }
    // Only the company may wrap: a wrapped number would move the hours below it.
    for column in table.column_iter_mut().skip(1) {
        column.set_constraint(ContentWidth);
        column.set_cell_alignment(Right);
    }
    format!("{table}\n")
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
    if let Some(width) = width {
        table.set_width(width);
    }
    // A terminal that does not know its width says 0.
    if table.width() == Some(0) {
        table.set_content_arrangement(ContentArrangement::Disabled);
    }
    table
}

#[cfg(test)]
mod tests;
