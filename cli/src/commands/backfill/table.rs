//! The days of a backfill as a table: the expected bars, the exported ones, and the gaps.

use shared::{
    format::thousands,
    payload::{CollectedSymbol, FailedSymbol},
};

use super::outcome::{DayOutcome, DayReport, Exported};
use crate::output::{
    format::pluralize,
    tables::{self, BREAK},
};

/// How many gaps of one symbol are listed; of one with more only the number is shown.
const MAX_GAPS: usize = 3;
/// How many symbols of one day are listed before the rest is counted.
const MAX_SYMBOLS: usize = 8;

/// The table. `width`, in columns, is that of the terminal unless given.
pub fn of(reports: &[DayReport], width: Option<u16>) -> String {
    let mut table = tables::day_table(&["gaps", "result"], width);
    for report in reports {
        let [symbols, bars, expected, gaps] = report.exported().map(counts).unwrap_or_default();
        table.add_row([report.date.to_string(), report.session.into(), symbols, bars, expected, gaps, result(report)]);
    }
    table.to_string()
}

fn counts(day: &Exported) -> [String; 4] {
    let expected = day.expected.map_or_else(|| "?".to_owned(), thousands);
    [day.symbols.collected.len().to_string(), thousands(day.bars()), expected, gaps(day)]
}

fn result(report: &DayReport) -> String {
    match &report.outcome {
        DayOutcome::Closed => String::new(),
        DayOutcome::NoSession => "no session".to_owned(),
        DayOutcome::NotOver => "not over yet".to_owned(),
        DayOutcome::NotRun => "not run".to_owned(),
        DayOutcome::Exported(Exported { seconds: None, .. }) => "already done".to_owned(),
        DayOutcome::Exported(_) => "exported".to_owned(),
        DayOutcome::Failed { failure, .. } => format!("failed with{BREAK}{}", failure.error),
    }
}

/// `SNAP 10:05, 12:30-12:40; TTD 3 bars; ZZZZ unknown symbol; NFLX restated`.
fn gaps(day: &Exported) -> String {
    let short = day.symbols.collected.iter().filter(|symbol| symbol.is_short()).map(short);
    let restated = day.restated.iter().map(|symbol| format!("{symbol} restated"));
    let mut all: Vec<_> = short.chain(day.symbols.failed.iter().map(without)).chain(restated).collect();
    if all.len() > MAX_SYMBOLS {
        let more = all.split_off(MAX_SYMBOLS).len();
        all.push(format!("{} more", pluralize(more, "symbol")));
    }
    all.join(&format!(";{BREAK}"))
}

fn short(symbol: &CollectedSymbol) -> String {
    let CollectedSymbol { symbol, bars, expected, gaps, .. } = symbol;
    match gaps {
        Some(gaps) if (1..=MAX_GAPS).contains(&gaps.len()) => {
            let gaps: Vec<_> = gaps.iter().map(ToString::to_string).collect();
            format!("{symbol} {}", gaps.join(&format!(",{BREAK}")))
        }
        _ => format!("{symbol} {}", pluralize(expected.unwrap_or(*bars).saturating_sub(*bars), "bar")),
    }
}

fn without(FailedSymbol { symbol, reason, .. }: &FailedSymbol) -> String {
    format!("{symbol} {}", reason.label().replace(' ', &BREAK.to_string()))
}

/// The number of days by outcome, and the sum of their bars.
pub fn total(reports: &[DayReport]) -> String {
    let days = |wanted: fn(&DayOutcome) -> bool| reports.iter().filter(|report| wanted(&report.outcome)).count();
    let counts = [
        ("exported", days(|outcome| matches!(outcome, DayOutcome::Exported(day) if day.seconds.is_some()))),
        ("already done", days(|outcome| matches!(outcome, DayOutcome::Exported(day) if day.seconds.is_none()))),
        ("without a session", days(|outcome| matches!(outcome, DayOutcome::NoSession | DayOutcome::Closed))),
        ("not over yet", days(|outcome| matches!(outcome, DayOutcome::NotOver))),
        ("not run", days(|outcome| matches!(outcome, DayOutcome::NotRun))),
        ("failed", days(|outcome| matches!(outcome, DayOutcome::Failed { .. }))),
    ];
    let counts = counts.iter().filter(|(_, days)| *days > 0).map(|(what, days)| format!("{what}: {days}"));
    let exported = reports.iter().filter_map(DayReport::exported);
    let known = exported.filter_map(|day| Some((day.bars(), day.expected?)));
    let (bars, expected): (Vec<_>, Vec<_>) = known.unzip();
    let (bars, expected): (usize, usize) = (bars.iter().sum(), expected.iter().sum());
    let bars = (expected > 0).then(|| format!("bars: {} of {}", thousands(bars), thousands(expected)));
    match counts.chain(bars).collect::<Vec<_>>() {
        none if none.is_empty() => "no trading day of that range is over".to_owned(),
        all => all.join(", "),
    }
}

/// Whether any exported day has simulated prices; `None` when no day was exported.
pub fn simulated(reports: &[DayReport]) -> Option<bool> {
    reports.iter().filter_map(DayReport::exported).map(|day| day.simulated).reduce(|any, next| any || next)
}
