//! Tables of replies, each with the bars or the reason that it must decode to.

use jiff::Timestamp;
use serde_json::{Value, json};
use shared::{
    Interval,
    payload::{LiveWindow, Reason},
};

use super::{Day, Decoded, Failure, HttpReply, Scope, SymbolDay, is_same_instrument};

/// 2026-11-20, a full session: 09:30 to 16:00 in New York.
const OPEN: i64 = 1_795_185_000;
const CLOSE: i64 = OPEN + 23_400;

/// A reply with `rows` of (seconds, price, volume) for META on 2026-11-20.
fn chart(rows: &[(i64, f64, u64)]) -> Value {
    let prices: Vec<_> = rows.iter().map(|row| row.1).collect();
    json!({"chart": {"error": null, "result": [{
        "meta": {
            "symbol": "META", "currency": "USD", "longName": "Meta Platforms, Inc.", "exchangeTimezoneName": "America/New_York",
            "gmtoffset": -14400, "timezone": "EDT", "dataGranularity": "5m", "unheardOf": {"a": 1},
            "tradingPeriods": [[{"timezone": "EST", "start": OPEN, "end": CLOSE, "gmtoffset": -18000}]]
        },
        "timestamp": rows.iter().map(|row| row.0).collect::<Vec<_>>(),
        "indicators": {"quote": [{
            "open": prices, "high": prices, "low": prices, "close": prices,
            "volume": rows.iter().map(|row| row.2).collect::<Vec<_>>()
        }]}
    }]}})
}

/// The chart of the first three bars, with the value at a JSON pointer below `/chart/result/0` replaced, or removed for
/// `None`.
fn edited(pointer: &str, value: Option<Value>) -> String {
    let mut body = chart(&[(OPEN, 10.0, 1), (OPEN + 300, 11.0, 2), (OPEN + 600, 12.0, 3)]);
    let (parent, key) = pointer.rsplit_once('/').unwrap_or_default();
    let place = body.pointer_mut(&format!("/chart/result/0{parent}")).map(|place| (place, value));
    match place {
        Some((Value::Object(map), Some(value))) => drop(map.insert(key.to_owned(), value)),
        Some((Value::Object(map), None)) => drop(map.remove(key)),
        Some((Value::Array(list), Some(value))) => list[key.parse::<usize>().unwrap_or(usize::MAX)] = value,
        _ => unreachable!("{pointer} leads nowhere"),
    }
    body.to_string()
}

fn decode(status: u16, body: &str) -> Result<SymbolDay, Failure> {
    let now = Timestamp::from_second(CLOSE + 3600).map_err(|_| Failure::new(Reason::Refused, "the test's clock"))?;
    decode_scope(status, body, Scope::Whole { now })
}

fn decode_scope(status: u16, body: &str, scope: Scope) -> Result<SymbolDay, Failure> {
    let date = "2026-11-20".parse().map_err(|_| Failure::new(Reason::Refused, "the test's date"))?;
    let symbol = "META".parse().map_err(|_| Failure::new(Reason::Refused, "the test's symbol"))?;
    let day = Day { trade_date: date, interval: Interval::FiveMinutes, scope };
    Decoded::of(&HttpReply::new(status, body))?.day(&symbol, day)
}

#[test]
fn a_currency_pair_is_known_by_both_of_its_names() -> Result<(), shared::symbol::InvalidSymbol> {
    for (requested, about, is_same) in [
        ("USDJPY=X", "USDJPY=X", true),
        ("USDJPY=X", "JPY=X", true),
        ("JPY=X", "USDJPY=X", true),
        ("META", "meta", true),
        ("EURUSD=X", "USD=X", false),
        ("USDJPY=X", "EUR=X", false),
        ("USDC-USD", "C-USD", false),
        ("USD", "", false),
    ] {
        assert_eq!(is_same_instrument(about, &requested.parse()?), is_same, "{requested} answered as {about}");
    }
    Ok(())
}

