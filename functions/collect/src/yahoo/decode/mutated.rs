//! Replies that are damaged at random: none may cause a panic or a bar outside its session.
//!
//! To run a million cases: `PROPTEST_CASES=1000000 cargo test --release -p collect mutated`.

use std::collections::BTreeSet;

use jiff::{Timestamp, tz::TimeZone};
use proptest::{prelude::*, sample::Index};
use serde_json::{Map, Value, json};
use shared::{Interval, TradeDate};

use super::{Day, Decoded, Failure, HttpReply, Ohlcv, Scope, SymbolDay};

/// 09:30 on 2026-11-20 in New York, in seconds since 1970; most timestamps of the replies lie near it.
const OPEN: i64 = 1_795_185_000;

/// One change to a reply.
#[derive(Debug, Clone)]
enum Mutation {
    /// Replaces a value with another.
    Replace(Index, Value),
    /// Removes a value from its list or object.
    Remove(Index),
    /// Puts a copy of a value beside it, or under another key.
    Repeat(Index, Index),
    /// Replaces a value with another one of the reply.
    Move(Index, Index),
    /// Adds to a number.
    Shift(Index, i64),
    /// Replaces this number of bytes of the text with others.
    Splice(Index, usize, Vec<u8>),
    /// Cuts the text off.
    Cut(Index),
}

fn junk() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (-100_000_i64..200_000).prop_map(|offset| json!(OPEN + offset)),
        prop::sample::select(vec![
            json!("NaN"),
            json!("Infinity"),
            json!("-Infinity"),
            json!(""),
            json!([]),
            json!({}),
            json!([null]),
            json!(0),
            json!(-1),
            json!(1e308),
            json!("America/New_York"),
            json!("Asia/Tokyo"),
            json!("Mars/Olympus"),
            json!("5m"),
            json!("60m"),
            json!("1h"),
            json!("META"),
            json!([[{"start": OPEN, "end": OPEN + 600}]]),
            json!({"pre": [], "post": []}),
            json!([[{"start": i64::MIN, "end": i64::MAX}]]),
            json!({"regular": [[{"start": OPEN, "end": OPEN + 7_200}, {"start": OPEN + 3_600, "end": OPEN + 90_000}]]}),
        ]),
        ".{0,12}".prop_map(Value::from),
    ]
}

fn mutation() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        4 => (any::<Index>(), junk()).prop_map(|(at, value)| Mutation::Replace(at, value)),
        2 => any::<Index>().prop_map(Mutation::Remove),
        1 => (any::<Index>(), any::<Index>()).prop_map(|(at, to)| Mutation::Repeat(at, to)),
        1 => (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Mutation::Move(from, to)),
        2 => (any::<Index>(), prop_oneof![-600_i64..600, any::<i64>()]).prop_map(|(at, by)| Mutation::Shift(at, by)),
        1 => (any::<Index>(), 0_usize..4, prop::collection::vec(any::<u8>(), 0..4))
            .prop_map(|(at, gone, bytes)| Mutation::Splice(at, gone, bytes)),
        1 => any::<Index>().prop_map(Mutation::Cut),
    ]
}

/// A small reply with every part that Yahoo's replies have: nulls, the closing row, periods of the days around.
fn whole() -> Value {
    let rows = [0, 300, 600, 900, 23_100, 23_400];
    let period = |start: i64, end: i64| json!([{"timezone": "EST", "start": start, "end": end, "gmtoffset": -18_000}]);
    let prices = json!([334.790_008_544_921_9, 335.2, null, 336, 337.5, 337.5]);
    json!({"chart": {"error": null, "result": [{
        "meta": {
            "symbol": "META", "currency": "USD", "longName": "Meta Platforms, Inc.", "shortName": "Meta",
            "exchangeTimezoneName": "America/New_York", "dataGranularity": "5m", "gmtoffset": -18_000,
            "currentTradingPeriod": {"regular": {"start": OPEN + 259_200, "end": OPEN + 282_600}},
            "tradingPeriods": [period(OPEN - 86_400, OPEN - 63_000), period(OPEN, OPEN + 23_400)],
        },
        "timestamp": rows.map(|offset| OPEN + offset),
        "indicators": {"quote": [{
            "open": prices, "high": prices, "low": prices, "close": prices, "volume": [1, 2, null, 3_000_000_000_u64, 5, 0],
        }]},
    }]}})
}

/// The JSON pointers of everything in a value.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(key, value)| places(value, &format!("{at}/{key}"), found));
        }
        Value::Object(map) => map.iter().for_each(|(key, value)| places(value, &format!("{at}/{key}"), found)),
        _ => {}
    }
}

