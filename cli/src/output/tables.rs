//! Results as text: the hourly extremes, the symbols without bars, a failure and what to do about it.

use comfy_table::{
    Cell, CellAlignment::Right, ColumnConstraint::ContentWidth, ContentArrangement, LineStyle, Row, Table,
    presets::UTF8_HORIZONTAL_ONLY,
};
use shared::{
    HourlyExtreme, Symbol, TradeDate, currency,
    format::{clock, price, thousands},
    payload::{CarriedOver, CollectedSymbol, FailedSymbol, SymbolOutcomes},
};

use super::hints;
use crate::aws::history::ExecutionFailure;

/// The result of a run: its rows, its symbols with missing bars, and where the prices are from. `width` is that of
/// the terminal unless given, in columns, here as below.
pub fn exported(
    rows: &[HourlyExtreme],
    bars: usize,
    symbols: &SymbolOutcomes,
    restated: &[Symbol],
    carried_over: &[CarriedOver],
    simulated: bool,
    width: Option<u16>,
) -> String {
    let companies = rows.chunk_by(|a, b| a.symbol == b.symbol).count();
    let summary = format!(
        "companies: {}, company hours: {}, bars: {}\n{}",
        thousands(companies),
        thousands(rows.len()),
        thousands(bars),
        price_source(simulated)
    );
    let SymbolOutcomes { collected, failed } = symbols;
    [
        extremes(rows, width),
        minor_units(rows),
        short_of_bars(collected, width),
        remarks(collected, width),
        without_bars(failed, width),
        renamed(collected),
        restated_symbols(restated),
        of_an_earlier_run(carried_over),
        summary,
    ]
    .concat()
}

/// The result of a run for a day without trading.
pub fn no_session(trade_date: TradeDate, failed: &[FailedSymbol], simulated: bool, width: Option<u16>) -> String {
    let market = if simulated { "simulated exchange" } else { "exchange" };
    let failed = without_bars(failed, width);
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
/// that 80 columns are enough.
fn extremes(rows: &[HourlyExtreme], width: Option<u16>) -> String {
    let mut table = table(&["company", "hour", "high @ time", "low @ time", "bars", "volume"], width);
    for company in rows.chunk_by(|a, b| a.symbol == b.symbol) {
        let lines = |text: &dyn Fn(&HourlyExtreme) -> String| {
            Cell::new(company.iter().map(text).collect::<Vec<_>>().join("\n"))
        };
        table.add_row(Row::from(vec![
            Cell::new(company.first().map(listing).unwrap_or_default()),
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
fn listing(row: &HourlyExtreme) -> String {
    let currency = row.currency.as_deref().unwrap_or(currency::UNKNOWN);
    format!("{}\n{}, {currency}", row.company_name, row.symbol)
}

/// What the codes of minor units among the rows' currencies stand for, one per line.
fn minor_units(rows: &[HourlyExtreme]) -> String {
    let units = currency::minor_units(rows.iter().filter_map(|row| row.currency.as_deref()));
    units.into_iter().map(|unit| unit + "\n").collect()
}

/// The symbols that have some bars but not all, and the missing ones; empty when there are none.
fn short_of_bars(collected: &[CollectedSymbol], width: Option<u16>) -> String {
    let short: Vec<_> = collected.iter().filter(|symbol| symbol.is_short()).collect();
    if short.is_empty() {
        return String::new();
    }
    let mut table = compact_table(&["short of bars", "bars", "missing, by their start"], width);
    for symbol in short {
        table.add_row([symbol.symbol.as_str(), &symbol.describe_bars(), &symbol.missing()]);
    }
    if let Some(column) = table.column_mut(1) {
        column.set_constraint(ContentWidth);
    }
    format!("{table}\n")
}

/// What a reader should know of the bars; empty when that is nothing.
fn remarks(collected: &[CollectedSymbol], width: Option<u16>) -> String {
    let all = collected.iter().flat_map(|symbol| symbol.remarks.iter().map(move |remark| (&symbol.symbol, remark)));
    let mut table = compact_table(&["remarks", "kind", "bars", "detail"], width);
    for (symbol, remark) in all {
        table.add_row([symbol.as_str(), &remark.kind.label(), &thousands(remark.bars), &remark.detail]);
    }
    for column in table.column_iter_mut().skip(1).take(2) {
        column.set_constraint(ContentWidth);
    }
    if table.is_empty() { String::new() } else { format!("{table}\n") }
}

/// The symbols of which bars of another scale or currency were left out.
fn restated_symbols(restated: &[Symbol]) -> String {
    let symbols: Vec<_> = restated.iter().map(Symbol::as_str).collect();
    if symbols.is_empty() {
        return String::new();
    }
    format!("restated: {}; bars of another scale or currency are left out\n", symbols.join(", "))
}

/// The symbols whose rows are of an earlier run.
fn of_an_earlier_run(carried_over: &[CarriedOver]) -> String {
    let symbols: Vec<_> = carried_over.iter().map(ToString::to_string).collect();
    if symbols.is_empty() {
        return String::new();
    }
    format!("from an earlier run: {}\n", symbols.join(", "))
}

/// The symbols that Yahoo lists under another name, one per line.
fn renamed(collected: &[CollectedSymbol]) -> String {
    let renamed = collected.iter().filter_map(|symbol| Some((&symbol.symbol, symbol.queried_as.as_ref()?)));
    renamed.map(|(symbol, queried_as)| format!("{symbol} was queried as {queried_as}\n")).collect()
}

/// The symbols without bars, and why; empty when there are none.
fn without_bars(failed: &[FailedSymbol], width: Option<u16>) -> String {
    if failed.is_empty() {
        return String::new();
    }
    let mut table = compact_table(&["without bars", "reason", "detail"], width);
    for FailedSymbol { symbol, reason, detail, .. } in failed {
        table.add_row([symbol.as_str(), &reason.label(), detail]);
    }
    format!("{table}\n")
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