#[test]
fn the_close_before_the_window_is_the_previous_close_unless_it_is_of_another_scale() -> Result<(), Failure> {
    for (close, previous) in [
        (Some(json!(9.5)), Some(9.5)),
        (Some(json!(334.790_008_544_921_9)), None),
        (Some(json!(49.9)), Some(49.9)),
        (Some(json!(50.0)), None),
        (Some(json!(2.001)), Some(2.001)),
        (Some(json!(2.0)), None),
        (Some(json!(0.0)), None),
        (Some(json!("9.5")), None),
        (Some(Value::Null), None),
        (None, None),
    ] {
        let day = decode(200, &edited("/meta/chartPreviousClose", close.clone()))?;
        assert_eq!(day.previous_close.map(shared::Price::get), previous, "{close:?}");
    }
    Ok(())
}

#[test]
fn a_window_has_the_bars_that_closed_in_it_and_neither_the_growing_one_nor_the_latest_price()
-> Result<(), Box<dyn std::error::Error>> {
    let rows: Vec<_> = (0..5).map(|bar| (OPEN + 300 * bar, 10.0 + bar as f64, 5)).collect();
    let in_session = [rows.as_slice(), &[(OPEN + 1337, 99.0, 0)]].concat();
    let mut around_the_clock = chart(&in_session);
    let midnight = OPEN - 34_200;
    let period = json!([[{"start": midnight, "end": midnight + 86_340}]]);
    let mut around_the_clock_flat = chart(&[
        (OPEN, 10.0, 5),
        (OPEN + 300, 11.0, 5),
        (OPEN + 600, 12.0, 0),
        (OPEN + 900, 12.0, 0),
        (OPEN + 937, 12.0, 0),
    ]);
    around_the_clock_flat["chart"]["result"][0]["meta"]["tradingPeriods"] = period.clone();
    around_the_clock["chart"]["result"][0]["meta"]["tradingPeriods"] = period;
    for (body, tick, until, closes) in [
        (chart(&in_session), 360, 360, &[10.0][..]),
        (chart(&in_session), 660, 660, &[10.0, 11.0]),
        (chart(&in_session), 1260, 1260, &[11.0, 12.0, 13.0]),
        // The fifth bar grows until 1500: at 1529 it may still change.
        (chart(&in_session), 1500, 1529, &[11.0, 12.0, 13.0]),
        (chart(&in_session), 1500, 1530, &[11.0, 12.0, 13.0, 14.0]),
        // A tick that waited.
        (chart(&in_session), 360, 1560, &[10.0, 11.0, 12.0, 13.0, 14.0]),
        // Before any bar has closed, and long after the last.
        (chart(&in_session), 300, 300, &[]),
        (chart(&in_session), 7260, 7260, &[]),
        (around_the_clock.clone(), 660, 660, &[10.0, 11.0]),
        (around_the_clock, 1260, 1260, &[11.0, 12.0, 13.0]),
        // Flat bars without volume, of which the last is not the latest price; and a latest price on the grid.
        (around_the_clock_flat, 960, 960, &[10.0, 11.0, 12.0]),
        (chart(&[(OPEN, 10.0, 1), (OPEN + 300, 99.0, 0)]), 660, 660, &[10.0]),
        // The auction at the close is part of the last bar, and what trades later is not over.
        (chart(&[(CLOSE - 300, 10.0, 1), (CLOSE, 12.0, 9), (CLOSE + 60, 13.0, 0)]), 23_460, 23_460, &[12.0]),
    ] {
        let at = |seconds: i64| Timestamp::from_second(OPEN + seconds);
        let window = LiveWindow::new(at(tick)?, at(until)?, Interval::FiveMinutes);
        let day = decode_scope(200, &body.to_string(), Scope::Window(window))?;
        let found: Vec<_> = day.bars.iter().map(|bar| bar.close.get()).collect();
        assert_eq!(found, closes, "the tick of {tick} s after the open, until {until} s");
    }
    Ok(())
}

