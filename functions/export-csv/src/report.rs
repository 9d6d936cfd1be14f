//! The report: one self-contained HTML page that shows the day at a glance.
//!
//! The values are prepared here and in `chart`; the markup and the style are in `templates/report.html`.

use std::collections::BTreeSet;

use askama::Template;
use jiff::tz::Offset;
use shared::{
    HourlyExtreme, Symbol, currency,
    format::{clock, price, thousands},
    payload::{CarriedOver, CollectedSymbol, Collection},
};

use crate::{
    chart::{self, Chart},
    error::InvalidResult,
    query_result::QueryResult,
};

#[derive(Template)]
#[template(path = "report.html", whitespace = "minimize")]
struct Report<'a> {
    collection: &'a Collection,
    day: String,
    collected_at: String,
    bars: String,
    offsets: String,
    currencies: String,
    minor_units: String,
    companies: Vec<Company<'a>>,
    short: Vec<&'a CollectedSymbol>,
    remarked: Vec<&'a CollectedSymbol>,
    restated: Vec<Symbol>,
    carried_over: Vec<CarriedOver>,
}

/// One company's rows, and its panel.
struct Company<'a> {
    name: &'a str,
    symbol: &'a Symbol,
    /// Yahoo's code, or that it is unknown.
    currency: &'a str,
    chart: Chart,
    /// The number of bars that were collected, and that of a session without gaps.
    bars: Option<String>,
    rows: &'a [HourlyExtreme],
}

/// The page of a run, for the rows of the query's result.
///
/// # Errors
/// [`InvalidResult::Unwritable`] where the template fails.
pub fn render(collection: &Collection, result: &QueryResult) -> Result<String, InvalidResult> {
    let rows = &result.rows;
    let report = Report {
        collection,
        day: collection.trade_date.date().strftime("%A, %-d %B %Y").to_string(),
        collected_at: collection.collected_at.strftime("%Y-%m-%d %H:%M UTC").to_string(),
        bars: collection.symbols.describe_bars(),
        offsets: offsets(rows),
        currencies: currencies(rows),
        minor_units: currency::minor_units(rows.iter().filter_map(|row| row.currency.as_deref())).join("; "),
        companies: companies(collection, rows),
        short: collection.symbols.collected.iter().filter(|symbol| symbol.is_short()).collect(),
        restated: result.restated(),
        carried_over: result.carried_over(&collection.symbols),
        remarked: collection.symbols.collected.iter().filter(|symbol| !symbol.remarks.is_empty()).collect(),
    };
    report.render().map_err(|error| InvalidResult::Unwritable(error.to_string()))
}

fn companies<'a>(collection: &'a Collection, rows: &'a [HourlyExtreme]) -> Vec<Company<'a>> {
    let hours = || rows.iter().map(|row| row.hour);
    let span = (hours().min().unwrap_or_default(), hours().max().unwrap_or_default());
    let company = |rows: &'a [HourlyExtreme]| {
        let first = rows.first()?;
        let collected = collection.symbols.collected.iter().find(|collected| collected.symbol == first.symbol);
        Some(Company {
            name: &first.company_name,
            symbol: &first.symbol,
            currency: currency_of(first),
            chart: chart::chart(rows, span)?,
            bars: collected.map(CollectedSymbol::describe_bars),
            rows,
        })
    };
    rows.chunk_by(|a, b| a.symbol == b.symbol).filter_map(company).collect()
}

fn currency_of(row: &HourlyExtreme) -> &str {
    row.currency.as_deref().unwrap_or(currency::UNKNOWN)
}

/// The currencies of all rows, such as `GBp, USD`.
fn currencies(rows: &[HourlyExtreme]) -> String {
    rows.iter().map(currency_of).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ")
}

/// The offsets of the exchanges' clocks on that day, such as `UTC-05:00`.
fn offsets(rows: &[HourlyExtreme]) -> String {
    let mut offsets: Vec<Offset> = rows.iter().map(|row| row.datetime_high.offset()).collect();
    offsets.sort_unstable();
    offsets.dedup();
    offsets.iter().map(|offset| format!("UTC{}", signed(*offset))).collect::<Vec<_>>().join(", ")
}