fn mutate(reply: &mut Value, mutation: &Mutation) {
    let mut found = Vec::new();
    places(reply, "", &mut found);
    let place = |index: &Index| index.get(&found).clone();
    match mutation {
        Mutation::Replace(at, value) => set(reply, &place(at), value.clone()),
        Mutation::Move(from, to) => {
            let value = reply.pointer(&place(from)).cloned().unwrap_or_default();
            set(reply, &place(to), value);
        }
        Mutation::Shift(at, by) => {
            if let Some(value) = reply.pointer_mut(&place(at))
                && let Some(number) = value.as_i64()
            {
                *value = json!(number.wrapping_add(*by));
            }
        }
        Mutation::Remove(at) => within(
            reply,
            &place(at),
            |list, key| drop(list.remove(key)),
            |map, key| {
                map.remove(key);
            },
        ),
        Mutation::Repeat(at, to) => within(
            reply,
            &place(at),
            |list, key| list.insert(to.index(list.len() + 1), list[key].clone()),
            |map, key| {
                let copy = map.get(key).cloned().unwrap_or_default();
                map.insert(format!("{key}2"), copy);
            },
        ),
        Mutation::Splice(..) | Mutation::Cut(_) => {}
    }
}

fn set(reply: &mut Value, at: &str, value: Value) {
    if let Some(place) = reply.pointer_mut(at) {
        *place = value;
    }
}

/// Changes the list or the object that holds the value at a pointer.
fn within(
    reply: &mut Value,
    at: &str,
    in_list: impl Fn(&mut Vec<Value>, usize),
    in_object: impl Fn(&mut Map<String, Value>, &str),
) {
    let Some((parent, key)) = at.rsplit_once('/') else { return };
    match reply.pointer_mut(parent) {
        Some(Value::Array(list)) => in_list(list, key.parse().unwrap_or(0)),
        Some(Value::Object(map)) => in_object(map, key),
        _ => {}
    }
}

fn body(mutations: &[Mutation]) -> String {
    let mut reply = whole();
    mutations.iter().for_each(|mutation| mutate(&mut reply, mutation));
    let mut text = reply.to_string().into_bytes();
    for mutation in mutations {
        match mutation {
            Mutation::Splice(at, gone, bytes) if !text.is_empty() => {
                let from = at.index(text.len());
                let to = (from + gone).min(text.len());
                text.splice(from..to, bytes.iter().copied());
            }
            Mutation::Cut(at) if !text.is_empty() => text.truncate(at.index(text.len())),
            _ => {}
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

fn decode(status: u16, body: &str, date: TradeDate) -> Result<SymbolDay, Failure> {
    let now = Timestamp::MAX;
    let symbol = "META".parse().map_err(|_| Failure::malformed("the test's symbol"))?;
    let day = Day { trade_date: date, interval: Interval::FiveMinutes, scope: Scope::Whole { now } };
    Decoded::of(&HttpReply::new(status, body))?.day(&symbol, day)
}

/// Whether a bar is what every bar must be, written without the code under test.
fn sound(bar: &Ohlcv, day: &SymbolDay, zone: &TimeZone) -> bool {
    let session = &day.session;
    let prices = [bar.open, bar.high, bar.low, bar.close].map(|price| price.get());
    let local = |at: Timestamp| at.to_zoned(zone.clone()).date();
    let is_expected = day.expected.as_ref().is_none_or(|expected| expected.contains(&bar.start));
    let is_inside = bar.start >= session.open && bar.start < session.close;
    is_expected
        && (is_inside || local(bar.start) == session.trade_date.date() && !day.remarks.is_empty())
        && session.trade_date.date() == local(session.open)
        && session.close.as_second() - session.open.as_second() <= 25 * 3600
        && prices.iter().all(|price| price.is_finite() && *price > 0.0 && prices[2] <= *price && *price <= prices[1])
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_mutated_reply_gives_sound_bars_or_a_reason(
        status in prop_oneof![4 => Just(200_u16), 1 => prop::sample::select(vec![302, 400, 404, 422, 429, 500, 502])],
        mutations in prop::collection::vec(mutation(), 1..6),
    ) {
        let date: TradeDate = "2026-11-20".parse().map_err(|_| TestCaseError::fail("the test's date"))?;
        let body = body(&mutations);
        match decode(status, &body, date) {
            Ok(day) => {
                let zone = day.session.zone.clone();
                prop_assert!(day.session.trade_date == date && !day.bars.is_empty(), "{}", body);
                prop_assert!(day.bars.iter().all(|bar| sound(bar, &day, &zone)), "{}: {:?}", body, day);
                let starts: BTreeSet<_> = day.bars.iter().map(|bar| bar.start).collect();
                prop_assert!(starts.len() == day.bars.len() && day.bars.is_sorted_by_key(|bar| bar.start));
                prop_assert!(day.expected.is_some() || day.session.is_whole_day(), "{}", body);
                prop_assert!(day.expected.iter().all(|expected| expected.is_sorted_by(|one, next| one < next)));
            }
            Err(failure) => prop_assert!(!failure.detail.is_empty() && failure.counts_as_attempt, "{}", body),
        }
    }
}
