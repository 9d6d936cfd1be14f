//! Alpaca by script: what it lists, its calendar, and what it answers instead at times.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use collect::{HttpReply, KeyStore, ReportedRate, Transport, Unreachable};
use futures::{FutureExt, future::BoxFuture};
use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, Time},
};
use reqwest::{Url, header::HeaderMap};
use serde_json::{Value, json};
use shared::{ServiceError, trading_calendar::NEW_YORK};
use tokio::time::{Instant, sleep};

use crate::market::DATE;

/// How long a reply takes.
const LATENCY: Duration = Duration::from_millis(50);

/// A request, as the market sees it.
#[derive(Debug, Clone)]
pub struct Requested {
    /// When it arrived, in time since the start of the run.
    pub at: Duration,
    /// Its number, from 0.
    pub number: usize,
    pub url: Url,
    /// The header with the id of the key.
    pub key_id: String,
}

impl Requested {
    /// A parameter; empty where it has none.
    pub fn parameter(&self, name: &str) -> String {
        self.url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
    }

    pub fn symbols(&self) -> Vec<String> {
        self.parameter("symbols").split(',').map(str::to_owned).collect()
    }

    pub fn is_for_bars(&self) -> bool {
        self.url.path() == "/v2/stocks/bars"
    }

    pub fn is_for(&self, symbol: &str) -> bool {
        self.is_for_bars() && self.symbols().iter().any(|requested| requested == symbol)
    }
}

type Reply = Result<HttpReply, Unreachable>;

/// What the market answers in place of what it has.
pub type Instead = Arc<dyn Fn(&Requested) -> Option<Reply> + Send + Sync>;

/// What it has.
#[derive(Clone)]
pub struct Script {
    /// By symbol, the status and the exchange of the asset, and whether it trades.
    pub assets: BTreeMap<String, (&'static str, &'static str, bool)>,
    /// The regular hours on [`DATE`], on New York's clock; none on a holiday.
    pub hours: Option<[&'static str; 2]>,
    /// The most bars of a page.
    pub page: usize,
    pub instead: Instead,
}

impl Script {
    /// A full session, with the reference symbol and these ones, which trade.
    pub fn of<T: Into<String>>(symbols: impl IntoIterator<Item = T>) -> Self {
        let symbols = symbols.into_iter().map(Into::into).chain(["SPY".to_owned()]);
        Self {
            assets: symbols.map(|symbol| (symbol, ("active", "NYSE", true))).collect(),
            hours: Some(["09:30", "16:00"]),
            page: 10_000,
            instead: Arc::new(|_| None),
        }
    }

    pub fn instead(self, instead: impl Fn(&Requested) -> Option<Reply> + Send + Sync + 'static) -> Self {
        Self { instead: Arc::new(instead), ..self }
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Script")
    }
}

/// The market at work.
#[derive(Debug, Clone)]
pub struct ScriptedAlpaca {
    script: Arc<Script>,
    began: Instant,
    requested: Arc<Mutex<Vec<Requested>>>,
}

impl ScriptedAlpaca {
    pub fn new(script: Script) -> Self {
        Self { script: Arc::new(script), began: Instant::now(), requested: Arc::default() }
    }

    /// The requests so far.
    pub fn requested(&self) -> Vec<Requested> {
        self.requested.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, url: Url, headers: &HeaderMap) -> Requested {
        let key_id = headers.get("apca-api-key-id").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let mut requested = self.requested.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, number) = (self.began.elapsed(), requested.len());
        let request = Requested { at, number, url, key_id: key_id.to_owned() };
        requested.push(request.clone());
        request
    }

    fn reply(&self, request: &Requested) -> Option<Reply> {
        let script = &self.script;
        match request.url.path() {
            "/v2/calendar" => {
                let days = [("2026-11-19", Some(["09:30", "16:00"])), (DATE, script.hours)];
                let day = |(date, hours): (&str, Option<[&str; 2]>)| {
                    let [open, close] = hours?;
                    (request.parameter("start").as_str() <= date).then(
                        || json!({"date": date, "open": open, "close": close, "session_open": "0400", "session_close": "2000"}),
                    )
                };
                ok(&days.into_iter().filter_map(day).collect())
            }
            "/v2/stocks/bars" => {
                let symbols = request.symbols();
                let is_taken = |symbol: &&String| symbol.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'.');
                match symbols.iter().find(|symbol| !is_taken(symbol)) {
                    Some(symbol) => error(400, &format!("invalid symbol: {symbol}")),
                    None => self.page(request, &symbols),
                }
            }
            path => match script.assets.get(path.strip_prefix("/v2/assets/")?) {
                Some((status, exchange, _)) => ok(&json!({"status": status, "exchange": exchange})),
                None => error(404, "asset not found"),
            },
        }
    }

    /// A page of all bars: by symbol, then by time.
    fn page(&self, request: &Requested, symbols: &[String]) -> Option<Reply> {
        let trades = |symbol: &&String| self.script.assets.get(*symbol).is_some_and(|(.., trades)| *trades);
        let mut symbols: Vec<_> = symbols.iter().filter(trades).collect();
        symbols.sort();
        let rows = symbols.into_iter().flat_map(|symbol| bars(request).into_iter().map(move |bar| (symbol, bar)));
        let from: usize =
            request.parameter("page_token").strip_prefix("from=").and_then(|at| at.parse().ok()).unwrap_or(0);
        let mut rows = rows.skip(from).peekable();
        let mut page: BTreeMap<&String, Vec<Value>> = BTreeMap::new();
        for (symbol, bar) in rows.by_ref().take(self.script.page) {
            page.entry(symbol).or_default().push(bar);
        }
        let token = rows.peek().map(|_| format!("from={}", from + self.script.page));
        ok(&json!({"bars": page, "next_page_token": token}))
    }
}

