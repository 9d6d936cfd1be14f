//! The simulated market as a client sees it.

use std::sync::Arc;

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use proptest::prelude::*;
use reqwest::StatusCode;
use serde_json::{Value, json};
use shared::{Interval, Session, TradeDate};

use super::{
    COINS, SimulatedMarket, chart, error_reply::ErrorReply, exchange::FIRST_DAY, exchanges::NEW_YORK, request, server,
    wire,
};

mod abroad;

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Long after every day that the tests request, on a Sunday.
const LATER: &str = "2031-06-15T12:00:00Z";

/// The body of a reply, without the network.
fn get(symbol: &str, query: Value, now: &str) -> Result<Value, ErrorReply> {
    serde_json::to_value(get_body(symbol, query, now)?).map_err(|error| ErrorReply::bad_request(error.to_string()))
}

fn get_body(symbol: &str, query: Value, now: &str) -> Result<wire::Body, ErrorReply> {
    let malformed = |error: String| ErrorReply::bad_request(error);
    let now = now.parse::<Timestamp>().map_err(|error| malformed(error.to_string()))?;
    let query: request::Query = serde_json::from_value(query).map_err(|error| malformed(error.to_string()))?;
    chart::respond(symbol, &query, now)
}

/// The query for one whole day, as the collector sends it.
fn day(date: Date, interval: &str) -> Value {
    let midnights = TradeDate::from(date).midnights(&NEW_YORK.calendar.zone);
    let (start, end) = midnights.map_or((0, 0), |(start, end)| (start.as_second(), end.as_second()));
    json!({"period1": start.to_string(), "period2": end.to_string(), "interval": interval, "includePrePost": "false"})
}

#[derive(Debug, Clone, PartialEq)]
struct Row {
    at: Timestamp,
    /// open, high, low, close
    prices: Option<[f64; 4]>,
    volume: Option<u64>,
}

fn rows(body: &Value) -> Vec<Row> {
    let result = &body["chart"]["result"][0];
    let quote = &result["indicators"]["quote"][0];
    let timestamps = result["timestamp"].as_array().cloned().unwrap_or_default();
    let row = |(i, timestamp): (usize, &Value)| {
        let price = |column: &str| quote[column][i].as_f64();
        let prices = || Some([price("open")?, price("high")?, price("low")?, price("close")?]);
        let at = Timestamp::from_second(timestamp.as_i64().unwrap_or_default()).unwrap_or_default();
        Row { at, prices: prices(), volume: quote["volume"][i].as_u64() }
    };
    timestamps.iter().enumerate().map(row).collect()
}

/// The rows that the collector keeps: those inside the session, on the grid.
fn bars_of(session: &Session, body: &Value, interval: Interval) -> Vec<Row> {
    rows(body).into_iter().filter(|row| session.contains(row.at, interval)).collect()
}

#[test]
fn a_reply_has_yahoos_format() -> Outcome {
    let window = json!({"period1": "1795185000", "period2": "1795186500", "interval": "5m"}); // 2026-11-20, 9:30 to 9:55
    let body = get_body("META", window, "2026-11-22T12:00:00Z")?; // serialised directly: a Value would sort the keys
    insta::assert_snapshot!("reply", serde_json::to_string_pretty(&body)?);
    Ok(())
}

#[test]
fn a_day_without_trading_has_no_timestamps_and_no_session() -> Outcome {
    for date in ["2026-11-21", "2026-11-22", "2026-11-26", "2026-07-03", "2001-09-11"] {
        let body = get("META", day(date.parse()?, "5m"), LATER)?;
        let result = &body["chart"]["result"][0];
        assert_eq!(result.get("timestamp"), None, "{date}");
        assert_eq!(result["indicators"], json!({"quote": [{}]}), "{date}");
        assert_eq!(result["meta"].get("tradingPeriods"), None, "{date}");
    }
    Ok(())
}

