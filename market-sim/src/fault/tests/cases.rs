//! The expected reply of every fault: META's bars of five minutes on 2026-11-20, by a clock fixed on the Tuesday after.

use serde_json::{Value, json};

use super::super::Fault::{self, *};

/// The session of the requested day, in Unix seconds.
const OPEN: i64 = 1_795_185_000;
const CLOSE: i64 = 1_795_208_400;
const JSON: &str = "application/json;charset=utf-8";
const HTML: &str = "text/html";

/// A reply with a fault, and the same reply without it.
pub struct Received {
    pub text: String,
    pub body: Value,
    pub unfaulted: Value,
}

impl Received {
    fn result(&self) -> &Value {
        &self.body["chart"]["result"][0]
    }
    fn meta(&self) -> &Value {
        &self.result()["meta"]
    }
    fn description(&self) -> &str {
        self.body["chart"]["error"]["description"].as_str().unwrap_or_default()
    }
    fn timestamps(&self) -> Vec<i64> {
        timestamps(&self.body)
    }
    fn cells(&self, column: &str) -> Vec<Value> {
        cells(&self.body, column)
    }
    fn more_nulls(&self, column: &str) -> usize {
        let nulls = |body| cells(body, column).iter().filter(|cell| cell.is_null()).count();
        nulls(&self.body) - nulls(&self.unfaulted)
    }
    /// Start and end of the requested day's trading period.
    fn period(&self) -> (i64, i64) {
        let second = |key: &str| self.meta()["tradingPeriods"][1][0][key].as_i64().unwrap_or_default();
        (second("start"), second("end"))
    }
    fn last_is_flat(&self) -> bool {
        let last = |column| self.cells(column).pop();
        last("volume") == Some(json!(0)) && ["open", "high", "low"].iter().all(|column| last(column) == last("close"))
    }
    fn numbers(&self, column: &str) -> Vec<f64> {
        self.cells(column).iter().filter_map(Value::as_f64).collect()
    }
}

fn timestamps(body: &Value) -> Vec<i64> {
    let timestamps = body["chart"]["result"][0]["timestamp"].as_array();
    timestamps.into_iter().flatten().filter_map(Value::as_i64).collect()
}

fn cells(body: &Value, column: &str) -> Vec<Value> {
    body["chart"]["result"][0]["indicators"]["quote"][0][column].as_array().cloned().unwrap_or_default()
}