/// The closing prices of a reply's bars.
fn closes(body: &str) -> Result<Vec<f64>, Failure> {
    Ok(decode(200, body)?.bars.iter().map(|bar| bar.close.get()).collect())
}

#[test]
fn rows_that_are_bars_are_kept_and_all_others_are_not() {
    let day = 86_400;
    let cases: &[(&str, String, &[f64])] = &[
        (
            "three bars",
            chart(&[(OPEN, 10.0, 1), (OPEN + 300, 11.0, 2), (CLOSE - 300, 12.0, 3)]).to_string(),
            &[10., 11., 12.],
        ),
        ("the closing row on the grid", chart(&[(OPEN, 10.0, 1), (CLOSE, 99.0, 0)]).to_string(), &[10.]),
        ("the live row off the grid", chart(&[(OPEN, 10.0, 1), (OPEN + 437, 99.0, 0)]).to_string(), &[10.]),
        ("a row of the next day", chart(&[(OPEN, 10.0, 1), (OPEN + day, 99.0, 5)]).to_string(), &[10.]),
        ("a row before the open", chart(&[(OPEN - 300, 99.0, 0), (OPEN, 10.0, 1)]).to_string(), &[10.]),
        ("a row that traded before the open", chart(&[(OPEN - 300, 9.0, 5), (OPEN, 10.0, 1)]).to_string(), &[9., 10.]),
        ("a row twice", chart(&[(OPEN, 10.0, 1), (OPEN, 99.0, 9), (OPEN + 300, 11.0, 1)]).to_string(), &[10., 11.]),
        ("rows out of order", chart(&[(OPEN + 300, 11.0, 1), (OPEN, 10.0, 1)]).to_string(), &[10., 11.]),
        ("volume 0 inside the session", chart(&[(OPEN, 10.0, 0)]).to_string(), &[10.]),
        ("volume above 2^31", chart(&[(OPEN, 10.0, 3_000_000_000)]).to_string(), &[10.]),
        ("a widened 32-bit price", chart(&[(OPEN, 334.790_008_544_921_9, 1)]).to_string(), &[334.79]),
        (
            "a widened 32-bit price, to the last bit",
            // Parsed and printed by anything less than exact, this is 25.11000061035156.
            edited("/indicators/quote/0/close/1", Some(json!(999.5)))
                .replace("\"high\":[10.0,11.0", "\"high\":[10.0,26.0")
                .replace("999.5", "25.110000610351562"),
            &[10., 25.11, 12.],
        ),
        ("a null high", edited("/indicators/quote/0/high/1", Some(Value::Null)), &[10., 12.]),
        ("a null volume", edited("/indicators/quote/0/volume/0", Some(Value::Null)), &[11., 12.]),
        ("\"NaN\"", edited("/indicators/quote/0/low/2", Some(json!("NaN"))), &[10., 11.]),
        ("\"Infinity\"", edited("/indicators/quote/0/open/0", Some(json!("Infinity"))), &[11., 12.]),
        ("a price of 0", edited("/indicators/quote/0/low/0", Some(json!(0))), &[11., 12.]),
        ("a negative price", edited("/indicators/quote/0/low/0", Some(json!(-1.5))), &[11., 12.]),
        ("a price of null and a volume", edited("/indicators/quote/0/open/1", Some(Value::Null)), &[10., 12.]),
        ("a price that is text", edited("/indicators/quote/0/open/1", Some(json!("11.0"))), &[10., 12.]),
        ("a volume with a fraction", edited("/indicators/quote/0/volume/1", Some(json!(1.5))), &[10., 12.]),
        ("a volume beyond all counting", edited("/indicators/quote/0/volume/1", Some(json!(1e300))), &[10., 12.]),
        ("an open above the high", edited("/indicators/quote/0/open/1", Some(json!(11.5))), &[10., 12.]),
        ("an open below the low", edited("/indicators/quote/0/open/1", Some(json!(10.5))), &[10., 12.]),
        ("a close above the high", edited("/indicators/quote/0/close/1", Some(json!(11.5))), &[10., 12.]),
        ("a close below the low", edited("/indicators/quote/0/close/1", Some(json!(10.5))), &[10., 12.]),
        ("a stamp with a fraction", edited("/timestamp/1", Some(json!(OPEN as f64 + 300.5))), &[10., 12.]),
        ("a stamp that is a float", edited("/timestamp/1", Some(json!((OPEN + 300) as f64))), &[10., 11., 12.]),
        ("a stamp before 1970", edited("/timestamp/1", Some(json!(-5))), &[10., 12.]),
        ("a stamp that is text", edited("/timestamp/1", Some(json!("soon"))), &[10., 12.]),
        ("an offset of another season", edited("/meta/gmtoffset", Some(json!(0))), &[10., 11., 12.]),
        ("a field of another type that nobody reads", edited("/meta/validRanges", Some(json!(7))), &[10., 11., 12.]),
        ("an integer price", edited("/indicators/quote/0/close/0", Some(json!(10))), &[10., 11., 12.]),
        ("a high below the low", edited("/indicators/quote/0/high/1", Some(json!(10.5))), &[10., 12.]),
        ("a negative volume", edited("/indicators/quote/0/volume/1", Some(json!(-2))), &[10., 12.]),
        ("a null timestamp", edited("/timestamp/1", Some(Value::Null)), &[10., 12.]),
        ("short columns", edited("/indicators/quote/0/close", Some(json!([10.0]))), &[10.]),
        ("a short column of volumes", edited("/indicators/quote/0/volume", Some(json!([1]))), &[10.]),
        ("no currency", edited("/meta/currency", Some(Value::Null)), &[10., 11., 12.]),
        ("no name", edited("/meta/longName", None), &[10., 11., 12.]),
        (
            "periods of an extended answer",
            edited(
                "/meta/tradingPeriods",
                Some(json!({"pre": [], "regular": [[{"start": OPEN, "end": CLOSE}]], "post": []})),
            ),
            &[10., 11., 12.],
        ),
        (
            "rows of pre- and post-market trading, with volume",
            edited(
                "/meta/tradingPeriods",
                Some(json!({
                    "pre": [[{"start": OPEN - 3600, "end": OPEN + 300}]], "regular": [[{"start": OPEN + 300, "end": OPEN + 600}]],
                    "post": [[{"start": OPEN + 600, "end": CLOSE}]]
                })),
            ),
            &[11.],
        ),
        (
            "periods that are floats",
            edited("/meta/tradingPeriods", Some(json!([[{"start": OPEN as f64, "end": CLOSE as f64}]]))),
            &[10., 11., 12.],
        ),
        (
            "no periods but the current one",
            edited("/meta/tradingPeriods", None).replace(
                "\"meta\":{",
                &format!("\"meta\":{{\"currentTradingPeriod\":{{\"regular\":{{\"start\":{OPEN},\"end\":{CLOSE}}}}},"),
            ),
            &[10., 11., 12.],
        ),
        (
            "listed periods of another shape beside a current one",
            edited("/meta/tradingPeriods", Some(json!("soon"))).replace(
                "\"meta\":{",
                &format!("\"meta\":{{\"currentTradingPeriod\":{{\"regular\":{{\"start\":{OPEN},\"end\":{CLOSE}}}}},"),
            ),
            &[10., 11., 12.],
        ),
        (
            "a current period that contradicts the listed one",
            edited("/meta/unheardOf", None).replace(
                "\"meta\":{",
                &format!(
                    "\"meta\":{{\"currentTradingPeriod\":{{\"regular\":{{\"start\":{OPEN},\"end\":{}}}}},",
                    OPEN + 300
                ),
            ),
            &[10., 11., 12.],
        ),
        (
            "a current period of another shape",
            edited("/meta/unheardOf", None).replace("\"meta\":{", "\"meta\":{\"currentTradingPeriod\":[1],"),
            &[10., 11., 12.],
        ),
        (
            "two periods of one day, with a pause",
            edited(
                "/meta/tradingPeriods",
                Some(json!([[{"start": OPEN, "end": OPEN + 300}, {"start": OPEN + 600, "end": CLOSE}]])),
            )
            .replace("[1,2,3]", "[1,0,3]"),
            &[10., 12.],
        ),
        (
            "two periods of one day, and a bar that traded in the pause",
            edited(
                "/meta/tradingPeriods",
                Some(json!([[{"start": OPEN, "end": OPEN + 300}, {"start": OPEN + 600, "end": CLOSE}]])),
            ),
            &[10., 11., 12.],
        ),
        (
            "a period that ends before it begins beside a good one",
            edited(
                "/meta/tradingPeriods",
                Some(json!([[{"start": CLOSE, "end": OPEN}, {"start": OPEN, "end": OPEN + 300}]])),
            )
            .replace("[1,2,3]", "[1,0,0]"),
            &[10.],
        ),
        (
            "sessions of the days around",
            edited(
                "/meta/tradingPeriods",
                Some(
                    json!([[{"start": OPEN - day, "end": CLOSE - day}], [{"start": OPEN, "end": OPEN + 600}], [{"start": OPEN + day, "end": CLOSE + day}]]),
                ),
            )
            .replace("[1,2,3]", "[1,2,0]"),
            &[10., 11.],
        ),
    ];
    for (what, body, kept) in cases {
        assert_eq!(closes(body).as_deref(), Ok(*kept), "{what}: {body}");
    }
}