#[test]
fn a_day_has_its_bars_on_either_side_of_a_clock_change() -> Outcome {
    for (date, expected) in [
        ("2026-03-06", 78),
        ("2026-03-09", 78),
        ("2026-10-30", 78),
        ("2026-11-02", 78),
        ("2026-11-27", 42),
        ("2026-12-24", 42),
        ("1990-01-02", 78),
    ] {
        let session = NEW_YORK.calendar.session(date.parse()?).ok_or(date)?;
        let mut whole_days = 0;
        for symbol in ["META", "SHOP", "BYND", "NFLX", "PINS", "XYZ", "TTD", "OKTA", "SNAP", "DDOG"] {
            let body = get(symbol, day(date.parse()?, "5m"), LATER)?;
            let bars = bars_of(&session, &body, Interval::FiveMinutes);
            assert!((expected - 4..=expected).contains(&bars.len()), "{symbol} {date}: {}", bars.len());
            whole_days += usize::from(bars.len() == expected);
            let periods = body["chart"]["result"][0]["meta"]["tradingPeriods"].as_array().ok_or("no sessions")?;
            let of_the_day = periods.iter().find(|period| period[0]["start"] == session.open.as_second());
            assert_eq!(of_the_day.ok_or("not listed")?[0]["end"], session.close.as_second(), "{symbol} {date}");
        }
        assert!(whole_days >= 5, "{date}: most days have no timestamp missing");
    }
    Ok(())
}

#[test]
fn the_appended_row_is_the_close_the_next_days_close_or_missing() -> Outcome {
    let (mut own, mut following, mut none) = (0, 0, 0);
    for date in "2025-01-01".parse::<Date>()?.series(1.day()).take(365) {
        let Some(session) = NEW_YORK.calendar.session(date) else { continue };
        let rows = rows(&get("SHOP", day(date, "5m"), LATER)?);
        let last = rows.last().ok_or("no rows")?;
        if session.contains(last.at, Interval::FiveMinutes) {
            none += 1;
            continue;
        }
        let next =
            NEW_YORK.calendar.next(date).and_then(|next| NEW_YORK.calendar.session(next)).ok_or("no next session")?;
        own += usize::from(last.at == session.close);
        following += usize::from(last.at == next.close);
        let [open, high, low, close] = last.prices.ok_or("no price")?;
        assert!(open == high && high == low && low == close && last.volume == Some(0), "{date}: {last:?}");
    }
    assert_eq!(own + following + none, 250, "the trading days of 2025");
    assert!(own > 125 && following > 30 && none > 5, "{own} {following} {none}");
    Ok(())
}

/// At each time: when the last trade was, the number of bars that have finished by then at most, and whether one has begun.
#[test]
fn an_open_session_has_its_finished_bars_an_unfinished_one_and_the_live_row() -> Outcome {
    let today = day("2026-11-20".parse()?, "5m");
    let session = NEW_YORK.calendar.session("2026-11-20".parse()?).ok_or("no session")?;
    let whole = bars_of(&session, &get("META", today.clone(), LATER)?, Interval::FiveMinutes);
    for (now, last_trade, finished, has_begun) in [
        ("14:30:02", "14:30:00", 0, false),
        ("14:30:20", "14:30:17", 0, true),
        ("15:00:00", "14:59:57", 5, true),
        ("15:00:03", "14:59:59", 5, true),
        ("15:00:04", "15:00:01", 6, true),
        ("15:04:59", "15:04:56", 6, true),
        ("15:05:30", "15:05:27", 7, true),
        ("20:59:59", "20:59:56", 77, true),
    ] {
        let body = get("META", today.clone(), &format!("2026-11-20T{now}Z"))?;
        let last_trade: Timestamp = format!("2026-11-20T{last_trade}Z").parse()?;
        let meta = &body["chart"]["result"][0]["meta"];
        assert_eq!(meta["regularMarketTime"], last_trade.as_second(), "{now}");
        let period = &meta["currentTradingPeriod"]["regular"];
        assert_eq!((&period["start"], &period["end"]), (&json!(1_795_185_000), &json!(1_795_208_400)), "{now}");

        let mut rows = rows(&body);
        if has_begun {
            let live = rows.pop().ok_or("no live row")?;
            let price = meta["regularMarketPrice"].as_f64().ok_or("no price")?;
            assert_eq!(live, Row { at: last_trade, prices: Some([price; 4]), volume: Some(0) }, "{now}");
        }
        let (full, rest): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| row.at + 5.minutes() <= last_trade);
        let expected: Vec<_> = whole.iter().filter(|row| row.at + 5.minutes() <= last_trade).cloned().collect();
        assert_eq!(full, expected, "{now}");
        assert!(finished - full.len() <= 1, "{now}: {}", full.len());

        let begun: Vec<_> = whole.iter().filter(|row| has_begun && row.at <= last_trade).skip(full.len()).collect();
        assert_eq!(
            rest.iter().map(|row| row.at).collect::<Vec<_>>(),
            begun.iter().map(|row| row.at).collect::<Vec<_>>()
        );
        for (part, whole) in rest.iter().zip(begun).filter(|(_, whole)| whole.prices.is_some()) {
            let ([open, high, low, _], [whole_open, whole_high, whole_low, _]) =
                part.prices.zip(whole.prices).ok_or("no prices")?;
            assert!(open == whole_open && high <= whole_high && low >= whole_low, "{now}: {part:?} of {whole:?}");
            assert!(part.volume < whole.volume, "{now}: {part:?} of {whole:?}");
        }
    }
    Ok(())
}

