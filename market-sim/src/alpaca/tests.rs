//! Alpaca's side of the market as a client sees it.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{SignedDuration, Timestamp, ToSpan, civil::Date};
use proptest::prelude::*;
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use shared::{Interval, Session};

use super::{
    Key,
    bars::{self, Page},
    query::{BarsQuery, Parameter},
    trades::{Bar, Decimal},
};
use crate::{SimulatedMarket, chart, exchanges::NEW_YORK, request, server};

mod faults;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// The Tuesday before Thanksgiving Day, before the open.
const NOW: &str = "2026-11-24T12:00:00Z";
/// The session of the Friday before.
const SESSION: &str = "start=2026-11-20T14:30:00Z&end=2026-11-20T20:59:59Z";

/// A served market with a fixed clock, and a client with the market's key.
pub struct Served {
    pub market: SimulatedMarket,
    address: String,
}

impl Served {
    pub async fn at(now: &str) -> Outcome<Self> {
        let now: Timestamp = now.parse()?;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let market = SimulatedMarket::new();
        let router = server::router(market.clone(), Arc::new(move || now));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { market, address })
    }

    /// A request without a key.
    pub fn request(&self, path: &str) -> RequestBuilder {
        reqwest::Client::new().get(format!("http://{}{path}", self.address))
    }

    pub async fn get(&self, path: &str) -> Outcome<Response> {
        let Key { id, secret } = self.market.key();
        Ok(self.request(path).header("APCA-API-KEY-ID", id).header("APCA-API-SECRET-KEY", secret).send().await?)
    }

    pub async fn json(&self, path: &str) -> Outcome<(u16, Value)> {
        let reply = self.get(path).await?;
        let status = reply.status().as_u16();
        let text = reply.text().await?;
        Ok((status, serde_json::from_str(&text).map_err(|error| format!("{path}: {status}, {error}: {text}"))?))
    }
}

fn parameters(query: &str) -> Vec<Parameter> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The page of a request, without the network.
fn page(query: &str, now: &str) -> Result<Page, String> {
    let now = now.parse().map_err(|error| format!("{now}: {error}"))?;
    let query = BarsQuery::parse(&parameters(query), now).map_err(|error| error.message)?;
    Ok(bars::page(&query, now))
}

/// The bars of one symbol on one page.
fn bars_of(symbol: &str, query: &str) -> Result<Vec<Bar>, String> {
    let mut page = page(&format!("symbols={symbol}&limit=10000&{query}"), "2031-06-15T12:00:00Z")?;
    Ok(page.bars.remove(symbol).unwrap_or_default())
}

fn session(date: &str) -> Outcome<Session> {
    Ok(NEW_YORK.calendar.session(date.parse()?).ok_or("no session")?)
}

#[tokio::test]
async fn replies_have_alpacas_format() -> Outcome {
    let served = Served::at(NOW).await?;
    let path = "/v2/stocks/bars?symbols=META,BRK.B&timeframe=5Min&feed=sip&adjustment=raw&limit=3";
    let window = "start=2026-11-20T14:30:00Z&end=2026-11-20T14:39:59Z";
    let first = served.get(&format!("{path}&{window}")).await?.text().await?;
    let token = serde_json::from_str::<Value>(&first)?["next_page_token"].as_str().ok_or("one page")?.to_owned();
    let second = format!("{path}&{window}&page_token={}", token.replace('=', "%3D"));
    let second = served.get(&second).await?.text().await?;
    let asset = served.get("/v2/assets/META").await?.text().await?;
    insta::assert_snapshot!("replies", [first, second, asset].join("\n"));
    Ok(())
}

