//! The executions as a table.

use comfy_table::ColumnConstraint::ContentWidth;
use shared::{
    format::thousands,
    payload::{RunOutcome, SymbolOutcomes},
};

use super::{Listed, Outcome};
use crate::output::{
    format::{format_duration, pluralize},
    tables,
};

/// The table. `width`, in columns, is that of the terminal unless given.
pub fn of(listed: &[Listed], width: Option<u16>) -> String {
    if listed.is_empty() {
        return "nothing has run yet: start a run with `cargo finstream run`".to_owned();
    }
    let mut table = tables::compact_table(&["execution", "started (UTC)", "took", "result"], width);
    for Listed { name, started, seconds, outcome } in listed {
        let started = started.strftime("%Y-%m-%d %H:%M").to_string();
        let took = seconds.map(format_duration).unwrap_or_default();
        table.add_row([name, &started, &took, &describe(outcome)]);
    }
    for column in table.column_iter_mut().take(3) {
        column.set_constraint(ContentWidth);
    }
    table.to_string()
}

/// What was collected, or why it failed.
fn describe(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Running => "running".to_owned(),
        Outcome::Ended(Ok(RunOutcome::Exported { trade_date, bars, symbols, .. })) => {
            format!("{trade_date}: {}", collected(*bars, symbols))
        }
        Outcome::Ended(Ok(RunOutcome::NoSession { trade_date, .. })) => format!("{trade_date}: no session"),
        Outcome::Ended(Err(failure)) => {
            format!("failed with {}: {}", failure.error, failure.cause.lines().next().unwrap_or_default())
        }
        Outcome::Unknown(reason) => format!("unknown: {reason}"),
    }
}

/// `777 bars of 10 symbols, 3 short; none of ZZZZ`.
fn collected(bars: usize, symbols: &SymbolOutcomes) -> String {
    const MAX_NAMES: usize = 3;
    let of = pluralize(symbols.collected.len(), "symbol");
    let short = match symbols.collected.iter().filter(|symbol| symbol.is_short()).count() {
        0 => String::new(),
        short => format!(", {} short", thousands(short)),
    };
    let mut names: Vec<_> = symbols.failed.iter().map(|failed| failed.symbol.to_string()).collect();
    if names.len() > MAX_NAMES {
        let more = names.split_off(MAX_NAMES).len();
        names.push(format!("{} more", thousands(more)));
    }
    let without = if names.is_empty() { String::new() } else { format!("; none of {}", names.join(", ")) };
    format!("{} of {of}{short}{without}", pluralize(bars, "bar"))
}