/// A fault with a complete reply: its status, its content type, and a property that shows the fault.
pub type Case = (Fault, u16, &'static str, fn(&Received) -> bool);

pub const ROWS: &[Case] = &[
    (NullRows, 200, JSON, |it| ["open", "volume"].iter().all(|column| it.more_nulls(column) >= 5)),
    (PartialRows, 200, JSON, |it| (1..=2).contains(&it.more_nulls("high")) && it.more_nulls("volume") == 1),
    (NotANumber, 200, JSON, |it| {
        ["\"NaN\"", "\"Infinity\"", "\"-Infinity\""].iter().all(|text| it.text.contains(text))
    }),
    (Integers, 200, JSON, |it| it.cells("close").iter().all(|close| close.is_i64() || close.is_null())),
    (HugeVolume, 200, JSON, |it| it.numbers("volume")[..70].iter().all(|volume| *volume > f64::from(u32::MAX))),
    (ShortColumns, 200, JSON, |it| it.cells("open").len() == it.timestamps().len() - 3),
    (DuplicateRows, 200, JSON, |it| it.timestamps().windows(2).filter(|pair| pair[0] == pair[1]).count() >= 5),
    (ShuffledRows, 200, JSON, |it| {
        let mut sorted = it.timestamps();
        sorted.sort_unstable();
        !it.timestamps().is_sorted() && sorted == timestamps(&it.unfaulted)
    }),
    (ClosingRow, 200, JSON, |it| it.timestamps().last() == Some(&CLOSE) && it.last_is_flat()),
    (LiveRow, 200, JSON, |it| it.timestamps().last() == Some(&(CLOSE - 300 + 47)) && it.last_is_flat()),
    (ForeignRow, 200, JSON, |it| it.timestamps().last() == Some(&(CLOSE + 3 * 86_400)) && it.last_is_flat()),
    (ZeroPrices, 200, JSON, |it| it.cells("open").contains(&json!(0)) && it.numbers("high").contains(&-1.5)),
    (CrossedPrices, 200, JSON, |it| {
        let (open, high, low) = (it.numbers("open"), it.numbers("high"), it.numbers("low"));
        (0..high.len()).any(|i| high[i] < low[i]) && (0..high.len()).any(|i| open[i] > high[i] && high[i] >= low[i])
    }),
    (Split, 200, JSON, |it| {
        let (before, after) = (cells(&it.unfaulted, "high"), it.cells("high"));
        let ratio = |at: usize| Some(before[at].as_f64()? / after[at].as_f64()?);
        ratio(0).is_some_and(|ratio| (9.99..10.01).contains(&ratio)) && it.more_nulls("high") == 1
    }),
    (PoundsAmongPence, 200, JSON, |it| {
        let (low, high) = (it.numbers("low"), it.numbers("high"));
        let last = timestamps(&it.body).iter().filter(|at| **at < CLOSE).count() - 1;
        it.more_nulls("low") == 0 && high[last] > 90.0 * low[last] && it.numbers("volume")[last] == 0.0
    }),
    (FirstRowNoVolume, 200, JSON, |it| {
        it.numbers("volume")[0] == 0.0 && it.numbers("high")[0] > 1.1 * it.numbers("low")[0]
    }),
    (RowsOffGrid, 200, JSON, |it| it.timestamps().iter().filter(|at| (**at - OPEN) % 300 == 17).count() >= 5),
    (ClosingAuction, 200, JSON, |it| {
        let high = it.numbers("high");
        it.timestamps().last() == Some(&CLOSE)
            && it.numbers("volume").last() == Some(&50_000.0)
            && high[..high.len() - 1].iter().all(|price| *price < high[high.len() - 1])
    }),
    (OneBar, 200, JSON, |it| it.timestamps() == [OPEN] && it.cells("close").len() == 1),
    (ShortAtFirst, 200, JSON, |it| {
        let bars = |body| timestamps(body).iter().filter(|at| **at < CLOSE).count();
        bars(&it.body) == bars(&it.unfaulted) - 12 && it.timestamps().last() == timestamps(&it.unfaulted).last()
    }),
];

pub const SHAPES: &[Case] = &[
    (NoTimestamp, 200, JSON, |it| {
        it.result().get("timestamp").is_none() && it.result()["indicators"] == json!({"quote": [{}]})
    }),
    (EmptyColumns, 200, JSON, |it| {
        it.result()["timestamp"] == json!([]) && it.result()["indicators"]["quote"][0]["volume"] == json!([])
    }),
    (EmptyResult, 200, JSON, |it| it.text.contains("\"result\":[]")),
    (NullResult, 200, JSON, |it| it.body == json!({"chart": {"result": null, "error": null}})),
    (NullChart, 200, JSON, |it| it.text == "{\"chart\":null}"),
    (DeadListing, 200, JSON, |it| {
        it.meta()["exchangeName"] == "YHD" && it.meta()["currency"].is_null() && it.result().get("timestamp").is_none()
    }),
    (NoMeta, 200, JSON, |it| it.result().get("meta").is_none() && it.timestamps() == timestamps(&it.unfaulted)),
    (NoPeriods, 200, JSON, |it| {
        ["tradingPeriods", "currentTradingPeriod"].iter().all(|key| it.meta().get(key).is_none())
    }),
    (OtherCurrency, 200, JSON, |it| {
        it.meta()["currency"] == "EUR"
            && it
                .numbers("high")
                .iter()
                .zip(cells(&it.unfaulted, "high"))
                .all(|(high, before)| before.as_f64().is_none_or(|before| *high < before))
    }),
    (PeriodShort, 200, JSON, |it| it.period() == (OPEN, CLOSE - 60)),
    (PeriodHourLate, 200, JSON, |it| it.period() == (OPEN + 3600, CLOSE + 3600)),
    (PeriodHourEarly, 200, JSON, |it| it.period() == (OPEN - 3600, CLOSE - 3600)),
    (OpenOffGrid, 200, JSON, |it| it.period() == (OPEN + 420, CLOSE)),
    (StillOpen, 200, JSON, |it| {
        // 15 seconds after the clock of the test.
        it.meta()["tradingPeriods"][0][0]["end"] == 1_795_521_615
    }),
    (ExtendedPeriods, 200, JSON, |it| {
        let periods = &it.meta()["tradingPeriods"];
        periods["regular"][1][0]["start"] == OPEN
            && periods["pre"][1][0]["end"] == OPEN
            && periods["pre"][1][0]["start"] == OPEN - 3600
            && periods["post"][1][0]["start"] == CLOSE
    }),
    (EmptyPeriods, 200, JSON, |it| {
        it.meta()["tradingPeriods"] == json!({"pre": [], "post": []}) && it.meta().get("currentTradingPeriod").is_none()
    }),
    (CoarserBars, 200, JSON, |it| {
        it.meta()["dataGranularity"] == "1h" && it.timestamps().iter().filter(|at| **at < CLOSE).count() == 7
    }),
    (OtherSymbol, 200, JSON, |it| it.meta()["symbol"] == "OTHER"),
];

pub const ERRORS: &[Case] = &[
    (NotFound, 404, JSON, |it| it.description() == "No data found, symbol may be delisted"),
    (NotListedYet, 400, JSON, |it| {
        it.description() == "Data doesn't exist for startDate = 1795150800, endDate = 1795237200"
    }),
    (TooOld, 422, JSON, |it| {
        it.description()
            == "5m data not available for startTime=1795150800 and endTime=1795237200. The requested range must be within the last 60 days."
    }),
    (BadRequest, 400, JSON, |it| it.description().starts_with("Invalid input - interval=5m is not supported.")),
    (Unauthorized, 401, JSON, |it| it.body["finance"]["error"]["code"] == "Unauthorized"),
    (InternalError, 500, JSON, |it| it.body["chart"]["error"]["code"] == "Internal Server Error"),
];

pub const PAGES: &[Case] = &[
    (TooManyRequests, 429, HTML, |it| it.text == "Too Many Requests\r\n"),
    (EdgeTooManyRequests, 429, HTML, |it| it.text == "Edge: Too Many Requests"),
    (TooManyRequestsAsOk, 200, HTML, |it| it.text == "Too Many Requests\r\n"),
    (Forbidden, 403, HTML, |it| it.text.starts_with('<')),
    (RequestDenied, 999, HTML, |it| it.text.contains("error 999")),
    (ConsentPage, 200, HTML, |it| it.text.contains("consent")),
    (Redirect, 302, HTML, |it| it.text.is_empty()),
    (RightBack, 200, HTML, |it| it.text.contains("Will be right back...")),
    (EmptyBody, 200, JSON, |it| it.text.is_empty()),
    (NotJson, 200, JSON, |it| !it.text.is_empty() && it.body.is_null()),
    (Truncated, 200, JSON, |it| {
        it.text.starts_with("{\"chart\"") && it.body.is_null() && it.unfaulted.to_string().len() / 2 == it.text.len()
    }),
    (BadGateway, 502, HTML, |it| it.text.starts_with('<')),
    (Unavailable, 503, HTML, |it| it.text.starts_with('<')),
    (GatewayTimeout, 504, HTML, |it| it.text.starts_with('<')),
];

/// The faults that cut the connection before the reply is complete.
pub const CUT: &[Fault] = &[CutOff, Reset, Stalled];