/// At every hour of the week, over midnight, too: what has closed is there, and the newest of it has just closed.
#[test]
fn coins_trade_at_every_hour() -> Outcome {
    let start: Timestamp = "2026-11-20T00:00:40Z".parse()?;
    for (symbol, name) in COINS {
        let mut newest_is_there = 0;
        for hour in 0..168 {
            let now = start + hour.hours();
            let minute = now.as_second() - 40;
            let window =
                json!({"period1": (minute - 180).to_string(), "period2": minute.to_string(), "interval": "1m"});
            let body = get(symbol, window, &now.to_string())?;
            let meta = &body["chart"]["result"][0]["meta"];
            assert_eq!(meta["longName"].as_str(), Some(format!("{name} (simulated)").as_str()));
            assert_eq!((&meta["currency"], &meta["exchangeTimezoneName"]), (&json!("USD"), &json!("UTC")));
            let traded: Vec<_> = rows(&body).into_iter().filter(|row| row.volume > Some(0)).collect();
            assert!(traded.iter().all(|row| row.at.as_second() < minute), "{symbol} {now}");
            assert!(traded.len() <= 3, "{symbol} {now}: {traded:?}");
            newest_is_there += i32::from(traded.iter().any(|row| row.at.as_second() == minute - 60));
        }
        assert!(newest_is_there > 150, "{symbol}: {newest_is_there} of 168 hours");
    }
    Ok(())
}

#[test]
fn there_are_no_bars_of_the_future() -> Outcome {
    let tomorrow = day("2026-11-23".parse()?, "5m");
    for now in ["2026-11-22T12:00:00Z", "2026-11-23T14:29:59Z"] {
        assert_eq!(rows(&get("META", tomorrow.clone(), now)?), [], "{now}");
    }
    let friday = day("2026-11-20".parse()?, "5m");
    let friday = |now| get("META", friday.clone(), now).map(|body| rows(&body));
    assert_eq!(friday("2026-11-20T21:00:00Z")?.len(), friday("2026-11-22T12:00:00Z")?.len());
    Ok(())
}

#[test]
fn the_offset_is_that_of_the_request_and_not_of_the_bars() -> Outcome {
    let summer = get("META", day("2026-07-15".parse()?, "5m"), "2026-11-22T12:00:00Z")?;
    let meta = &summer["chart"]["result"][0]["meta"];
    assert_eq!((&meta["gmtoffset"], &meta["timezone"]), (&json!(-18000), &json!("EST")));
    assert_eq!(meta["tradingPeriods"][1][0]["timezone"], "EDT");
    Ok(())
}

