//! What is to be seen of every fault: META's bars of five minutes on 2026-11-20, by a clock that stands on the Tuesday after.

use serde_json::{Value, json};

use super::super::Fault::{self, *};

/// The session of the day that is asked for, in Unix seconds.
const OPEN: i64 = 1_795_185_000;
const CLOSE: i64 = 1_795_208_400;
const JSON: &str = "application/json;charset=utf-8";
const HTML: &str = "text/html";

/// What came back, as far as the table looks at it.
pub struct Seen {
    pub text: String,
    pub body: Value,
    pub honest: Value,
}

impl Seen {
    fn result(&self) -> &Value {
        &self.body["chart"]["result"][0]
    }
    fn meta(&self) -> &Value {
        &self.result()["meta"]
    }
    fn description(&self) -> &str {
        self.body["chart"]["error"]["description"].as_str().unwrap_or_default()
    }
    fn stamps(&self) -> Vec<i64> {
        stamps(&self.body)
    }
    fn cells(&self, column: &str) -> Vec<Value> {
        cells(&self.body, column)
    }
    fn more_nulls(&self, column: &str) -> usize {
        let nulls = |body| cells(body, column).iter().filter(|cell| cell.is_null()).count();
        nulls(&self.body) - nulls(&self.honest)
    }
    fn last_is_flat(&self) -> bool {
        let last = |column| self.cells(column).pop();
        last("volume") == Some(json!(0)) && ["open", "high", "low"].iter().all(|column| last(column) == last("close"))
    }
    fn numbers(&self, column: &str) -> Vec<f64> {
        self.cells(column).iter().filter_map(Value::as_f64).collect()
    }
}

fn stamps(body: &Value) -> Vec<i64> {
    let stamps = body["chart"]["result"][0]["timestamp"].as_array();
    stamps.into_iter().flatten().filter_map(Value::as_i64).collect()
}

fn cells(body: &Value, column: &str) -> Vec<Value> {
    body["chart"]["result"][0]["indicators"]["quote"][0][column].as_array().cloned().unwrap_or_default()
}

