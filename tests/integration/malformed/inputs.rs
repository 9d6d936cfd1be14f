//! The malformed inputs.

use serde_json::{Value, json};

/// A request to the API, and the expected reply.
pub struct Request {
    pub body: String,
    pub content_type: &'static str,
    pub status: u16,
    /// The field that the reply must name; empty when any will do, since it depends on how far the text can be parsed.
    pub field: String,
}

impl Request {
    fn new(body: impl Into<String>, field: &str) -> Self {
        Self { body: body.into(), content_type: "application/json", status: 400, field: field.into() }
    }
}

/// Not JSON, or not a single JSON object.
const NOT_AN_OBJECT: [&str; 30] = [
    "{",
    "}",
    "[",
    "{]",
    "{\"trade_date\"",
    "{'trade_date':1}",
    "nul",
    "{\"trade_date\":}",
    "{,}",
    "{}{}",
    "{} x",
    "{\"trade_date\" \"2026-11-20\"}",
    "{\"symbols\":[\"META\",]}",
    "{\"symbols\":[\"META\"}",
    "// nothing",
    "undefined",
    "NaN",
    "\"",
    "<xml/>",
    "--",
    "{\"trade_date\":\"2026-11-20\"",
    "{\"trade_date\":\"\\x\"}",
    "trade_date=2026-11-20",
    "null",
    "true",
    "7",
    "-0.5",
    "\"2026-11-20\"",
    "[]",
    "[\"2026-11-20\"]",
];

/// Values whose type no field accepts. Without `null`, which is accepted as a field that is left out.
fn values_of_other_types() -> Vec<Value> {
    vec![
        json!(true),
        json!({}),
        json!({"a": 1}),
        json!([[]]),
        json!(-1),
        json!(1.5),
        json!(18_446_744_073_709_551_615_u64),
    ]
}

const DATES: [&str; 24] = [
    "",
    " ",
    "2021-13-45",
    "2021-02-30",
    "2023-02-29",
    "20211130",
    "2021-11-30T00:00",
    "tomorrow",
    "2999-01-01",
    "-2021-01-01",
    "2021-1-3",
    "2021-11-31",
    "10000-01-01",
    "0000-00-00",
    "２０２１-11-30",
    "2021-11-30 ",
    " 2021-11-30",
    "2021/11/30",
    "30.11.2021",
    "11-30-2021",
    "2021-W48-2",
    "2021-334",
    "1638230400",
    "2021-11-30'; drop table bars; --",
];

const SYMBOLS: [&str; 34] = [
    "",
    " ",
    "../x",
    "A/B",
    "A?B",
    "A#B",
    "A B",
    "A'B",
    "A\"B",
    "A;B",
    "A%2FB",
    "<x>",
    "Ä",
    "A\nB",
    "A\u{0}B",
    "-A",
    "=X",
    ".",
    "ABCDEFGHIJKLMNOPQRSTU",
    "${x}",
    "$(x)",
    "A,B",
    "A|B",
    "😀",
    "A\\B",
    "A:B",
    "@A",
    "#A",
    "A+B",
    "A*",
    "A~B",
    "A(B)",
    "{A}",
    "A!",
];

const INTERVALS: [&str; 18] = [
    "", " ", "7m", "90m", "5", "5M", " 5m", "5m ", "1d", "5 m", "5m;", "m5", "-5m", "4h", "1wk", "３0m", "PT5M", "300s",
];

const TIMES: [&str; 12] = [
    "",
    "noon",
    "2026-11-20",
    "2026-11-20 22:30",
    "22:30",
    "2026-11-20T22:30:00",
    "2026-13-20T22:30:00Z",
    "2026-11-20T25:00:00Z",
    "<aws.scheduler>",
    "1795185000",
    "2026-11-20T22:30:00+99:00",
    "now",
];

/// A caller of the API may name no run, not even by a valid id.
const RUN_IDS: [&str; 9] = ["", " ", "x' or 1=1", "a b", "a/b", "é", "a\nb", "a;b", "scheduled-2026-11-20"];

