//! The report: one self-contained HTML page that shows the day at a glance, and is whole without its script.
//!
//! The values and the geometry are prepared here and in the modules below; markup, style and script are in `templates/`.
//! No charting library is used: those set colours and fonts on every element, which would then not follow dark mode and print.

mod candles;
mod company;
mod comparison;
mod content_security_policy;
mod hours;
mod overview;
mod scale;
mod session;
mod sparkline;

use std::collections::BTreeSet;

use askama::Template;
use jiff::{ToSpan, civil::Date};
use shared::{
    HourlyExtreme, Interval, Symbol, currency,
    payload::{CarriedOver, CollectedSymbol, Collection},
    trading_calendar::NEW_YORK,
};

use crate::{error::InvalidResult, query_result::QueryResult};
use candles::Candles;
use company::Company;
use comparison::{Comparison, TimeAxis};
use content_security_policy::{POLICY, SCRIPT, STYLE};
use hours::Hours;
use overview::Movers;
use sparkline::Sparkline;

/// With more companies the hours are shown of the best and the worst alone, and the candles of those that are chosen.
const MAX_PANELS: usize = comparison::MAX_LINES;

#[derive(Template)]
#[template(path = "report.html", whitespace = "minimize")]
struct Report<'a> {
    collection: &'a Collection,
    day: String,
    hours_of_session: String,
    currencies: String,
    is_mixed: bool,
    minor_units: String,
    neighbours: [Date; 2],
    sentence: String,
    movers: Vec<Movers<'a>>,
    comparison: Option<Comparison<'a>>,
    rows: Vec<Row<'a>>,
    is_large: bool,
    hours: Hours<'a>,
    collected_at: String,
    without_previous_close: bool,
    short: Vec<Short<'a>>,
    filled: Vec<(&'a Symbol, usize)>,
    renamed: Vec<(&'a Symbol, &'a Symbol)>,
    remarked: Vec<&'a CollectedSymbol>,
    restated: Vec<Symbol>,
    carried_over: Vec<CarriedOver>,
}

/// A company's row of the table, and its panel.
struct Row<'a> {
    company: Company<'a>,
    sparkline: Option<Sparkline>,
    candles: Option<Candles>,
}

/// A symbol that lacks bars.
struct Short<'a> {
    symbol: &'a Symbol,
    bars: String,
    missing: String,
}

impl<'a> Short<'a> {
    fn of(company: &Company<'a>, interval: Interval) -> Option<Self> {
        (company.missing() > 0).then(|| Self {
            symbol: company.symbol(),
            bars: company.bars(),
            missing: company.describe_missing(interval),
        })
    }
}

/// The page of a run, for the rows of the query's result.
///
/// # Errors
/// [`InvalidResult::Unwritable`] where the template fails.
pub fn render(collection: &Collection, result: &QueryResult) -> Result<String, InvalidResult> {
    let collected = &collection.symbols.collected;
    let companies = Company::all(result, collection);
    let axis = TimeAxis::of(&companies, collection.interval);
    let comparison = Comparison::of(&companies, axis, collection.interval);
    let is_large = companies.len() > MAX_PANELS;
    let in_comparison: BTreeSet<_> = comparison.iter().flat_map(|it| &it.lines).map(|line| line.symbol).collect();
    let shown: Vec<_> =
        companies.iter().filter(|company| !is_large || in_comparison.contains(company.symbol())).collect();
    let span = span(&result.rows);
    let currencies: BTreeSet<_> = companies.iter().map(Company::currency).collect();
    let report = Report {
        collection,
        day: collection.trade_date.date().strftime("%A, %-d %B %Y").to_string(),
        hours_of_session: session::hours(&companies, collection.interval),
        currencies: Vec::from_iter(currencies.iter().copied()).join(", "),
        is_mixed: currencies.len() > 1,
        minor_units: currency::minor_units(result.rows.iter().filter_map(|row| row.currency.as_deref())).join("; "),
        neighbours: neighbours(collection),
        sentence: overview::sentence(&companies, collection),
        movers: overview::movers(&companies),
        comparison,
        is_large,
        hours: Hours::of(&shown, span),
        collected_at: collection.collected_at.strftime("%Y-%m-%d %H:%M UTC").to_string(),
        without_previous_close: companies.iter().any(|company| company.day.previous_close.is_none()),
        short: companies.iter().filter_map(|company| Short::of(company, collection.interval)).collect(),
        filled: companies
            .iter()
            .map(|company| (company.symbol(), company.of_earlier_runs()))
            .filter(|(_, bars)| *bars > 0)
            .collect(),
        renamed: collected.iter().filter_map(|it| Some((&it.symbol, it.queried_as.as_ref()?))).collect(),
        remarked: collected.iter().filter(|symbol| !symbol.remarks.is_empty()).collect(),
        restated: result.restated(),
        carried_over: result.carried_over(&collection.symbols),
        rows: companies
            .into_iter()
            .map(|company| Row {
                sparkline: Sparkline::of(&company, axis, collection.interval),
                candles: Candles::of(&company, span),
                company,
            })
            .collect(),
    };
    report.render().map_err(|error| InvalidResult::Unwritable(error.to_string()))
}

/// The first and the last hour of all rows.
fn span(rows: &[HourlyExtreme]) -> (i8, i8) {
    let hours = || rows.iter().map(|row| row.hour);
    (hours().min().unwrap_or_default(), hours().max().unwrap_or_default())
}

/// The days before and after, of which there may be reports: New York's trading days, by which `gaps` and `backfill` go, too,
/// and all days where everything trades around the clock.
fn neighbours(collection: &Collection) -> [Date; 2] {
    let date = collection.trade_date.date();
    let around_the_clock = collection.symbols.collected.iter().all(|symbol| symbol.expected.is_none());
    let trading_days = (NEW_YORK.previous(date), NEW_YORK.next(date));
    match trading_days {
        (Some(previous), Some(next)) if !around_the_clock => [previous, next],
        _ => [date.saturating_sub(1.day()), date.saturating_add(1.day())],
    }
}

#[cfg(test)]
mod tests;