/// The bars of a request, before the open and after the close, too: the nth of the day opens at n, and trades a hundred.
fn bars(request: &Requested) -> Vec<Value> {
    let minutes = request.parameter("timeframe").strip_suffix("Min").and_then(|it| it.parse().ok()).unwrap_or(0);
    let bound = |name| request.parameter(name).parse::<Timestamp>().unwrap_or_default();
    let begin = on(NEW_YORK.date_of(bound("start")), "04:00");
    let inside = |at: &Timestamp| (bound("start")..=bound("end")).contains(at);
    let starts = (0..16 * 60 / minutes.max(1)).map(|number| begin + SignedDuration::from_mins(number * minutes));
    let number = |at: Timestamp| (at - begin).get_seconds() as f64 / 60.0 / minutes as f64 + 1.0;
    let bar = |at: Timestamp| {
        let price = number(at);
        json!({"t": at.to_string(), "o": price, "h": price + 0.5, "l": price - 0.5, "c": price + 0.25, "v": 100, "n": 3, "vw": price})
    };
    starts.filter(inside).map(bar).collect()
}

/// A time of the trade date, on New York's clock.
pub fn at(time: &str) -> Timestamp {
    on(DATE.parse().unwrap_or_default(), time)
}

fn on(date: Date, time: &str) -> Timestamp {
    let time = Time::strptime("%H:%M", time).unwrap_or_default();
    date.to_datetime(time).to_zoned(NEW_YORK.zone.clone()).map(|at| at.timestamp()).unwrap_or_default()
}

pub fn ok(body: &Value) -> Option<Reply> {
    text(200, &body.to_string())
}

pub fn error(status: u16, message: &str) -> Option<Reply> {
    text(status, &json!({"message": message}).to_string())
}

pub fn text(status: u16, body: &str) -> Option<Reply> {
    Some(Ok(HttpReply::new(status, body)))
}

/// Too many requests, with the seconds until the limit is reset where the headers say so.
pub fn too_many(reset_in: Option<u64>) -> Option<Reply> {
    let rate = ReportedRate { remaining: reset_in.map(|_| 0), resets_in: reset_in.map(Duration::from_secs) };
    let body = json!({"message": "too many requests."}).to_string();
    Some(Ok(HttpReply { rate, ..HttpReply::new(429, body) }))
}

pub fn unreachable() -> Option<Reply> {
    Some(Err(Unreachable { problem: "connection refused".to_owned(), simulated: false, timed_out: false }))
}

impl Transport for ScriptedAlpaca {
    fn get(&self, url: Url, headers: HeaderMap) -> BoxFuture<'_, Reply> {
        async move {
            let request = self.note(url, &headers);
            sleep(LATENCY).await;
            let instead = (self.script.instead)(&request);
            let reply = instead.or_else(|| self.reply(&request)).or_else(|| error(404, "not found"));
            reply.unwrap_or_else(|| Ok(HttpReply::new(404, "")))
        }
        .boxed()
    }
}

/// A secret whose text is another one at each read, until the last.
#[derive(Clone, Default)]
pub struct Secret {
    pub texts: Vec<String>,
    pub reads: Arc<Mutex<usize>>,
}

impl Secret {
    /// One that holds these keys, each with a secret part that no output may show.
    pub fn of(ids: &[&str]) -> Self {
        let text = |id: &&str| json!({"key_id": id, "secret_key": format!("hush-{id}")}).to_string();
        Self { texts: ids.iter().map(text).collect(), reads: Arc::default() }
    }

    pub fn reads(&self) -> usize {
        *self.reads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret")
    }
}

impl KeyStore for Secret {
    fn name(&self) -> &str {
        "finstream/alpaca"
    }

    fn read(&self) -> BoxFuture<'_, Result<String, ServiceError>> {
        let mut reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
        let text = self.texts.get(*reads).or(self.texts.last()).cloned().unwrap_or_default();
        *reads += 1;
        async move { Ok(text) }.boxed()
    }
}