/// The rows that two public clients of Alpaca keep as its reply.
#[tokio::test]
async fn the_calendar_leaves_holidays_out_and_has_half_days() -> Outcome {
    let served = Served::at(NOW).await?;
    let expected = json!([
        {"date": "2026-11-25", "open": "09:30", "close": "16:00", "session_open": "0400", "session_close": "2000", "settlement_date": "2026-11-27"},
        {"date": "2026-11-27", "open": "09:30", "close": "13:00", "session_open": "0400", "session_close": "1700", "settlement_date": "2026-11-30"},
    ]);
    assert_eq!(served.json("/v2/calendar?start=2026-11-25&end=2026-11-29").await?, (200, expected));
    for (path, rows) in [
        ("/v2/calendar?start=2026-11-26&end=2026-11-26", 0),
        ("/v2/calendar?start=2026-11-27&end=2026-11-30", 2),
        ("/v2/calendar?start=2026-11-30&end=2026-11-27", 0),
        ("/v2/calendar?start=2026-01-01&end=2026-12-31", 251),
        ("/v2/calendar?start=2029-12-31", 1),
    ] {
        assert_eq!(served.json(path).await?.1.as_array().map(Vec::len), Some(rows), "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn a_request_gets_the_status_and_the_message_that_it_deserves() -> Outcome {
    let served = Served::at(NOW).await?;
    let only = "the simulated market has";
    for (query, status, message) in [
        ("symbols=META,BRK-B,ABC123&timeframe=5Min", 400, "invalid symbol: BRK-B".to_owned()),
        ("symbols=META,&timeframe=5Min", 400, "invalid symbol: ".to_owned()),
        ("timeframe=5Min", 400, "symbols is required".to_owned()),
        ("symbols=META", 400, "timeframe is required".to_owned()),
        ("symbols=META&timeframe=5m", 400, "invalid timeframe: 5m".to_owned()),
        ("symbols=META&timeframe=60Min", 400, "invalid timeframe: 60Min".to_owned()),
        ("symbols=META&timeframe=0Min", 400, "invalid timeframe: 0Min".to_owned()),
        ("symbols=META&timeframe=5Min&since=x&until=y", 400, "unexpected query parameter(s): since, until".to_owned()),
        ("symbols=META&timeframe=5Min&limit=0", 400, "invalid limit: 0".to_owned()),
        ("symbols=META&timeframe=5Min&limit=10001", 400, "invalid limit: 10001".to_owned()),
        ("symbols=META&timeframe=5Min&page_token=null", 400, "invalid page_token: null".to_owned()),
        ("symbols=META&timeframe=5Min&sort=up", 400, "invalid sort: up".to_owned()),
        ("symbols=META&timeframe=5Min&adjustment=raw,none", 400, "invalid adjustment: raw,none".to_owned()),
        ("symbols=META&timeframe=5Min&asof=today", 400, "invalid asof: today".to_owned()),
        ("symbols=META&timeframe=5Min&feed=delayed_sip", 400, "invalid feed: delayed_sip".to_owned()),
        ("symbols=META&timeframe=5Min&start=yesterday", 400, "invalid start: yesterday".to_owned()),
        (
            "symbols=META&timeframe=5Min&start=2026-11-21T00:00:00Z&end=2026-11-20T00:00:00Z",
            400,
            "end should not be before start".to_owned(),
        ),
        (
            "symbols=META&timeframe=5Min&start=2026-11-20T14:30:00Z&end=2026-11-24T11:45:01Z",
            403,
            "subscription does not permit querying recent SIP data".to_owned(),
        ),
        ("symbols=META&timeframe=5Min&feed=iex", 501, format!("{only} feed=sip only, not iex")),
        ("symbols=META&timeframe=5Min&currency=EUR", 501, format!("{only} currency=USD only, not EUR")),
        (
            "symbols=META&timeframe=1Day",
            501,
            format!("{only} intraday bars only, not timeframe=1Day: use 1Min to 23Hour"),
        ),
        (
            "symbols=META&timeframe=5Min&start=2026-11-20",
            501,
            "the zone of start=2026-11-20 is documented nowhere: use an instant such as 2026-11-20T14:30:00Z"
                .to_owned(),
        ),
    ] {
        let reply = served.json(&format!("/v2/stocks/bars?{query}")).await?;
        assert_eq!(reply, (status, json!({"message": message})), "{query}");
    }
    for (path, status, body) in [
        ("/v2/calendar?start=soon", 400, json!({"message": "invalid start: soon"})),
        ("/v2/calendar?from=2026-11-20", 400, json!({"message": "unexpected query parameter(s): from"})),
        ("/v2/assets/ZZTOP", 404, json!({"code": 40_410_000, "message": "asset not found for ZZTOP"})),
        ("/v2/assets/BRK-B", 404, json!({"code": 40_410_000, "message": "asset not found for BRK-B"})),
    ] {
        assert_eq!(served.json(path).await?, (status, body), "{path}");
    }
    for (symbol, status) in [("META", "active"), ("brk.b", "active"), ("FB", "inactive"), ("SQ", "inactive")] {
        let (code, asset) = served.json(&format!("/v2/assets/{symbol}")).await?;
        assert_eq!((code, &asset["status"]), (200, &json!(status)), "{symbol}");
        assert_eq!(asset["symbol"], symbol.to_ascii_uppercase());
    }
    Ok(())
}

#[tokio::test]
async fn unknown_symbols_and_days_without_trading_are_left_out_without_a_word() -> Outcome {
    let served = Served::at(NOW).await?;
    let nothing = json!({"bars": {}, "next_page_token": null});
    for query in [
        "symbols=ZZTOP,FB,VOD.L,BHP.AX&start=2026-11-20T14:30:00Z&end=2026-11-20T20:59:59Z",
        "symbols=META&start=2026-11-21T05:00:00Z&end=2026-11-22T05:00:00Z", // a Saturday
        "symbols=META&start=2015-12-31T05:00:00Z&end=2016-01-01T05:00:00Z", // before Alpaca's first day
    ] {
        assert_eq!(
            served.json(&format!("/v2/stocks/bars?{query}&timeframe=5Min")).await?,
            (200, nothing.clone()),
            "{query}"
        );
    }
    let path = format!("/v2/stocks/bars?symbols=shop,ZZTOP,META,META&timeframe=30Min&{SESSION}");
    let (_, body) = served.json(&path).await?;
    let symbols: Vec<_> = body["bars"].as_object().into_iter().flatten().map(|(symbol, _)| symbol.as_str()).collect();
    assert_eq!(symbols, ["META", "SHOP"]);
    Ok(())
}

#[tokio::test]
async fn a_request_needs_the_key_and_each_api_refuses_another_in_its_own_words() -> Outcome {
    let served = Served::at(NOW).await?;
    let bars = format!("/v2/stocks/bars?symbols=META&timeframe=5Min&{SESSION}");
    let forbidden = r#"{"message":"forbidden."}"#;
    let unauthorized = r#"{"code":40110000,"message":"request is not authorized"}"#;
    for (path, status, body) in
        [(bars.as_str(), 403, forbidden), ("/v2/calendar", 401, unauthorized), ("/v2/assets/META", 401, unauthorized)]
    {
        for headers in [
            &[][..],
            &[("APCA-API-KEY-ID", "SIMULATED")],
            &[("APCA-API-KEY-ID", "SIMULATED"), ("APCA-API-SECRET-KEY", "wrong")],
            &[("APCA-API-KEY-ID", "OTHER"), ("APCA-API-SECRET-KEY", "simulated-secret")],
            &[("APCA_API_KEY_ID", "SIMULATED"), ("APCA_API_SECRET_KEY", "simulated-secret")],
        ] {
            let request =
                headers.iter().fold(served.request(path), |request, (name, value)| request.header(*name, *value));
            let reply = request.send().await?;
            assert_eq!((reply.status().as_u16(), reply.text().await?.as_str()), (status, body), "{path} {headers:?}");
        }
        assert_eq!(served.get(path).await?.status(), 200, "{path}");
    }
    let old = served.market.key();
    served.market.set_key(Key { id: "NEW".to_owned(), secret: "rotated".to_owned() });
    assert_eq!(served.get(&bars).await?.status(), 200);
    let with_old = served.request(&bars).header("APCA-API-KEY-ID", old.id).header("APCA-API-SECRET-KEY", old.secret);
    assert_eq!(with_old.send().await?.status(), 403);
    assert!(!format!("{:?} {:?}", served.market, served.market.requests()).contains("rotated"));
    Ok(())
}

#[tokio::test]
async fn replies_have_the_headers_of_the_rate_limit_and_are_logged() -> Outcome {
    let served = Served::at(NOW).await?;
    let bars = format!("/v2/stocks/bars?symbols=META,BRK-B&timeframe=5Min&{SESSION}");
    for path in [bars.as_str(), "/v2/calendar?start=2026-11-20&end=2026-11-20", "/v2/assets/SHOP"] {
        let reply = served.get(path).await?;
        let header = |name: &str| reply.headers()[name].to_str().map(str::to_owned);
        assert_eq!((header("x-ratelimit-limit")?, header("x-ratelimit-remaining")?), ("200".into(), "199".into()));
        assert_eq!(header("x-ratelimit-reset")?.parse::<i64>()?, NOW.parse::<Timestamp>()?.as_second() + 1);
        assert_eq!((header("x-finstream-simulated")?, header("x-request-id")?.len()), ("true".into(), 32));
    }
    let log: Vec<_> = served.market.requests().iter().map(|request| request.to_string()).collect();
    let time = "2026-11-24T12:00:00.000Z";
    assert_eq!(log, [format!("{time} META,BRK-B 400"), format!("{time} calendar 200"), format!("{time} SHOP 200")]);
    assert_eq!(served.market.requests()[0].period2.as_deref(), Some("2026-11-20T20:59:59Z"));
    Ok(())
}

#[test]
fn a_page_has_1000_bars_unless_more_are_requested() -> Outcome {
    let query = "symbols=META,SHOP&timeframe=1Min&start=2026-11-16T00:00:00Z&end=2026-11-20T23:00:00Z";
    for (limit, bars, is_last) in [("", 1_000, false), ("&limit=7", 7, false), ("&limit=10000", 0, true)] {
        let page = page(&format!("{query}{limit}"), NOW)?;
        let all: usize = page.bars.values().map(Vec::len).sum();
        assert!(if is_last { (4_000..10_000).contains(&all) } else { all == bars }, "{limit}: {all}");
        assert_eq!(page.next_page_token.is_none(), is_last, "{limit}");
    }
    Ok(())
}

#[test]
fn both_ends_of_the_window_are_inclusive() -> Outcome {
    let query = "symbols=META&timeframe=30Min&start=2026-11-20T14:30:00Z&end=";
    for (end, bars) in [("2026-11-20T20:59:59Z", 13), ("2026-11-20T21:00:00Z", 14), ("2026-11-20T14:30:00Z", 1)] {
        let page = page(&format!("{query}{end}"), NOW)?;
        assert_eq!(page.bars["META"].len(), bars, "{end}");
    }
    Ok(())
}

#[test]
fn bars_appear_a_second_after_their_last_minute_and_the_free_plan_waits() -> Outcome {
    let query = "symbols=META&timeframe=1Min&start=2026-11-20T14:30:00Z";
    for (now, newest) in
        [("2026-11-20T15:30:00Z", "2026-11-20T15:15:00Z"), ("2026-11-20T15:31:30Z", "2026-11-20T15:16:00Z")]
    {
        let page = page(query, now)?;
        let last = page.bars["META"].last().ok_or("no bars")?.t;
        assert!(
            last <= newest.parse()? && last >= newest.parse::<Timestamp>()? - SignedDuration::from_mins(10),
            "{now}: {last}"
        );
    }
    Ok(())
}

#[test]
fn the_closing_auction_is_in_the_bar_of_the_close_and_so_outside_of_the_session() -> Outcome {
    for (date, first, last) in [("2026-11-20", "09:00Z", "01:00Z"), ("2026-11-27", "09:00Z", "22:00Z")] {
        let session = session(date)?;
        let window =
            format!("timeframe=5Min&start={date}T05:00:00Z&end={}", session.open + SignedDuration::from_hours(14));
        let bars = bars_of("META", &window)?;
        let volume =
            |keep: &dyn Fn(Timestamp) -> bool| bars.iter().filter(|bar| keep(bar.t)).map(|bar| bar.v).sum::<u64>();
        let regular = volume(&|at| session.open <= at && at < session.close);
        let auction = bars.iter().find(|bar| bar.t == session.close).ok_or("no auction")?;
        assert!(auction.v * 5 > regular, "{date}: {} of {regular}", auction.v);
        assert!(volume(&|at| at < session.open) > 0 && volume(&|at| at > session.close) > 0, "{date}");
        assert!(volume(&|at| at < session.open || at > session.close) * 10 < regular, "{date}");
        let close = crate::prices::close(&super::symbol::listing("META").ok_or("unlisted")?, date.parse()?);
        assert_eq!(auction.o, Decimal(close.get()), "{date}");
        let bounds: [Timestamp; 2] = [format!("{date}T{first}").parse::<Timestamp>(), {
            let day = if last < first { date.parse::<Date>()?.tomorrow()? } else { date.parse()? };
            format!("{day}T{last}").parse()
        }]
        .map(|bound| bound.unwrap_or_default());
        assert!(bars.iter().all(|bar| bounds[0] <= bar.t && bar.t < bounds[1]), "{date}: {bounds:?}");
    }
    Ok(())
}

#[test]
fn an_hour_is_a_clock_hour_and_the_first_holds_trading_before_the_open() -> Outcome {
    let bars = bars_of("META", "timeframe=1Hour&start=2026-11-20T14:00:00Z&end=2026-11-20T20:59:59Z")?;
    let expected = (14..=20).map(|hour| format!("2026-11-20T{hour}:00:00Z"));
    assert!(bars.iter().map(|bar| bar.t.to_string()).eq(expected), "{bars:?}");
    let halves = bars_of("META", "timeframe=30Min&start=2026-11-20T14:00:00Z&end=2026-11-20T14:30:00Z")?;
    assert_eq!(bars[0].v, halves[0].v + halves[1].v);
    assert!(0 < halves[0].v && halves[0].v < halves[1].v);
    Ok(())
}

/// Yahoo's bars of one session by start: open, high, low, close and volume.
fn yahoos(symbol: &str, session: &Session, interval: Interval) -> Outcome<BTreeMap<Timestamp, ([f32; 4], u64)>> {
    let ends = [session.open, session.close].map(|at| at.as_second().to_string());
    let query = json!({"period1": ends[0], "period2": ends[1], "interval": interval.as_str()});
    let query: request::Query = serde_json::from_value(query)?;
    let body = chart::respond(symbol, &query, "2031-06-15T12:00:00Z".parse()?)?;
    let body = serde_json::to_value(body)?;
    let result = &body["chart"]["result"][0];
    let mut bars = BTreeMap::new();
    for (i, at) in result["timestamp"].as_array().into_iter().flatten().enumerate() {
        let at = Timestamp::from_second(at.as_i64().unwrap_or_default())?;
        let cell = |column: &str| &result["indicators"]["quote"][0][column][i];
        let prices = ["open", "high", "low", "close"].map(|column| cell(column).as_f64().map(|price| price as f32));
        if let ([Some(open), Some(high), Some(low), Some(close)], Some(volume)) = (prices, cell("volume").as_u64())
            && session.contains(at, interval)
        {
            bars.insert(at, ([open, high, low, close], volume));
        }
    }
    Ok(bars)
}

#[test]
fn the_prices_of_a_session_are_those_of_yahoos_side() -> Outcome {
    for (alpacas, yahoos_symbol) in [("META", "META"), ("SHOP", "SHOP"), ("BRK.B", "BRK-B")] {
        for date in ["2026-11-20", "2026-11-27", "2026-03-09", "2021-11-30"] {
            let session = session(date)?;
            for (timeframe, interval) in [
                ("1Min", Interval::OneMinute),
                ("2Min", Interval::TwoMinutes),
                ("5Min", Interval::FiveMinutes),
                ("15Min", Interval::FifteenMinutes),
                ("30T", Interval::ThirtyMinutes),
            ] {
                let end = session.close - SignedDuration::from_secs(1);
                let bars = bars_of(alpacas, &format!("timeframe={timeframe}&start={}&end={end}", session.open))?;
                let sent: Vec<Value> = bars
                    .iter()
                    .map(|bar| Ok(serde_json::from_str(&serde_json::to_string(bar)?)?))
                    .collect::<Outcome<_>>()?;
                let bar = |bar: &Value| {
                    let prices = ["o", "h", "l", "c"].map(|name| bar[name].as_f64().unwrap_or_default() as f32);
                    Ok((
                        bar["t"].as_str().unwrap_or_default().parse()?,
                        (prices, bar["v"].as_u64().unwrap_or_default()),
                    ))
                };
                let sent: BTreeMap<_, _> = sent.iter().map(bar).collect::<Outcome<_>>()?;
                assert_eq!(sent, yahoos(yahoos_symbol, &session, interval)?, "{alpacas} {date} {timeframe}");
            }
        }
    }
    Ok(())
}

#[test]
fn prices_are_decimals_as_traded() -> Outcome {
    for (price, json) in [(334.790_008_544_921_9, "334.79"), (892.0, "892"), (334.180_114_746_093_75, "334.1801")] {
        assert_eq!(serde_json::to_string(&Decimal(price))?, json);
    }
    Ok(())
}

/// A day of 2024, and the next ones, in UTC.
fn window() -> impl Strategy<Value = String> {
    (0..360_i32, 1..3_i32, 0..1_440_i64).prop_map(|(day, days, minute)| {
        let start = Date::constant(2024, 1, 1).saturating_add(day.days());
        let end = start.saturating_add(days.days());
        format!("start={start}T{:02}:{:02}:00Z&end={end}T{:02}:00:00Z", minute / 60, minute % 60, minute / 60)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn all_pages_together_are_all_bars_once(
        window in window(),
        timeframe in prop::sample::select(vec!["1Min", "5Min", "7Min", "30Min", "1Hour", "4H"]),
        sort in prop::sample::select(vec!["asc", "desc"]),
        limit in 1..400_usize,
    ) {
        let request = format!("symbols=SHOP,ZZTOP,META,BRK.B&timeframe={timeframe}&sort={sort}&{window}");
        let whole = page(&format!("{request}&limit=10000"), NOW).map_err(TestCaseError::fail)?;
        prop_assert_eq!(&whole.next_page_token, &None);
        let now = NOW.parse().map_err(|_| TestCaseError::fail("clock"))?;
        let mut query = BarsQuery::parse(&parameters(&request), now).map_err(|error| TestCaseError::fail(error.message))?;
        query.limit = limit.max(whole.bars.values().map(Vec::len).sum::<usize>() / 20);
        let mut joined: BTreeMap<String, Vec<Bar>> = BTreeMap::new();
        loop {
            let page = bars::page(&query, now);
            let size: usize = page.bars.values().map(Vec::len).sum();
            prop_assert!(size == query.limit || page.next_page_token.is_none());
            for (symbol, bars) in page.bars {
                joined.entry(symbol).or_default().extend(bars);
            }
            let Some(token) = page.next_page_token else { break };
            query.page_token = super::page_token::PageToken::decode(&token);
            prop_assert!(query.page_token.is_some());
        }
        prop_assert_eq!(&joined, &whole.bars);
        for bars in joined.values() {
            let is_ascending = bars.is_sorted_by(|one, next| one.t < next.t);
            prop_assert!(bars.len() == 1 || is_ascending == (sort == "asc"), "{:?}", bars);
        }
    }

    #[test]
    fn a_longer_bar_is_the_sum_of_its_minutes(
        window in window(),
        (timeframe, minutes) in prop::sample::select(vec![("2Min", 2), ("5Min", 5), ("15Min", 15), ("30Min", 30), ("1Hour", 60)]),
    ) {
        let start = window.get(6..16).unwrap_or_default();
        let day = format!("start={start}T05:00:00Z&end={start}T23:59:59Z");
        let bars = |timeframe: &str| bars_of("PINS", &format!("timeframe={timeframe}&{day}")).map_err(TestCaseError::fail);
        let all = bars("1Min")?;
        let mut seen = 0;
        for bar in bars(timeframe)? {
            let end = bar.t + SignedDuration::from_mins(minutes);
            let inside: Vec<&Bar> = all.iter().filter(|minute| bar.t <= minute.t && minute.t < end).collect();
            let (Some(first), Some(last)) = (inside.first(), inside.last()) else { return Err(TestCaseError::fail("empty bar")) };
            seen += inside.len();
            prop_assert_eq!((bar.o, bar.c), (first.o, last.c));
            prop_assert_eq!(bar.v, inside.iter().map(|minute| minute.v).sum::<u64>());
            prop_assert_eq!(bar.n, inside.iter().map(|minute| minute.n).sum::<u64>());
            prop_assert_eq!(bar.h.0, inside.iter().map(|minute| minute.h.0).fold(f64::MIN, f64::max));
            prop_assert_eq!(bar.l.0, inside.iter().map(|minute| minute.l.0).fold(f64::MAX, f64::min));
            let turnover: f64 = inside.iter().map(|minute| minute.vw * minute.v as f64).sum();
            prop_assert!((bar.vw * bar.v as f64 - turnover).abs() <= 2e-6 * (bar.v as f64 + 1.0), "{:?}", bar);
        }
        prop_assert_eq!(seen, all.len(), "every minute is in a longer bar");
    }
}
