//! The report: one page that needs nothing but itself, for reading the day at a glance.
//!
//! What is shown is prepared here and in `chart`; how it looks is `templates/report.html`.

use askama::Template;
use jiff::{Zoned, tz::Offset};
use shared::{
    Price, Symbol,
    payload::{CollectedSymbol, Collection},
};

use crate::{
    chart::{self, Chart},
    csv::{InvalidResult, Row},
};

#[derive(Template)]
#[template(path = "report.html", whitespace = "minimize")]
struct Report<'a> {
    collection: &'a Collection,
    day: String,
    collected_at: String,
    expected_bars: usize,
    offsets: String,
    companies: Vec<Company<'a>>,
    short: Vec<&'a CollectedSymbol>,
}

/// One company's rows, and its panel.
struct Company<'a> {
    name: &'a str,
    symbol: &'a Symbol,
    chart: Chart,
    /// Bars that were collected, and bars of a session without gaps.
    bars: Option<(usize, usize)>,
    rows: &'a [Row],
}

/// The page for `rows`, sorted by company, symbol and hour.
///
/// # Errors
/// [`InvalidResult::Unwritable`] where the template fails.
pub fn render(collection: &Collection, rows: &[Row]) -> Result<String, InvalidResult> {
    let report = Report {
        collection,
        day: collection.trade_date.date().strftime("%A, %-d %B %Y").to_string(),
        collected_at: collection.collected_at.strftime("%Y-%m-%d %H:%M UTC").to_string(),
        expected_bars: collection.symbols.collected.iter().map(|symbol| symbol.expected).sum(),
        offsets: offsets(rows),
        companies: companies(collection, rows),
        short: collection.symbols.collected.iter().filter(|symbol| symbol.is_short()).collect(),
    };
    report.render().map_err(|error| InvalidResult::Unwritable(error.to_string()))
}

fn companies<'a>(collection: &'a Collection, rows: &'a [Row]) -> Vec<Company<'a>> {
    let hours = || rows.iter().map(|row| row.hour);
    let span = (hours().min().unwrap_or_default(), hours().max().unwrap_or_default());
    let company = |rows: &'a [Row]| {
        let first = rows.first()?;
        let collected = collection.symbols.collected.iter().find(|collected| collected.symbol == first.symbol);
        Some(Company {
            name: &first.company_name,
            symbol: &first.symbol,
            chart: chart::chart(rows, span)?,
            bars: collected.map(|collected| (collected.bars, collected.expected)),
            rows,
        })
    };
    rows.chunk_by(|a, b| a.symbol == b.symbol).filter_map(company).collect()
}

/// The offsets of the exchanges' clocks on that day, such as `UTC-05:00`.
fn offsets(rows: &[Row]) -> String {
    let mut offsets: Vec<Offset> = rows.iter().map(|row| row.datetime_high.offset()).collect();
    offsets.sort_unstable();
    offsets.dedup();
    offsets.iter().map(|offset| format!("UTC{}", signed(*offset))).collect::<Vec<_>>().join(", ")
}

/// `-05:00`; jiff itself prints `-05`.
fn signed(offset: Offset) -> String {
    let minutes = offset.seconds() / 60;
    let sign = if minutes < 0 { '\u{2212}' } else { '+' };
    format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
}

/// A price as it is, with at least two decimals.
pub fn price(price: Price) -> String {
    let shortest = price.get().to_string();
    match shortest.split_once('.').map(|(_, decimals)| decimals.len()) {
        None => format!("{shortest}.00"),
        Some(1) => format!("{shortest}0"),
        Some(_) => shortest,
    }
}

/// The exchange's wall clock, such as `09:35`.
pub fn clock(at: &Zoned) -> String {
    at.strftime("%H:%M").to_string()
}

/// `1234567` as `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{csv, sample};

    fn page(simulated: bool) -> Result<String, Box<dyn std::error::Error>> {
        let mut request = sample::request()?;
        request.collection.simulated = simulated;
        let result = csv::read(sample::result().as_bytes(), request.collection.trade_date)?;
        Ok(render(&request.collection, &result.rows)?)
    }

    #[test]
    fn the_report_of_a_small_day() -> Result<(), Box<dyn std::error::Error>> {
        insta::assert_snapshot!(page(true)?);
        Ok(())
    }

    #[test]
    fn only_simulated_prices_are_called_so() -> Result<(), Box<dyn std::error::Error>> {
        assert!(page(true)?.contains("Simulated prices"));
        let real = page(false)?;
        assert!(!real.to_lowercase().contains("simulated") && real.contains("Yahoo Finance"));
        Ok(())
    }

    #[test]
    fn what_others_wrote_is_text_and_nothing_is_loaded() -> Result<(), Box<dyn std::error::Error>> {
        let page = page(true)?;
        assert!(!page.contains("<Ltd>") && !page.contains("<b>"));
        for outside in ["<script", "<link", "<img", "url(", "@import", "http://", "https://"] {
            assert!(!page.contains(outside), "{outside}");
        }
        Ok(())
    }

    #[test]
    fn numbers_are_shown_for_reading() {
        for (number, shown) in [(0, "0"), (999, "999"), (1_000, "1,000"), (12_345_678, "12,345,678")] {
            assert_eq!(grouped(number), shown);
        }
        for (value, shown) in [(892.0, "892.00"), (334.5, "334.50"), (334.1801, "334.1801")] {
            assert_eq!(Price::from_wire(value).map(price).as_deref(), Some(shown));
        }
        let offset = |seconds| Offset::from_seconds(seconds).map(signed).ok();
        assert_eq!(offset(-18_000).as_deref(), Some("\u{2212}05:00"));
        assert_eq!(offset(19_800).as_deref(), Some("+05:30"));
    }
}
