//! The executions as a table.

use comfy_table::ColumnConstraint::ContentWidth;
use console::measure_text_width;
use shared::{
    Symbol,
    format::thousands,
    payload::{RunOutcome, RunSymbols},
};

use super::{Listed, Outcome, Requested};
use crate::{
    aws::execution::RunResult,
    output::{
        format::{format_duration, pluralize},
        tables,
        terminal::Terminal,
    },
};

const HEADER: [&str; 5] = ["execution", "started (UTC)", "took", "list or symbols", "result"];

/// The columns that are left out where the terminal is too narrow, by their places in the header, the first to go first.
const OPTIONAL: [usize; 2] = [2, 1];

/// The width that the result has at least, which is wrapped, in columns.
const MIN_RESULT_WIDTH: usize = 26;

/// The table. `width`, in columns, is that of the terminal unless given.
pub fn of(listed: &[Listed], width: Option<u16>) -> String {
    if listed.is_empty() {
        return "nothing has run yet: start a run with `cargo finstream run`".to_owned();
    }
    let rows: Vec<_> = std::iter::once(HEADER.map(str::to_owned)).chain(listed.iter().map(cells)).collect();
    let mut columns: Vec<_> = (0..HEADER.len()).collect();
    let width = width.map(usize::from).or(Terminal::stdout().width);
    for optional in OPTIONAL {
        if width.is_some_and(|width| width_without_result(&rows, &columns) + MIN_RESULT_WIDTH > width) {
            columns.retain(|column| *column != optional);
        }
    }
    let mut rows = rows.iter().map(|row| columns.iter().filter_map(|column| row.get(*column)).collect::<Vec<_>>());
    let header: Vec<_> = rows.next().unwrap_or_default().into_iter().map(String::as_str).collect();
    let mut table = tables::compact_table(&header, width.and_then(|width| u16::try_from(width).ok()));
    table.add_rows(rows);
    for column in table.column_iter_mut().take(columns.len() - 1) {
        column.set_constraint(ContentWidth);
    }
    table.to_string()
}

/// The columns of the terminal that all but the result take, each with its padding and a separator.
fn width_without_result(rows: &[[String; 5]], columns: &[usize]) -> usize {
    const PADDING: usize = 3;
    let widest =
        |column: &usize| rows.iter().filter_map(|row| row.get(*column)).map(|cell| measure_text_width(cell)).max();
    let fixed = columns.iter().filter(|column| HEADER.get(**column) != HEADER.last());
    fixed.filter_map(widest).map(|width| width + PADDING).sum::<usize>() + PADDING
}

fn cells(Listed { name, started, seconds, requested, outcome }: &Listed) -> [String; 5] {
    let started = started.strftime("%Y-%m-%d %H:%M").to_string();
    let took = seconds.map(format_duration).unwrap_or_default();
    let of = requested.as_ref().map(companies).unwrap_or_default();
    [name.clone(), started, took, of, describe(outcome)]
}

/// The list, or the symbols that were given by hand: `companies`, `META, SHOP`, `META and 499 more`.
fn companies(requested: &Requested) -> String {
    match requested {
        Requested::List(list) => list.to_string(),
        Requested::Symbols(symbols) => match &**symbols {
            [first, second] => format!("{first}, {second}"),
            [first, rest @ ..] if !rest.is_empty() => format!("{first} and {} more", rest.len()),
            symbols => symbols.iter().map(Symbol::to_string).collect(),
        },
    }
}

/// What was collected, or why it failed.
fn describe(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Running => "running".to_owned(),
        Outcome::Ended(result) => ended(result),
        Outcome::Unknown(reason) => format!("unknown: {reason}"),
    }
}

fn ended(result: &RunResult) -> String {
    match result {
        Ok(RunOutcome::Exported { trade_date, bars, symbols, .. }) => {
            format!("{trade_date}: {}", collected(*bars, symbols))
        }
        Ok(RunOutcome::NoSession { trade_date, .. }) => format!("{trade_date}: no session"),
        Err(failure) => {
            format!("failed with {}: {}", failure.error, failure.cause.lines().next().unwrap_or_default())
        }
    }
}

/// `777 bars of 10 symbols, 3 short; none of ZZZZ`.
fn collected(bars: usize, symbols: &RunSymbols) -> String {
    const MAX_NAMES: usize = 3;
    let of = pluralize(symbols.collected(), "symbol");
    let short = match symbols.short() {
        0 => String::new(),
        short => format!(", {} short", thousands(short)),
    };
    let (failed, count) = symbols.failed();
    let mut names: Vec<_> = failed.iter().take(MAX_NAMES).map(|failed| failed.symbol.to_string()).collect();
    if count > names.len() {
        names.push(format!("{} more", thousands(count - names.len())));
    }
    let without = if names.is_empty() { String::new() } else { format!("; none of {}", names.join(", ")) };
    format!("{} of {of}{short}{without}", pluralize(bars, "bar"))
}