/// `−05:00`, with the minus sign U+2212; jiff itself prints `-05`.
fn signed(offset: Offset) -> String {
    let minutes = offset.seconds() / 60;
    let sign = if minutes < 0 { '\u{2212}' } else { '+' };
    format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{query_result, sample};

    fn page(simulated: bool) -> Result<String, Box<dyn std::error::Error>> {
        page_of(&sample::result(), simulated)
    }

    fn page_of(result: &str, simulated: bool) -> Result<String, Box<dyn std::error::Error>> {
        let mut request = sample::request()?;
        request.collection.simulated = simulated;
        let result = query_result::read(result.as_bytes(), request.collection.trade_date, request.collection.source())?;
        Ok(render(&request.collection, &result)?)
    }

    #[test]
    fn the_report_of_a_small_day() -> Result<(), Box<dyn std::error::Error>> {
        insta::assert_snapshot!(page(true)?);
        Ok(())
    }

    #[test]
    fn only_simulated_prices_are_labelled_as_simulated() -> Result<(), Box<dyn std::error::Error>> {
        assert!(page(true)?.contains("Simulated prices"));
        let real = page(false)?;
        assert!(!real.to_lowercase().contains("simulated") && real.contains("Yahoo Finance"));
        Ok(())
    }

    #[test]
    fn every_company_shows_its_currency_and_minor_units_are_explained() -> Result<(), Box<dyn std::error::Error>> {
        let mixed = page(true)?;
        for (symbol, currency) in [("META", "USD"), ("SHOP", currency::UNKNOWN), ("XYZ", "GBp")] {
            assert!(mixed.contains(&format!("<span class=\"soft\">{symbol}, {currency}, ")), "{symbol} {currency}");
            assert!(mixed.contains(&format!(">{symbol}<br>{currency}</td>")), "{symbol} {currency}");
        }
        assert!(mixed.contains("<dd>GBp, USD, currency unknown</dd>") && mixed.contains("GBp: pence, 1/100 GBP."));
        let dollars = page_of(&sample::result().replace("GBp", "USD"), true)?;
        assert!(dollars.contains("<dd>USD, currency unknown</dd>") && !dollars.contains("1/100"));
        let hostile = page_of(&sample::result().replace("GBp", "<i>"), true)?;
        assert!(!hostile.contains("<i>"));
        Ok(())
    }

    #[test]
    fn a_name_that_a_spreadsheet_would_run_is_shown_as_it_is() -> Result<(), Box<dyn std::error::Error>> {
        let result = sample::result().replace("Meta Platforms", "=1+1");
        let page = page_of(&result, true)?;
        assert!(page.contains("<strong>=1+1</strong>") && !page.contains("'=1+1") && !page.contains("&#39;=1+1"));
        let request = sample::request()?;
        let rows = query_result::read(result.as_bytes(), request.collection.trade_date, request.collection.source())?;
        let csv = String::from_utf8(shared::hourly_extreme::write(&rows.rows)?)?;
        assert!(csv.contains("\n'=1+1,META,"), "{csv}");
        Ok(())
    }

    #[test]
    fn names_and_details_are_escaped_and_nothing_is_loaded() -> Result<(), Box<dyn std::error::Error>> {
        let page = page(true)?;
        assert!(!page.contains("<Ltd>") && !page.contains("<b>"));
        for outside in ["<script", "<link", "<img", "url(", "@import", "http://", "https://"] {
            assert!(!page.contains(outside), "{outside}");
        }
        Ok(())
    }

    #[test]
    fn an_offset_has_hours_and_minutes() {
        let offset = |seconds| Offset::from_seconds(seconds).map(signed).ok();
        assert_eq!(offset(-18_000).as_deref(), Some("\u{2212}05:00"));
        assert_eq!(offset(19_800).as_deref(), Some("+05:30"));
    }
}
