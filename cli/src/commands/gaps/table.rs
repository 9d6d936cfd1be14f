//! The days of the lake as a table: the bars that it holds and those that are missing.

use shared::{Symbol, format::thousands};

use super::coverage::{Coverage, Missing};
use crate::output::tables::{self, BREAK};

/// How many symbols of a day are listed before the rest is counted.
const MAX_SYMBOLS: usize = 8;

/// The table. `width`, in columns, is that of the terminal unless given.
pub fn of(days: &[Coverage], width: Option<u16>) -> String {
    let mut table = tables::day_table(&["currency", "gaps"], width);
    for Coverage { date, session, symbols, bars, expected, currencies, missing, restated } in days {
        let expected = expected.map_or_else(|| "?".to_owned(), thousands);
        table.add_row([
            date.to_string(),
            (*session).into(),
            symbols.to_string(),
            thousands(bars),
            expected,
            currencies.join(&format!(",{BREAK}")),
            describe(missing, restated),
        ]);
    }
    table.to_string()
}

/// `META 77 of 78, SNAP 75 of 78; no bars of OKTA; restated: NFLX`.
fn describe(missing: &Missing, restated: &[Symbol]) -> String {
    let missing = match missing {
        Missing::Nothing => String::new(),
        Missing::Everything => "no bars at all".to_owned(),
        Missing::Some { short, without } => {
            let short = short.iter().map(|(symbol, bars, expected)| format!("{symbol} {bars} of {expected}"));
            let (short, without) = (list(short.collect()), list(without.iter().map(Symbol::to_string).collect()));
            let without = without.map(|names| format!("no bars of {names}"));
            short.into_iter().chain(without).collect::<Vec<_>>().join(&format!(";{BREAK}"))
        }
    };
    let restated = list(restated.iter().map(Symbol::to_string).collect());
    let parts = [Some(missing).filter(|text| !text.is_empty()), restated.map(|names| format!("restated: {names}"))];
    parts.into_iter().flatten().collect::<Vec<_>>().join(&format!(";{BREAK}"))
}

/// The first of the names, and how many more there are; `None` when there are none.
fn list(mut names: Vec<String>) -> Option<String> {
    if names.len() > MAX_SYMBOLS {
        let more = names.split_off(MAX_SYMBOLS).len();
        names.push(format!("and {more} more"));
    }
    (!names.is_empty()).then(|| names.join(&format!(",{BREAK}")))
}

/// The number of days by completeness. Days on which the exchange is closed do not count.
pub fn total(days: &[Coverage]) -> String {
    let count =
        |wanted: fn(&Coverage) -> bool| days.iter().filter(|day| day.expected != Some(0) && wanted(day)).count();
    let all = count(|_| true);
    if all == 0 {
        return "no trading day of that range is over".to_owned();
    }
    let counts = [
        ("complete", count(|day| day.missing == Missing::Nothing && day.expected.is_some())),
        ("with gaps", count(|day| matches!(day.missing, Missing::Some { .. }))),
        ("without any bars", count(|day| day.missing == Missing::Everything)),
    ];
    let counts = counts.map(|(what, days)| format!("{what}: {days}")).join(", ");
    match count(|day| day.missing == Missing::Nothing && day.expected.is_none()) {
        0 => format!("trading days: {all}, {counts}"),
        unknown => format!("trading days: {all}, {counts}, of unknown sessions: {unknown}"),
    }
}
