//! The expected export of a run, computed from the market's own replies: no SQL, no lake, and none of the
//! functions' code.

use anyhow::{Context, ensure};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;
use shared::{Interval, MarketSource, TradeDate};

use crate::{
    MarketServer,
    hourly_extremes::{HourlyExtremes, Listing, Prices},
};

/// The CSV that a run of `companies`, pairs of name and symbol, must export.
///
/// # Errors
/// When the market does not reply, or its reply has no session on `date`.
pub async fn expected_from_market(
    market: &MarketServer,
    date: TradeDate,
    interval: Interval,
    companies: &[(&str, &str)],
) -> anyhow::Result<String> {
    expected_over(MarketSource::YAHOO, market, date, interval, companies).await
}

/// As [`expected_from_market`], of a run over another source: the simulated market's prices are the same over each, and Yahoo
/// alone reports the close before.
///
/// # Errors
/// As [`expected_from_market`].
pub async fn expected_over(
    source: MarketSource,
    market: &MarketServer,
    date: TradeDate,
    interval: Interval,
    companies: &[(&str, &str)],
) -> anyhow::Result<String> {
    let mut hours = HourlyExtremes::new();
    for company in companies {
        let series = market.series(company.1, date, interval).await?;
        let zone = TimeZone::get(series["meta"]["exchangeTimezoneName"].as_str().context("no time zone")?)?;
        // All simulated instruments are of one scale from day to day.
        let previous_close = market.previous_close(company.1, date, &zone).await?.map(|close| f64::from(close as f32));
        let previous_close = previous_close.filter(|_| source == MarketSource::YAHOO);
        let currency = series["meta"]["currency"].as_str();
        let listing = Listing { name: company.0, symbol: company.1, currency, previous_close };
        add(&mut hours, listing, &series, date, &zone)?;
    }
    hours.csv(date)
}

/// Verifies that `csv` is, byte for byte, what a run of `companies`, pairs of name and symbol, must export.
///
/// # Errors
/// When it differs, or as [`expected_from_market`].
pub async fn verify_csv(
    market: &MarketServer,
    date: TradeDate,
    interval: Interval,
    companies: &[(&str, &str)],
    csv: &str,
) -> anyhow::Result<()> {
    let expected = expected_from_market(market, date, interval, companies).await?;
    ensure!(csv == expected, "{date} in bars of {interval}\ngot:\n{csv}\nexpected:\n{expected}");
    Ok(())
}

/// Adds the bars of the exchange's session on `date`; a row with a null is not a bar, and neither is a last one that is the
/// latest price: flat, without volume.
fn add(
    hours: &mut HourlyExtremes<f32>,
    listing: Listing<'_>,
    series: &Value,
    date: TradeDate,
    zone: &TimeZone,
) -> anyhow::Result<()> {
    let periods = series.pointer("/meta/tradingPeriods").and_then(Value::as_array).context("no trading periods")?;
    let session = periods.iter().filter_map(|day| day.get(0)).find(|period| {
        let start = period["start"].as_i64().and_then(|s| Timestamp::from_second(s).ok());
        start.is_some_and(|start| start.to_zoned(zone.clone()).date() == date.date())
    });
    let session = session.with_context(|| format!("no session on {date}"))?;
    let (start, end) = (session["start"].as_i64().unwrap_or(0), session["end"].as_i64().unwrap_or(0));
    let quote = &series["indicators"]["quote"][0];
    for (row, at) in series["timestamp"].as_array().into_iter().flatten().enumerate() {
        let at = at.as_i64().unwrap_or(0);
        let value = |column: &str| quote[column][row].as_f64();
        let all = ["open", "high", "low", "close", "volume"].map(value);
        let [Some(open), Some(high), Some(low), Some(close), Some(volume)] = all else { continue };
        let is_last = series["timestamp"].get(row + 1).is_none();
        if at < start || at >= end || is_last && low == high && volume == 0.0 {
            continue;
        }
        let local = Timestamp::from_second(at)?.to_zoned(zone.clone());
        let prices = Prices { open: open as f32, high: high as f32, low: low as f32, close: close as f32 };
        hours.add(listing, &local, prices, volume as u64);
    }
    Ok(())
}
