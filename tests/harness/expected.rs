//! The right answer, computed the plain way from the market's own replies: no SQL, no lake, and
//! none of the functions' code.

use std::collections::BTreeMap;

use anyhow::Context;
use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;
use shared::{Interval, TradeDate};

use crate::SimulatedMarket;

/// One company's hour.
#[derive(Debug)]
struct Hour {
    high: (f32, String),
    low: (f32, String),
    bars: u32,
    volume: u64,
}

/// The CSV that a run of `companies`, pairs of name and symbol, must export.
///
/// # Errors
/// When the market does not answer.
pub async fn expected_csv(
    market: &SimulatedMarket,
    date: TradeDate,
    interval: Interval,
    companies: &[(&str, &str)],
) -> anyhow::Result<String> {
    let mut sorted = companies.to_vec();
    sorted.sort_unstable();
    let mut csv = "company_name,symbol,trade_date,hour,datetime_high,highest_hourly_price,datetime_low,lowest_hourly_price,bars,volume\n".to_owned();
    for (name, symbol) in sorted {
        let series = market.series(symbol, date, interval).await?;
        for (hour, Hour { high, low, bars, volume }) in hours(&series, date)? {
            let (high, low) = (format!("{},{}", high.1, high.0), format!("{},{}", low.1, low.0));
            csv += &format!("{name},{symbol},{date},{hour},{high},{low},{bars},{volume}\n");
        }
    }
    Ok(csv)
}

/// Every row of the session's hours, in New York; rows with a null are not bars.
fn hours(series: &Value, date: TradeDate) -> anyhow::Result<BTreeMap<i8, Hour>> {
    let zone = TimeZone::get("America/New_York")?;
    let periods = series.pointer("/meta/tradingPeriods").and_then(Value::as_array).context("no trading periods")?;
    let session = periods.iter().filter_map(|day| day.get(0)).find(|period| {
        let start = period["start"].as_i64().and_then(|s| Timestamp::from_second(s).ok());
        start.is_some_and(|start| start.to_zoned(zone.clone()).date() == date.date())
    });
    let session = session.with_context(|| format!("no session on {date}"))?;
    let (open, close) = (session["start"].as_i64().unwrap_or(0), session["end"].as_i64().unwrap_or(0));
    let quote = &series["indicators"]["quote"][0];
    let mut hours = BTreeMap::new();
    for (row, at) in series["timestamp"].as_array().into_iter().flatten().enumerate() {
        let at = at.as_i64().unwrap_or(0);
        let value = |column: &str| quote[column][row].as_f64();
        let all = ["open", "high", "low", "close", "volume"].map(value);
        let [Some(_), Some(high), Some(low), Some(_), Some(volume)] = all else { continue };
        if at < open || at >= close {
            continue;
        }
        let local = Timestamp::from_second(at)?.to_zoned(zone.clone());
        let ts = local.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
        let (high, low) = (high as f32, low as f32);
        let hour = hours.entry(local.hour()).or_insert_with(|| Hour {
            high: (high, ts.clone()),
            low: (low, ts.clone()),
            bars: 0,
            volume: 0,
        });
        if high > hour.high.0 {
            hour.high = (high, ts.clone());
        }
        if low < hour.low.0 {
            hour.low = (low, ts);
        }
        hour.bars += 1;
        hour.volume += volume as u64;
    }
    Ok(hours)
}