/// The kinds that answer: status, content type, and one telling property.
pub type Case = (Fault, u16, &'static str, fn(&Seen) -> bool);

pub const ROWS: &[Case] = &[
    (NullRows, 200, JSON, |seen| ["open", "volume"].iter().all(|column| seen.more_nulls(column) >= 5)),
    (PartialRows, 200, JSON, |seen| (1..=2).contains(&seen.more_nulls("high")) && seen.more_nulls("volume") == 1),
    (NotANumber, 200, JSON, |seen| {
        ["\"NaN\"", "\"Infinity\"", "\"-Infinity\""].iter().all(|it| seen.text.contains(it))
    }),
    (Integers, 200, JSON, |seen| seen.cells("close").iter().all(|close| close.is_i64() || close.is_null())),
    (HugeVolume, 200, JSON, |seen| seen.numbers("volume")[..70].iter().all(|volume| *volume > f64::from(u32::MAX))),
    (ShortColumns, 200, JSON, |seen| seen.cells("open").len() == seen.stamps().len() - 3),
    (DuplicateRows, 200, JSON, |seen| seen.stamps().windows(2).filter(|pair| pair[0] == pair[1]).count() >= 5),
    (ShuffledRows, 200, JSON, |seen| {
        let mut sorted = seen.stamps();
        sorted.sort_unstable();
        !seen.stamps().is_sorted() && sorted == stamps(&seen.honest)
    }),
    (ClosingRow, 200, JSON, |seen| seen.stamps().last() == Some(&CLOSE) && seen.last_is_flat()),
    (LiveRow, 200, JSON, |seen| seen.stamps().last() == Some(&(CLOSE - 300 + 47)) && seen.last_is_flat()),
    (ForeignRow, 200, JSON, |seen| seen.stamps().last() == Some(&(CLOSE + 3 * 86_400)) && seen.last_is_flat()),
    (ZeroPrices, 200, JSON, |seen| seen.cells("open").contains(&json!(0)) && seen.numbers("high").contains(&-1.5)),
    (CrossedPrices, 200, JSON, |seen| {
        let (open, high, low) = (seen.numbers("open"), seen.numbers("high"), seen.numbers("low"));
        (0..high.len()).any(|i| high[i] < low[i]) && (0..high.len()).any(|i| open[i] > high[i] && high[i] >= low[i])
    }),
    (OneBar, 200, JSON, |seen| seen.stamps() == [OPEN] && seen.cells("close").len() == 1),
    (ShortAtFirst, 200, JSON, |seen| {
        let bars = |body| stamps(body).iter().filter(|at| **at < CLOSE).count();
        bars(&seen.body) == bars(&seen.honest) - 12 && seen.stamps().last() == stamps(&seen.honest).last()
    }),
];

pub const SHAPES: &[Case] = &[
    (NoTimestamp, 200, JSON, |seen| {
        seen.result().get("timestamp").is_none() && seen.result()["indicators"] == json!({"quote": [{}]})
    }),
    (EmptyColumns, 200, JSON, |seen| {
        seen.result()["timestamp"] == json!([]) && seen.result()["indicators"]["quote"][0]["volume"] == json!([])
    }),
    (EmptyResult, 200, JSON, |seen| seen.text.contains("\"result\":[]")),
    (NullResult, 200, JSON, |seen| seen.body == json!({"chart": {"result": null, "error": null}})),
    (NullChart, 200, JSON, |seen| seen.text == "{\"chart\":null}"),
    (NoMeta, 200, JSON, |seen| seen.result().get("meta").is_none() && seen.stamps() == stamps(&seen.honest)),
    (NoPeriods, 200, JSON, |seen| {
        ["tradingPeriods", "currentTradingPeriod"].iter().all(|key| seen.meta().get(key).is_none())
    }),
    (ExtendedPeriods, 200, JSON, |seen| {
        let periods = &seen.meta()["tradingPeriods"];
        periods["regular"][1][0]["start"] == OPEN
            && periods["pre"][1][0]["end"] == OPEN
            && periods["pre"][1][0]["start"] == OPEN - 3600
            && periods["post"][1][0]["start"] == CLOSE
    }),
    (EmptyPeriods, 200, JSON, |seen| {
        seen.meta()["tradingPeriods"] == json!({"pre": [], "post": []})
            && seen.meta().get("currentTradingPeriod").is_none()
    }),
    (CoarserBars, 200, JSON, |seen| {
        seen.meta()["dataGranularity"] == "1h" && seen.stamps().iter().filter(|at| **at < CLOSE).count() == 7
    }),
    (OtherSymbol, 200, JSON, |seen| seen.meta()["symbol"] == "OTHER"),
];

pub const REFUSALS: &[Case] = &[
    (NotFound, 404, JSON, |seen| seen.description() == "No data found, symbol may be delisted"),
    (NotListedYet, 400, JSON, |seen| {
        seen.description() == "Data doesn't exist for startDate = 1795150800, endDate = 1795237200"
    }),
    (TooOld, 422, JSON, |seen| {
        seen.description()
            == "5m data not available for startTime=1795150800 and endTime=1795237200. The requested range must be within the last 60 days."
    }),
    (BadRequest, 400, JSON, |seen| seen.description().starts_with("Invalid input - interval=5m is not supported.")),
    (Unauthorized, 401, JSON, |seen| seen.body["finance"]["error"]["code"] == "Unauthorized"),
    (InternalError, 500, JSON, |seen| seen.body["chart"]["error"]["code"] == "Internal Server Error"),
];

pub const PAGES: &[Case] = &[
    (TooManyRequests, 429, HTML, |seen| seen.text == "Too Many RequestLog\r\n"),
    (EdgeTooManyRequests, 429, HTML, |seen| seen.text == "Edge: Too Many RequestLog"),
    (TooManyRequestsAsOk, 200, HTML, |seen| seen.text == "Too Many RequestLog\r\n"),
    (Forbidden, 403, HTML, |seen| seen.text.starts_with('<')),
    (ConsentPage, 200, HTML, |seen| seen.text.contains("consent")),
    (Redirect, 302, HTML, |seen| seen.text.is_empty()),
    (RightBack, 200, HTML, |seen| seen.text.contains("Will be right back...")),
    (EmptyBody, 200, JSON, |seen| seen.text.is_empty()),
    (NotJson, 200, JSON, |seen| !seen.text.is_empty() && seen.body.is_null()),
    (Truncated, 200, JSON, |seen| {
        seen.text.starts_with("{\"chart\"")
            && seen.body.is_null()
            && seen.honest.to_string().len() / 2 == seen.text.len()
    }),
    (BadGateway, 502, HTML, |seen| seen.text.starts_with('<')),
    (Unavailable, 503, HTML, |seen| seen.text.starts_with('<')),
];

/// The kinds by which no answer comes to its end.
pub const CUT: &[Fault] = &[CutOff, Reset, Stalled];
