//! The report: one self-contained HTML page that shows the day at a glance, and is whole without its script.
//!
//! The values and the geometry are prepared here and in the modules below; markup, style and script are in `templates/`.
//! No charting library is used: those set colours and fonts on every element, which would then not follow dark mode and print.

mod candles;
mod company;
mod comparison;
mod content_security_policy;
mod distribution;
mod hours;
mod lines;
mod listed;
mod overview;
mod rankings;
mod scale;
mod session;
mod sparkline;
mod summary;

use std::collections::BTreeSet;

use askama::Template;
use jiff::{ToSpan, civil::Date};
use shared::{
    Symbol, currency, format,
    payload::{CarriedOver, CollectedSymbol, Collection, FailedSymbol, SymbolOutcomes},
    trading_calendar::NEW_YORK,
};

use crate::error::InvalidResult;
use candles::Candles;
use company::Company;
use comparison::{Comparison, TimeAxis};
use content_security_policy::{POLICY, SCRIPT, STYLE};
use hours::Hours;
use listed::Listed;
use rankings::Movers;
use sparkline::Sparkline;
pub use summary::Summary;

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
    summary: &'a Summary<'a>,
    hours: Hours<'a>,
    collected_at: String,
    failed: Listed<&'a FailedSymbol>,
    renamed: Listed<(&'a Symbol, &'a Symbol)>,
    remarked: Listed<&'a CollectedSymbol>,
    restated: Listed<&'a Symbol>,
    carried_over: Listed<&'a CarriedOver>,
}

/// A company's row of the table, and its panel.
struct Row<'a> {
    company: Company<'a>,
    sparkline: Option<Sparkline>,
    candles: Option<Candles>,
}

/// The page of a run, of the companies that `summary` is of.
///
/// # Errors
/// `InvalidResult::Unwritable` where the template fails.
pub fn render(
    collection: &Collection,
    outcomes: &SymbolOutcomes,
    summary: &Summary<'_>,
    restated: &[Symbol],
    carried_over: &[CarriedOver],
) -> Result<String, InvalidResult> {
    let rows = summary.rows();
    let companies: Vec<_> = rows.iter().filter_map(|rows| summary.company(rows)).collect();
    let (totals, interval) = (&summary.totals, collection.interval);
    let axis = TimeAxis::of(totals.minutes.unwrap_or_default(), interval);
    let comparison = Comparison::of(&companies, &summary.distribution, axis, interval);
    let is_large = companies.len() > MAX_PANELS;
    let in_comparison: BTreeSet<_> = comparison.iter().flat_map(|it| &it.lines).map(|line| line.symbol).collect();
    let shown: Vec<_> =
        companies.iter().filter(|company| !is_large || in_comparison.contains(company.symbol())).collect();
    let span = totals.hours.unwrap_or_default();
    let report = Report {
        collection,
        day: collection.trade_date.date().strftime("%A, %-d %B %Y").to_string(),
        hours_of_session: totals.sessions.describe(interval),
        currencies: Vec::from_iter(totals.currencies.iter().map(String::as_str)).join(", "),
        is_mixed: totals.currencies.len() > 1,
        minor_units: currency::minor_units(totals.currencies.iter().map(String::as_str)).join("; "),
        neighbours: neighbours(collection, outcomes),
        sentence: overview::sentence(summary, outcomes),
        movers: summary.rankings.movers(!summary.is_whole()),
        comparison,
        is_large,
        summary,
        hours: Hours::of(&shown, span),
        collected_at: collection.collected_at.strftime("%Y-%m-%d %H:%M UTC").to_string(),
        failed: outcomes.failed.iter().collect(),
        renamed: outcomes.collected.iter().filter_map(|it| Some((&it.symbol, it.queried_as.as_ref()?))).collect(),
        remarked: outcomes.collected.iter().filter(|symbol| !symbol.remarks.is_empty()).collect(),
        restated: restated.iter().collect(),
        carried_over: carried_over.iter().collect(),
        rows: companies
            .into_iter()
            .map(|company| Row {
                sparkline: Sparkline::of(&company, axis, interval),
                candles: Candles::of(&company, span),
                company,
            })
            .collect(),
    };
    report.render().map_err(|error| InvalidResult::Unwritable(error.to_string()))
}

/// The days before and after, of which there may be reports: New York's trading days, by which `gaps` and `backfill` go, too,
/// and all days where everything trades around the clock.
fn neighbours(collection: &Collection, outcomes: &SymbolOutcomes) -> [Date; 2] {
    let date = collection.trade_date.date();
    let around_the_clock = outcomes.collected.iter().all(|symbol| symbol.expected.is_none());
    let trading_days = (NEW_YORK.previous(date), NEW_YORK.next(date));
    match trading_days {
        (Some(previous), Some(next)) if !around_the_clock => [previous, next],
        _ => [date.saturating_sub(1.day()), date.saturating_add(1.day())],
    }
}

#[cfg(test)]
pub mod tests;
