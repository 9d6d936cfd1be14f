//! Replies of another shape. Each fault edits the body of a valid reply with bars.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{reply_rows::COLUMNS, rows::scale};

/// How many rows the columns are shorter than `timestamp`.
const SHORT_BY: usize = 3;

fn within<'a>(body: &'a mut Value, path: &str) -> Option<&'a mut Map<String, Value>> {
    body.pointer_mut(path).and_then(Value::as_object_mut)
}

fn result(body: &mut Value) -> Option<&mut Map<String, Value>> {
    within(body, "/chart/result/0")
}

fn meta(body: &mut Value) -> Option<&mut Map<String, Value>> {
    within(body, "/chart/result/0/meta")
}

pub fn short_columns(body: &mut Value) {
    let quote = within(body, "/chart/result/0/indicators/quote/0");
    for column in quote.into_iter().flat_map(Map::values_mut).filter_map(Value::as_array_mut) {
        column.truncate(column.len().saturating_sub(SHORT_BY));
    }
}

pub fn no_timestamp(body: &mut Value) {
    if let Some(result) = result(body) {
        result.remove("timestamp");
        result.insert("indicators".to_owned(), json!({"quote": [{}]}));
    }
}

pub fn empty_columns(body: &mut Value) {
    if let Some(result) = result(body) {
        let quote: Map<_, _> = COLUMNS.iter().map(|name| ((*name).to_owned(), json!([]))).collect();
        result.insert("timestamp".to_owned(), json!([]));
        result.insert("indicators".to_owned(), json!({"quote": [quote]}));
    }
}

pub fn empty_result(body: &mut Value) {
    *body = json!({"chart": {"result": [], "error": null}});
}

pub fn null_result(body: &mut Value) {
    *body = json!({"chart": {"result": null, "error": null}});
}

pub fn null_chart(body: &mut Value) {
    *body = json!({"chart": null});
}

pub fn dead_listing(body: &mut Value) {
    no_timestamp(body);
    if let Some(meta) = meta(body) {
        meta.remove("tradingPeriods");
        for (key, value) in [
            ("currency", Value::Null),
            ("exchangeName", json!("YHD")),
            ("fullExchangeName", json!("YHD")),
            ("instrumentType", json!("MUTUALFUND")),
            ("exchangeTimezoneName", json!("America/New_York")),
        ] {
            meta.insert(key.to_owned(), value);
        }
    }
}

pub fn no_meta(body: &mut Value) {
    result(body).map(|result| result.remove("meta"));
}

pub fn no_periods(body: &mut Value) {
    if let Some(meta) = meta(body) {
        meta.remove("tradingPeriods");
        meta.remove("currentTradingPeriod");
    }
}

pub fn empty_periods(body: &mut Value) {
    if let Some(meta) = meta(body) {
        meta.insert("tradingPeriods".to_owned(), json!({"pre": [], "post": []}));
        meta.remove("currentTradingPeriod");
    }
}

pub fn extended_periods(body: &mut Value) {
    let Some(meta) = meta(body) else { return };
    let Some(regular) = meta.get("tradingPeriods").filter(|periods| periods.is_array()).cloned() else { return };
    let (pre, post) = (adjacent(&regular, "end", "start", -1), adjacent(&regular, "start", "end", 1));
    meta.insert("tradingPeriods".to_owned(), json!({"pre": pre, "regular": regular, "post": post}));
}

/// Periods of an hour beside the regular ones: `near` is set to the regular period's `far`, and `far` an hour beyond it.
fn adjacent(regular: &Value, near: &str, far: &str, hours: i64) -> Value {
    let mut periods = regular.clone();
    for period in periods.as_array_mut().into_iter().flatten().filter_map(|day| day.get_mut(0)) {
        let edge = period[far].as_i64().unwrap_or_default();
        period[near] = json!(edge);
        period[far] = json!(edge + hours * 60 * 60);
    }
    periods
}

pub fn other_currency(body: &mut Value) {
    let Some(currency) = meta(body).and_then(|meta| meta.get_mut("currency")) else { return };
    let (other, factor) = if currency == "GBp" { ("GBP", 0.01) } else { ("EUR", 0.9) };
    *currency = json!(other);
    let quote = within(body, "/chart/result/0/indicators/quote/0").into_iter().flatten();
    for (_, column) in quote.filter(|(name, _)| *name != "volume") {
        column.as_array_mut().into_iter().flatten().for_each(|price| scale(price, factor));
    }
}

pub fn period_short(body: &mut Value) {
    edit_periods(body, |_, end| *end -= MINUTE);
}

pub fn period_hour_late(body: &mut Value) {
    edit_periods(body, |start, end| {
        *start += 60 * MINUTE;
        *end += 60 * MINUTE;
    });
}

pub fn period_hour_early(body: &mut Value) {
    edit_periods(body, |start, end| {
        *start -= 60 * MINUTE;
        *end -= 60 * MINUTE;
    });
}

pub fn open_off_grid(body: &mut Value) {
    edit_periods(body, |start, _| *start += 7 * MINUTE);
}

pub fn still_open(body: &mut Value, now: Timestamp) {
    let close = now.as_second() + 15;
    let period = json!({"timezone": "UTC", "start": close - 24 * 60 * MINUTE, "end": close, "gmtoffset": 0});
    if let Some(meta) = meta(body) {
        meta.insert("tradingPeriods".to_owned(), json!([[period]]));
    }
}

/// In seconds.
const MINUTE: i64 = 60;

/// Changes start and end, in Unix seconds, of every listed trading period.
fn edit_periods(body: &mut Value, edit: impl Fn(&mut i64, &mut i64)) {
    let periods = meta(body).and_then(|meta| meta.get_mut("tradingPeriods")).and_then(Value::as_array_mut);
    for period in periods.into_iter().flatten().filter_map(|day| day.get_mut(0)) {
        let second = |key: &str| period[key].as_i64().unwrap_or_default();
        let (mut start, mut end) = (second("start"), second("end"));
        edit(&mut start, &mut end);
        period["start"] = json!(start);
        period["end"] = json!(end);
    }
}

pub fn other_symbol(body: &mut Value) {
    meta(body).map(|meta| meta.insert("symbol".to_owned(), json!("OTHER")));
}