#[test]
fn an_invalid_request_gets_yahoos_error() -> Outcome {
    let error = |symbol, query| get(symbol, query, LATER).err().map(|error| (error.status.as_u16(), error.description));
    let intervals = "[1m, 2m, 5m, 15m, 30m, 60m, 90m, 1h, 4h, 1d, 5d, 1wk, 1mo, 3mo]";
    for (symbol, query, status, description) in [
        ("ZZTOP", json!({}), 404, "No data found, symbol may be delisted".to_owned()),
        ("FB", day("2026-11-20".parse()?, "5m"), 404, "No data found, symbol may be delisted".to_owned()),
        (
            "META",
            json!({"interval": "7m"}),
            400,
            format!("Invalid input - interval=7m is not supported. Valid intervals: {intervals}"),
        ),
        (
            "META",
            json!({"period1": "1795187400", "period2": "1795185900"}),
            400,
            "Invalid input - start date cannot be after end date. startDate = 1795187400, endDate = 1795185900"
                .to_owned(),
        ),
        (
            "META",
            json!({"period1": "-5", "period2": "86400"}),
            400,
            "Data doesn't exist for startDate = -5, endDate = 86400".to_owned(),
        ),
        ("META", json!({"period1": "x"}), 400, "Invalid input - period1=x is not a Unix time in seconds".to_owned()),
        (
            "META",
            json!({"interval": "1d"}),
            501,
            "the simulated market has intraday bars only, not interval=1d: use 1m to 4h".to_owned(),
        ),
    ] {
        assert_eq!(error(symbol, query), Some((status, description)));
    }
    assert!(error("META", json!({"range": "0d"})).is_some_and(|(status, _)| status == 400));
    Ok(())
}

#[test]
fn a_range_gives_the_newest_sessions() -> Outcome {
    for (range, sessions) in [("1d", 1), ("5d", 5), ("7d", 7), ("1mo", 22), ("ytd", 224), ("1y", 250)] {
        let body = get("META", json!({"range": range, "interval": "1h"}), "2026-11-22T12:00:00Z")?;
        let mut dates: Vec<_> = rows(&body).iter().map(|row| NEW_YORK.calendar.date_of(row.at)).collect();
        dates.dedup();
        assert_eq!((dates.len(), body["chart"]["result"][0]["meta"]["range"].as_str()), (sessions, Some(range)));
        assert_eq!(dates.last().map(ToString::to_string).as_deref(), Some("2026-11-20"));
    }
    Ok(())
}

#[test]
fn trading_periods_change_shape_with_pre_and_post_market() -> Outcome {
    let mut query = day("2026-11-20".parse()?, "5m");
    query["includePrePost"] = json!("True");
    let body = get("META", query.clone(), LATER)?;
    let periods = &body["chart"]["result"][0]["meta"]["tradingPeriods"];
    assert_eq!(periods["pre"][1][0]["end"], periods["regular"][1][0]["start"]);
    assert_eq!(periods["post"][1][0]["start"], periods["regular"][1][0]["end"]);
    query["period1"] = query["period2"].clone();
    let body = get("META", query, LATER)?;
    assert_eq!(body["chart"]["result"][0]["meta"]["tradingPeriods"], json!({"pre": [], "post": []}));
    Ok(())
}

