//! A market by script: what it has of each symbol, and when it blocks every client or is down.
//!
//! It answers the real client of `collect`, in the virtual time of the test's runtime.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use collect::{HttpReply, Transport, Unreachable};
use futures::future::BoxFuture;
use jiff::Timestamp;
use reqwest::{Url, header::HeaderMap};
use serde_json::json;
use shared::Interval;
use tokio::time::{Instant, sleep};

/// The trade date of every script: a Friday with full sessions in New York and London.
pub const DATE: &str = "2026-11-20";

/// When every run begins: after the close of both exchanges.
pub const RUN_BEGINS: &str = "2026-11-20T22:30:00Z";

/// The longest that a request takes before the transport gives up, as the one over HTTPS does.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);

/// Where a symbol trades.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exchange {
    NewYork,
    London,
}

/// What the market has of a symbol while it is up.
#[derive(Debug, Clone, PartialEq)]
pub enum Listing {
    /// Bars, without those of these numbers. After so many replies the holes are filled.
    Trades { holes: BTreeSet<usize>, filled_after: Option<u32> },
    /// Bars without those of these numbers, at this price in this currency: by the first reply, and by every later one.
    Restated([(BTreeSet<usize>, f32, &'static str); 2]),
    /// Nothing: 404.
    Unknown,
    /// The exchange was closed on the date.
    Holiday,
    /// The session was held, and the symbol did not trade.
    Untraded,
    /// The session is still going on.
    StillOpen,
    /// The session goes on for so long after the start of the run.
    OpenFor(Duration),
    /// Bars but the eighth, in a session that is over by the first reply, and goes on so long after the start of the run by
    /// every later one.
    GoesOn(Duration),
    /// The session goes on while the test's clock runs, which begins at the open: the bars that have closed, of which the last
    /// trades are reported so long after the close, the one that is growing, and the latest price.
    Open { settles_after: Duration },
    /// The date is older than what is kept.
    TooOld,
    /// Nothing, and it says so at length.
    Wordy(String),
    /// The fault, in so many replies or in all, and then full bars.
    Faulty(Fault, Option<u32>),
}

impl Listing {
    /// Every bar of the session.
    pub fn full() -> Self {
        Self::Trades { holes: BTreeSet::new(), filled_after: None }
    }
}

/// What is wrong with the replies of one symbol, or with those of the whole market.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// 429 for a client that is refused.
    Blocks,
    /// 503.
    Fails,
    /// No reply.
    Hangs,
    /// 404, as if it knew no symbol.
    HasNothing,
    /// 200 with something that is not a chart.
    Malformed,
}

/// The script of a market.
#[derive(Debug, Clone, Default)]
pub struct Script {
    /// What it has, by symbol. Any other is unknown.
    pub listings: BTreeMap<String, (Exchange, Listing)>,
    /// When the whole market has a fault, in time since the start of the run.
    pub outages: Vec<(Range<Duration>, Fault)>,
    /// The length of the bars.
    pub interval: Interval,
    /// How long a reply takes.
    pub latency: Duration,
    /// The requests a second, after a first 20, above which the market refuses.
    pub most_per_second: Option<f64>,
}

/// One request, and what became of it.
#[derive(Debug, Clone)]
pub struct Asked {
    /// When it arrived, in time since the start of the run.
    pub at: Duration,
    pub symbol: String,
    /// The fault of the whole market with which it was answered.
    pub outage: Option<Fault>,
    /// The fault of the symbol alone with which it was answered.
    pub fault: Option<Fault>,
}

/// The market at work.
#[derive(Debug, Clone)]
pub struct ScriptedMarket {
    script: Arc<Script>,
    began: Instant,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl ScriptedMarket {
    pub fn new(script: Script) -> Self {
        Self { script: Arc::new(script), began: Instant::now(), asked: Arc::default() }
    }

    /// The requests so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the answered requests until now leave no room for another: a bucket of 20 that is filled at the rate.
    fn exceeds_the_rate(&self, at: Duration) -> bool {
        let Some(rate) = self.script.most_per_second else { return false };
        let (mut room, mut last) = (20.0_f64, Duration::ZERO);
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        for one in asked.iter().filter(|one| one.outage.is_none()) {
            room = (room + (one.at - last).as_secs_f64() * rate).min(20.0) - 1.0;
            last = one.at;
        }
        (room + (at - last).as_secs_f64() * rate).min(20.0) < 1.0
    }

    async fn reply(&self, symbol: String) -> Result<HttpReply, Unreachable> {
        let (at, script) = (self.began.elapsed(), &self.script);
        let outage = script.outages.iter().find(|(during, _)| during.contains(&at)).map(|(_, fault)| *fault);
        let outage = outage.or_else(|| self.exceeds_the_rate(at).then_some(Fault::Blocks));
        let listing = script.listings.get(&symbol);
        let before = {
            let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            let own = |one: &&Asked| one.symbol == symbol && one.outage.is_none();
            let before = u32::try_from(asked.iter().filter(own).count()).unwrap_or(u32::MAX);
            let fault = match listing {
                Some((_, Listing::Faulty(fault, times))) if times.is_none_or(|times| before < times) => Some(*fault),
                _ => None,
            };
            let fault = fault.filter(|_| outage.is_none());
            asked.push(Asked { at, symbol: symbol.clone(), outage, fault });
            (before, fault)
        };
        let (before, fault) = before;
        if let Some(fault) = outage.or(fault) {
            return fault.reply(script.latency).await;
        }
        sleep(script.latency).await;
        let ok = |body| Ok(HttpReply::new(200, body));
        match listing {
            None | Some((_, Listing::Unknown)) => Fault::HasNothing.reply(Duration::ZERO).await,
            Some((_, Listing::Wordy(text))) => error(404, text),
            Some((_, Listing::TooOld)) => error(422, "The requested range must be within the last 60 days."),
            Some((exchange, Listing::Trades { holes, filled_after })) => {
                let is_filled = filled_after.is_some_and(|replies| before >= replies);
                ok(chart(&symbol, *exchange, script.interval, |bar| is_filled || !holes.contains(&bar)))
            }
            Some((exchange, Listing::Restated(replies))) => {
                let (holes, price, currency) = &replies[usize::from(before > 0)];
                let chart = chart(&symbol, *exchange, script.interval, |bar| !holes.contains(&bar));
                ok(chart.replace("10.5", &price.to_string()).replace("USD", currency))
            }
            Some((exchange, Listing::Faulty(..))) => ok(chart(&symbol, *exchange, script.interval, |_| true)),
            Some((exchange, Listing::Untraded)) => ok(chart(&symbol, *exchange, script.interval, |_| false)),
            Some((exchange, Listing::Holiday)) => ok(without_session(&symbol, *exchange, script.interval)),
            Some((exchange, Listing::GoesOn(_))) if before == 0 => {
                ok(chart(&symbol, *exchange, script.interval, |bar| bar != 7))
            }
            Some((exchange, Listing::OpenFor(left) | Listing::GoesOn(left))) => {
                let began = RUN_BEGINS.parse::<Timestamp>().map_or(0, Timestamp::as_second);
                let end = began + i64::try_from(left.as_secs()).unwrap_or_default();
                let hours = exchange.opens()..end;
                ok(chart_of(&symbol, *exchange, script.interval, hours, |_| true))
            }
            Some((exchange, Listing::Open { settles_after })) => {
                ok(open_session(&symbol, *exchange, script.interval, (self.began.elapsed(), *settles_after)))
            }
            Some((exchange, Listing::StillOpen)) => ok(chart_of(
                &symbol,
                *exchange,
                script.interval,
                exchange.opens()..exchange.opens() + 24 * 3600,
                |_| true,
            )),
        }
    }
}

impl Transport for ScriptedMarket {
    fn get(&self, url: Url, _: HeaderMap) -> BoxFuture<'_, Result<HttpReply, Unreachable>> {
        let symbol = url.path().rsplit('/').next().unwrap_or_default().to_owned();
        Box::pin(self.reply(symbol))
    }
}

impl Fault {
    async fn reply(self, latency: Duration) -> Result<HttpReply, Unreachable> {
        if self == Self::Hangs {
            sleep(REQUEST_TIMEOUT).await;
            return Err(Unreachable { problem: "operation timed out".to_owned(), simulated: false, timed_out: true });
        }
        sleep(latency).await;
        let text = |status, body: &str| Ok(HttpReply::new(status, body));
        match self {
            Self::Blocks => text(429, "Too Many Requests\r\n"),
            Self::Malformed => text(200, r#"{"chart":{"result":[],"error":null}}"#),
            Self::HasNothing => error(404, "No data found, symbol may be delisted"),
            Self::Fails | Self::Hangs => text(503, "<html>Service Unavailable</html>"),
        }
    }
}

impl Exchange {
    /// The open, in seconds since 1970.
    pub fn opens(self) -> i64 {
        self.hours().start
    }

    /// 09:30 to 16:00 in New York, 08:00 to 16:30 in London.
    fn hours(self) -> Range<i64> {
        let at = |text: &str| text.parse::<Timestamp>().map_or(0, Timestamp::as_second);
        match self {
            Self::NewYork => at("2026-11-20T14:30:00Z")..at("2026-11-20T21:00:00Z"),
            Self::London => at("2026-11-20T08:00:00Z")..at("2026-11-20T16:30:00Z"),
        }
    }

    fn zone(self) -> &'static str {
        match self {
            Self::NewYork => "America/New_York",
            Self::London => "Europe/London",
        }
    }

    /// The number of bars of a full session.
    pub fn bars(self, interval: Interval) -> usize {
        let Range { start, end } = self.hours();
        let seconds = interval.duration().as_secs();
        usize::try_from((end - start + seconds - 1) / seconds).unwrap_or_default()
    }
}

fn error(status: u16, description: &str) -> Result<HttpReply, Unreachable> {
    let body = json!({"chart": {"result": null, "error": {"code": "Error", "description": description}}});
    Ok(HttpReply::new(status, body.to_string()))
}

fn chart(symbol: &str, exchange: Exchange, interval: Interval, has: impl Fn(usize) -> bool) -> String {
    chart_of(symbol, exchange, interval, exchange.hours(), has)
}

fn chart_of(
    symbol: &str,
    exchange: Exchange,
    interval: Interval,
    hours: Range<i64>,
    has: impl Fn(usize) -> bool,
) -> String {
    let bars = (0..exchange.bars(interval)).filter(|bar| has(*bar));
    let step = interval.duration().as_secs();
    let rows: Vec<i64> = bars.map(|bar| hours.start + i64::try_from(bar).unwrap_or_default() * step).collect();
    let (prices, volumes) = (vec![10.5; rows.len()], vec![100; rows.len()]);
    json!({"chart": {"error": null, "result": [{
        "meta": {
            "symbol": symbol, "currency": "USD", "longName": format!("{symbol} as the market calls it"),
            "exchangeTimezoneName": exchange.zone(), "dataGranularity": interval.as_str(),
            "tradingPeriods": [[{"start": hours.start, "end": hours.end}]],
        },
        "timestamp": rows,
        "indicators": {"quote": [{"open": prices, "high": prices, "low": prices, "close": prices, "volume": volumes}]},
    }]}})
    .to_string()
}

/// What a bar of [`Listing::Open`] ends up with: its close and its volume.
pub fn settled(symbol: &str, bar: usize) -> (f64, u64) {
    let of_symbol = symbol.bytes().map(usize::from).sum::<usize>() % 50;
    ((1000 + 10 * of_symbol + bar) as f64 / 8.0, 1_000 + bar as u64)
}

fn open_session(
    symbol: &str,
    exchange: Exchange,
    interval: Interval,
    (since_open, settles_after): (Duration, Duration),
) -> String {
    let (step, Range { start, end }) = (interval.duration().unsigned_abs(), exchange.hours());
    let (mut rows, mut closes, mut volumes) = (vec![], vec![], vec![]);
    for bar in 0..exchange.bars(interval) {
        let began = step * u32::try_from(bar).unwrap_or_default();
        if began > since_open {
            break;
        }
        let (close, volume) = settled(symbol, bar);
        let is_settled = since_open >= began + step + settles_after;
        rows.push(start + i64::try_from(began.as_secs()).unwrap_or_default());
        closes.push(if is_settled { close } else { close - 0.5 });
        volumes.push(if is_settled { volume } else { volume / 2 });
    }
    let now = start + i64::try_from(since_open.as_secs()).unwrap_or_default();
    let latest = closes.last().copied().filter(|_| now < end && rows.last() != Some(&now));
    rows.extend(latest.map(|_| now));
    closes.extend(latest);
    volumes.extend(latest.map(|_| 0));
    json!({"chart": {"error": null, "result": [{
        "meta": {
            "symbol": symbol, "currency": "USD", "longName": format!("{symbol} as the market calls it"),
            "exchangeTimezoneName": exchange.zone(), "dataGranularity": interval.as_str(), "regularMarketPrice": 10.5,
            "currentTradingPeriod": {"regular": {"start": start, "end": end}},
        },
        "timestamp": rows,
        "indicators": {"quote": [{"open": closes, "high": closes, "low": closes, "close": closes, "volume": volumes}]},
    }]}})
    .to_string()
}

fn without_session(symbol: &str, exchange: Exchange, interval: Interval) -> String {
    json!({"chart": {"error": null, "result": [{
        "meta": {"symbol": symbol, "currency": "USD", "exchangeTimezoneName": exchange.zone(), "dataGranularity": interval.as_str()},
        "indicators": {"quote": [{}]},
    }]}})
    .to_string()
}