#[test]
fn a_long_text_of_yahoo_is_cut() -> Result<(), Failure> {
    let long = "x".repeat(300_000);
    let description = json!({"chart": {"result": null, "error": {"code": "Bad Request", "description": long}}});
    let failure = decode(400, &description.to_string()).err();
    assert!(failure.as_ref().is_some_and(|it| it.detail.chars().count() == 201), "{failure:?}");
    let failure = decode(200, &edited("/meta/dataGranularity", Some(json!(long)))).err();
    assert!(failure.as_ref().is_some_and(|it| it.detail.chars().count() == 201), "{failure:?}");
    let day = decode(200, &edited("/meta/longName", Some(json!(long))).replace("USD", &long))?;
    assert_eq!([day.name, day.currency].map(|text| text.map(|text| text.chars().count())), [Some(201), Some(201)]);
    Ok(())
}

#[test]
fn a_reply_without_bars_says_why() {
    let error = |code: &str, description: &str| {
        json!({"chart": {"result": null, "error": {"code": code, "description": description}}}).to_string()
    };
    let empty = |pointer: &str| edited(pointer, None);
    let too_old =
        "5m data not available for startTime=1 and endTime=2. The requested range must be within the last 60 days.";
    let cases: Vec<(u16, String, Reason, &str)> = vec![
        (
            404,
            error("Not Found", "No data found, symbol may be delisted"),
            Reason::UnknownSymbol,
            "No data found, symbol may be delisted",
        ),
        (200, error("Not Found", "No data found, symbol may be delisted"), Reason::UnknownSymbol, "No data found"),
        (
            400,
            error("Bad Request", "Data doesn't exist for startDate = 1, endDate = 2"),
            Reason::NoTrades,
            "Data doesn't exist",
        ),
        (400, error("Bad Request", "Invalid input - interval=5h is not supported."), Reason::Refused, "interval=5h"),
        (422, error("Unprocessable Entity", too_old), Reason::TooOld, "within the last 60 days"),
        (
            401,
            json!({"finance": {"result": null, "error": {"code": "Unauthorized", "description": "Invalid Crumb"}}})
                .to_string(),
            Reason::Blocked,
            "Invalid Crumb",
        ),
        (500, error("Internal", "oops"), Reason::Unavailable, "oops"),
        (429, "Too Many Requests\r\n".into(), Reason::Blocked, "status 429: Too Many Requests"),
        (429, "slow down".into(), Reason::Blocked, "status 429: slow down"),
        (429, "Edge: Too Many Requests".into(), Reason::Blocked, "Edge: Too Many Requests"),
        (200, "Too Many Requests".into(), Reason::Blocked, "Too Many Requests"),
        (403, "<html>denied</html>".into(), Reason::Blocked, "status 403"),
        (200, "<!DOCTYPE html><title>Consent</title>".into(), Reason::Blocked, "a page in place of data"),
        (200, "<html>Will be right back...</html>".into(), Reason::Unavailable, "not a chart"),
        (302, String::new(), Reason::Blocked, "sent elsewhere"),
        (
            200,
            empty("/meta/currency").replace("\"timestamp\":[", "\"unheardOf\":["),
            Reason::NotTradedHere,
            "delisted, moved",
        ),
        (
            200,
            empty("/meta/currency")
                .replace("\"timestamp\":[", "\"unheardOf\":[")
                .replace("\"meta\":{", "\"meta\":{\"regularMarketPrice\":2.13,"),
            Reason::NoTrades,
            "no trades in the session",
        ),
        (
            200,
            edited("/meta/exchangeName", Some(json!("YHD"))).replace("\"timestamp\":[", "\"unheardOf\":["),
            Reason::NotTradedHere,
            "delisted, moved",
        ),
        (
            999,
            "<html>Unable to process request at this time -- error 999.</html>".into(),
            Reason::Blocked,
            "status 999",
        ),
        (999, error("Denied", "no"), Reason::Blocked, "no"),
        (418, "<html>I'm a teapot</html>".into(), Reason::Blocked, "status 418"),
        (451, "{}".into(), Reason::Blocked, "status 451 with neither data nor a reason"),
        (405, String::new(), Reason::Blocked, "status 405"),
        (408, String::new(), Reason::Unavailable, "status 408 with an empty body"),
        (404, "<html>Not Found</html>".into(), Reason::Unavailable, "status 404 with a body that is not a chart"),
        (502, "<html>Bad Gateway</html>".into(), Reason::Unavailable, "status 502"),
        (200, String::new(), Reason::Unavailable, "an empty body"),
        (200, chart(&[(OPEN, 10.0, 1)]).to_string().chars().take(300).collect(), Reason::Unavailable, "not a chart"),
        (200, r#"{"chart":null}"#.into(), Reason::Malformed, "neither data nor a reason"),
        (200, r#"{"chart":{"result":[],"error":null}}"#.into(), Reason::Malformed, "neither data nor a reason"),
        (200, r#"{"chart":{"result":null,"error":null}}"#.into(), Reason::Malformed, "neither data nor a reason"),
        (200, "{}".into(), Reason::Malformed, "neither data nor a reason"),
        (200, r#"{"chart":7}"#.into(), Reason::Malformed, "JSON that is not a chart"),
        (200, "[1, 2]".into(), Reason::Malformed, "JSON that is not a chart"),
        (200, "null".into(), Reason::Malformed, "JSON that is not a chart"),
        (429, "{}".into(), Reason::Blocked, "status 429 with neither data nor a reason"),
        (403, r#"{"message":"Forbidden"}"#.into(), Reason::Blocked, "status 403 with neither data nor a reason"),
        (401, r#"{"chart":{"result":null,"error":null}}"#.into(), Reason::Blocked, "status 401 with neither"),
        (429, r#"{"chart":"slow down"}"#.into(), Reason::Blocked, "status 429 with JSON that is not a chart"),
        (403, "[]".into(), Reason::Blocked, "status 403 with JSON that is not a chart"),
        (503, r#"{"chart":{"error":"busy"}}"#.into(), Reason::Unavailable, "status 503 with JSON that is not a chart"),
        (500, "{}".into(), Reason::Unavailable, "status 500 with neither data nor a reason"),
        (404, "{}".into(), Reason::Malformed, "status 404 with neither data nor a reason"),
        (404, error("", "").replace("\"\"", "null"), Reason::UnknownSymbol, "status 404, no reason given"),
        (404, error("Not Found", " "), Reason::UnknownSymbol, "Not Found"),
        (404, error("", ""), Reason::UnknownSymbol, "status 404, no reason given"),
        (403, error("Forbidden", "no"), Reason::Blocked, "no"),
        (429, error("Too Many", "slow down"), Reason::Blocked, "slow down"),
        (503, "upstream connect error".into(), Reason::Unavailable, "upstream connect error"),
        (401, String::new(), Reason::Blocked, "status 401"),
        (
            200,
            edited("/meta/tradingPeriods", Some(json!([[{"start": CLOSE, "end": OPEN}]]))),
            Reason::Malformed,
            "no trading period",
        ),
        (
            200,
            edited("/meta/tradingPeriods", Some(json!([[{"start": OPEN, "end": OPEN + 91_000}]]))),
            Reason::Malformed,
            "no trading period",
        ),
        (
            200,
            edited("/meta/tradingPeriods", Some(json!([[{"start": null, "end": CLOSE}]]))),
            Reason::Malformed,
            "no trading period",
        ),
        (200, edited("/meta", Some(json!("META"))), Reason::Malformed, "describes no instrument"),
        (200, edited("/meta/dataGranularity", None), Reason::Malformed, "bars of no length"),
        (200, edited("/meta/symbol", None), Reason::Malformed, "got no symbol"),
        (200, empty("/timestamp"), Reason::NoTrades, "no trades in the session of 2026-11-20"),
        (200, edited("/indicators/quote", Some(json!([{}]))), Reason::NoTrades, "no trades"),
        (200, edited("/timestamp", Some(json!([]))), Reason::NoTrades, "no trades"),
        (200, empty("/indicators"), Reason::NoTrades, "no trades"),
        (200, empty("/meta"), Reason::Malformed, "describes no instrument"),
        (200, empty("/meta/exchangeTimezoneName"), Reason::Malformed, "names no time zone"),
        (200, edited("/meta/exchangeTimezoneName", Some(json!("Mars/Olympus"))), Reason::Malformed, "time zone"),
        (200, empty("/meta/tradingPeriods"), Reason::Malformed, "no trading period"),
        (
            200,
            edited("/meta/tradingPeriods", Some(json!({"pre": [], "post": []}))),
            Reason::Malformed,
            "no trading period",
        ),
        (
            200,
            edited("/meta/dataGranularity", Some(json!("1h"))),
            Reason::Malformed,
            "requested META in bars of 5m, got META in bars of 1h",
        ),
        (200, edited("/meta/symbol", Some(json!("SHOP"))), Reason::Malformed, "got SHOP"),
        (
            200,
            chart(&[]).to_string().replace("1795185000", "1795271400").replace("1795208400", "1795294800"),
            Reason::NoSession,
            "no session on 2026-11-20",
        ),
        (200, chart(&[]).to_string().replace("1795208400", "1795212001"), Reason::SessionNotOver, "ends at 17:00 EST"),
    ];
    for (status, body, reason, detail) in cases {
        let failure = decode(status, &body).err();
        let matches =
            failure.as_ref().is_some_and(|failure| failure.reason == reason && failure.detail.contains(detail));
        assert!(matches, "{status} {body}\nmust be {reason:?} {detail:?} and is {failure:?}");
    }
}