/// Fields that no request has, with the name that must be reported.
fn unknown_fields() -> Vec<(Value, &'static str)> {
    vec![
        (json!({"date": "2026-11-20"}), "date"),
        (json!({"symbol": "META"}), "symbol"),
        (json!({"tradeDate": "2026-11-20"}), "tradeDate"),
        (json!({"Symbols": ["META"]}), "Symbols"),
        (json!({"trade_date": "2026-11-20", "extra": 1}), "extra"),
        (json!({"__proto__": {}}), "__proto__"),
        (json!({"trade_date ": "2026-11-20"}), "trade_date "),
        (json!({"requestContext": {"http": {"method": "POST"}}}), "requestContext"),
        (json!({"query": "select 1"}), "query"),
        (json!({"limit": 1}), "limit"),
        (json!({"interval": "5m", "concurrency": 100}), "concurrency"),
        (json!({"market_url": "http://169.254.169.254/"}), "market_url"),
    ]
}

/// Objects with one invalid field, with the part that must be reported.
fn invalid_fields() -> Vec<(Value, String)> {
    let mut inputs = Vec::new();
    let mut add = |field: &str, value: Value, named: &str| inputs.push((json!({field: value}), named.to_owned()));
    for field in ["trade_date", "interval", "scheduled_time"] {
        values_of_other_types().into_iter().for_each(|value| add(field, value, field));
    }
    values_of_other_types()
        .into_iter()
        .filter(|value| !value.is_array())
        .for_each(|value| add("symbols", value, "symbols"));
    DATES.into_iter().for_each(|date| add("trade_date", json!(date), "trade_date"));
    INTERVALS.into_iter().for_each(|interval| add("interval", json!(interval), "interval"));
    TIMES.into_iter().for_each(|time| add("scheduled_time", json!(time), "scheduled_time"));
    SYMBOLS.into_iter().for_each(|symbol| add("symbols", json!([symbol]), "symbols[0]"));
    add("symbols", json!("META"), "symbols");
    add("symbols", json!([]), "symbols");
    add("symbols", json!(["META", "SHOP", "a/b"]), "symbols[2]");
    add("symbols", json!(["META", null]), "symbols[1]");
    add("symbols", json!([["META"]]), "symbols[0]");
    // More than a state may be given.
    add("symbols", json!((0..27_500).map(|n| format!("S{n:05}")).collect::<Vec<_>>()), "symbols");
    inputs
}

/// The requests to the API.
pub fn requests() -> Vec<Request> {
    let mut requests: Vec<_> = NOT_AN_OBJECT.into_iter().map(|body| Request::new(body, "")).collect();
    requests.extend(invalid_fields().into_iter().map(|(input, field)| Request::new(input.to_string(), &field)));
    requests.extend(unknown_fields().into_iter().map(|(input, field)| Request::new(input.to_string(), field)));
    requests.extend(RUN_IDS.into_iter().map(|id| Request::new(json!({"run_id": id}).to_string(), "run_id")));
    requests.push(Request::new(json!({"run_id": "x".repeat(129)}).to_string(), "run_id"));
    requests.push(Request::new(json!({"collection": {}}).to_string(), "collection"));
    requests.push(Request::new(r#"{"interval":"5m","interval":"1m"}"#, "body"));
    requests.push(Request::new(format!("{}1{}", r#"{"a":"#.repeat(200), "}".repeat(200)), "a"));
    for content_type in [
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "text/json",
        "application/jsonp",
        "application/json5",
        "application/octet-stream",
        "image/png",
        "multipart/form-data; boundary=x",
    ] {
        let request = Request::new(r#"{"trade_date":"2026-11-20"}"#, "content-type");
        requests.push(Request { content_type, status: 415, ..request });
    }
    for body in [" ".repeat(270_000), format!(r#"{{"trade_date":"{}"}}"#, "2".repeat(270_000)), "[".repeat(400_000)] {
        requests.push(Request { status: 413, ..Request::new(body, "body") });
    }
    requests
}

/// The inputs of executions. None has an invalid `run_id`: the state machine sets it itself and ignores the input's.
pub fn executions() -> Vec<Value> {
    let objects = invalid_fields()
        .into_iter()
        .map(|(input, _)| input)
        .chain(unknown_fields().into_iter().map(|(input, _)| input));
    let others = [json!(null), json!(true), json!(7), json!("2026-11-20"), json!([]), json!(["META"])];
    objects.chain([json!({"collection": {}})]).chain(others).collect()
}