/// Any trading day of the market's first 41 years.
fn trading_day() -> impl Strategy<Value = Date> {
    (0..15_000_i32).prop_filter_map("no trading on that day", |days| {
        let date = FIRST_DAY.checked_add(days.days()).ok()?;
        NEW_YORK.calendar.session(date).map(|_| date)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_bar_is_consistent(symbol in "[A-Y]{1,4}", date in trading_day(), interval in prop::sample::select(Interval::ALL.to_vec())) {
        prop_assume!(!["FB", "SQ", "SPX", "VIX"].contains(&symbol.as_str()));
        let Some(session) = NEW_YORK.calendar.session(date) else { return Err(TestCaseError::fail("no session")) };
        let body = get(&symbol, day(date, interval.as_str()), LATER).map_err(|error| TestCaseError::fail(error.description))?;
        prop_assert_eq!(get(&symbol, day(date, interval.as_str()), "2031-06-17T18:00:00Z").map(|again| rows(&again)), Ok(rows(&body)));
        let all = rows(&body);
        prop_assert!(all.windows(2).all(|pair| pair[0].at < pair[1].at), "timestamps rise");
        let extra = all.iter().filter(|row| !session.contains(row.at, interval)).count();
        prop_assert!(extra <= 1 && all[..all.len() - extra].iter().all(|row| session.contains(row.at, interval)), "only the last row is no bar");
        let traded = bars_of(&session, &body, interval).iter().filter(|row| row.prices.is_some()).count();
        prop_assert!(traded * 10 >= session.expected_bars(interval) * 9, "{} bars", traded);
        for row in &all {
            prop_assert_eq!(row.prices.is_some(), row.volume.is_some(), "nulls come by row");
            if let Some([open, high, low, close]) = row.prices {
                prop_assert!(0.0 < low && low <= open.min(close) && open.max(close) <= high && high < 1.2 * low);
                prop_assert!([open, high, low, close].iter().all(|price| f64::from(*price as f32) == *price), "a price is a float32");
            }
        }
    }

    #[test]
    fn longer_bars_are_made_of_shorter_ones(date in trading_day(), long in prop::sample::select(Interval::ALL[1..].to_vec())) {
        let Some(session) = NEW_YORK.calendar.session(date) else { return Err(TestCaseError::fail("no session")) };
        let bars = |interval: Interval| get("PINS", day(date, interval.as_str()), LATER)
            .map(|body| bars_of(&session, &body, interval))
            .map_err(|error| TestCaseError::fail(error.description));
        let minutes = bars(Interval::OneMinute)?;
        for bar in bars(long)? {
            let inside: Vec<&Row> = minutes.iter().filter(|minute| bar.at <= minute.at && minute.at < bar.at + long.duration()).collect();
            let prices: Vec<[f64; 4]> = inside.iter().filter_map(|minute| minute.prices).collect();
            let joined = prices.first().zip(prices.last()).map(|(first, last)| {
                let high = prices.iter().fold(f64::MIN, |high, price| high.max(price[1]));
                let low = prices.iter().fold(f64::MAX, |low, price| low.min(price[2]));
                [first[0], high, low, last[3]]
            });
            prop_assert_eq!(bar.prices, joined);
            prop_assert_eq!(bar.volume.unwrap_or(0), inside.iter().filter_map(|minute| minute.volume).sum::<u64>());
        }
    }
}

#[tokio::test]
async fn the_server_replies_over_http_and_marks_replies_as_simulated() -> Outcome {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = tokio::spawn(SimulatedMarket::new().serve(listener));
    let client = reqwest::Client::new();
    let window = "period1=1637298000&period2=1637384400&interval=5m&includePrePost=false"; // 2021-11-19
    for (path, status) in [
        (format!("/v8/finance/chart/shop?{window}"), StatusCode::OK),
        (format!("/v8/finance/chart/%5EGSPC?{window}"), StatusCode::OK),
        (format!("/v8/finance/chart/A%2FB?{window}"), StatusCode::NOT_FOUND),
        ("/v8/finance/chart/META?interval=5h".to_owned(), StatusCode::BAD_REQUEST),
        ("/elsewhere".to_owned(), StatusCode::NOT_FOUND),
    ] {
        let reply = client.get(format!("http://{address}{path}")).send().await?;
        assert_eq!(reply.status(), status, "{path}");
        assert_eq!(reply.headers()["x-finstream-simulated"], "true", "{path}");
        if path == "/elsewhere" {
            continue;
        }
        assert_eq!(reply.headers()["content-type"], "application/json;charset=utf-8", "{path}");
        let body: Value = serde_json::from_slice(&reply.bytes().await?)?;
        let result = &body["chart"]["result"];
        assert_eq!(result.is_array(), status == StatusCode::OK, "{path}");
        assert_eq!(body["chart"]["error"].is_null(), status == StatusCode::OK, "{path}");
        if path.contains("shop") {
            assert_eq!(result[0]["meta"]["symbol"], "SHOP");
            assert_eq!(result[0]["meta"]["fullExchangeName"], "Simulated NasdaqGS");
            assert!(rows(&body).len() >= 74, "{} rows", rows(&body).len());
        }
    }
    server.abort();
    Ok(())
}

#[tokio::test]
async fn the_clock_of_a_router_can_be_fixed() -> Outcome {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let now = "2026-11-20T16:00:00Z".parse::<Timestamp>()?;
    let server = tokio::spawn(async move {
        axum::serve(listener, server::router(SimulatedMarket::new(), Arc::new(move || now))).await
    });
    let reply = reqwest::get(format!("http://{address}/v8/finance/chart/SPY?range=1d&interval=5m")).await?;
    let body: Value = serde_json::from_slice(&reply.bytes().await?)?;
    let last = rows(&body).pop().ok_or("no rows")?;
    assert_eq!(last.at.to_zoned(TimeZone::UTC).to_string(), "2026-11-20T15:59:57+00:00[UTC]");
    server.abort();
    Ok(())
}
