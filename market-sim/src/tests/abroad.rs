//! Days on other exchanges than New York's, and of what trades around the clock.

use super::*;
use crate::{
    exchange::Exchange,
    exchanges::{self, LONDON, TOKYO},
};

/// The query for one whole day in an exchange's zone, in bars of five minutes.
fn day_at(exchange: &Exchange, date: Date) -> Result<Value, jiff::Error> {
    let (start, end) = TradeDate::from(date).midnights(&exchange.calendar.zone)?;
    Ok(json!({"period1": start.as_second().to_string(), "period2": end.as_second().to_string()}))
}

#[test]
fn a_day_in_tokyo_has_its_bars_and_nulls_for_lunch() -> Outcome {
    for date in ["2026-01-15", "2026-07-15", "2026-11-26"] {
        let session = TOKYO.calendar.session(date.parse()?).ok_or(date)?;
        let body = get("7203.T", day_at(&TOKYO, date.parse()?)?, LATER)?;
        let at_lunch = |row: &Row| session.pauses.iter().any(|pause| pause.contains(&row.at));
        let (lunch, traded): (Vec<_>, Vec<_>) =
            rows(&body).into_iter().filter(|row| row.at < session.close).partition(at_lunch);
        assert_eq!(lunch.len(), 12, "{date}");
        assert!(lunch.iter().all(|row| row.prices.is_none() && row.volume.is_none()), "{date}");
        assert!((62..=66).contains(&traded.len()), "{date}: {}", traded.len());
        assert!(traded.iter().all(|row| session.contains(row.at, Interval::FiveMinutes)), "{date}");
        assert!(traded.iter().filter(|row| row.prices.is_some()).count() >= 60, "{date}");
    }
    Ok(())
}

#[test]
fn a_day_in_london_has_102_bars_in_summer_and_in_winter() -> Outcome {
    for date in ["2026-01-15", "2026-07-15", "2026-11-26"] {
        let session = LONDON.calendar.session(date.parse()?).ok_or(date)?;
        assert_eq!(session.expected_bars(Interval::FiveMinutes), 102);
        let mut whole_days = 0;
        for symbol in ["VOD.L", "BP.L", "SHEL.L", "AZN.L"] {
            let bars = bars_of(&session, &get(symbol, day_at(&LONDON, date.parse()?)?, LATER)?, Interval::FiveMinutes);
            assert!((97..=102).contains(&bars.len()), "{symbol} {date}: {}", bars.len());
            whole_days += usize::from(bars.len() == 102);
        }
        assert!(whole_days > 0, "{date}");
    }
    Ok(())
}

#[test]
fn a_reply_names_the_exchange_its_zone_and_its_currency() -> Outcome {
    for (symbol, exchange, now, zone, offset, currency) in [
        ("7203.T", &TOKYO, "2026-07-19T12:00:00Z", "Asia/Tokyo", 32_400, "JPY"),
        ("7203.T", &TOKYO, "2027-01-17T12:00:00Z", "Asia/Tokyo", 32_400, "JPY"),
        ("VOD.L", &LONDON, "2026-07-19T12:00:00Z", "Europe/London", 3_600, "GBp"),
        ("VOD.L", &LONDON, "2027-01-17T12:00:00Z", "Europe/London", 0, "GBp"),
    ] {
        let session = exchange.calendar.session("2026-07-15".parse()?).ok_or("no session")?;
        let body = get(symbol, day_at(exchange, "2026-07-15".parse()?)?, now)?;
        let meta = &body["chart"]["result"][0]["meta"];
        assert_eq!((&meta["exchangeTimezoneName"], &meta["gmtoffset"]), (&json!(zone), &json!(offset)), "{now}");
        assert_eq!((&meta["currency"], &meta["exchangeName"]), (&json!(currency), &json!(exchange.name)));
        let period = &meta["tradingPeriods"][1][0];
        assert_eq!(period["start"], session.open.as_second(), "one period a day, {symbol}");
        assert_eq!(period["end"], session.close.as_second(), "one period a day, {symbol}");
        let regular = &meta["currentTradingPeriod"]["regular"];
        assert_eq!(meta["currentTradingPeriod"]["pre"]["start"], regular["start"]);
        assert_eq!(meta["currentTradingPeriod"]["post"]["end"], regular["end"]);
    }
    Ok(())
}

#[test]
fn holidays_are_those_of_the_exchange() -> Outcome {
    let thanksgiving = "2026-11-26".parse()?;
    assert_eq!(rows(&get("META", day(thanksgiving, "5m"), LATER)?), []);
    assert!(rows(&get("VOD.L", day_at(&LONDON, thanksgiving)?, LATER)?).len() > 90);
    let books_closed = "2026-01-02".parse()?;
    assert_eq!(rows(&get("7203.T", day_at(&TOKYO, books_closed)?, LATER)?), []);
    Ok(())
}

/// Thursday to Monday: the period that is listed, and the first and the last bar that traded.
#[test]
fn what_trades_around_the_clock_has_whole_days_and_pauses() -> Outcome {
    let mut table = String::new();
    for symbol in ["BTC-USD", "EURUSD=X", "JPY=X", "ES=F", "^GSPC", "0700.HK", "RELIANCE.NS"] {
        let exchange = exchanges::of(&symbol.parse()?);
        for date in ["2026-11-19", "2026-11-20", "2026-11-21", "2026-11-22", "2026-11-23"] {
            let body = get(symbol, day_at(exchange, date.parse()?)?, LATER)?;
            let clock = |at: Timestamp| at.to_zoned(exchange.calendar.zone.clone()).strftime("%H:%M").to_string();
            let meta = &body["chart"]["result"][0]["meta"];
            let is_of_day = |at: &Timestamp| exchange.calendar.date_of(*at).to_string() == date;
            let traded: Vec<_> = rows(&body)
                .into_iter()
                .filter(|row| is_of_day(&row.at) && row.prices.is_some_and(|[_, high, low, _]| low < high))
                .collect();
            let periods = meta["tradingPeriods"].as_array().into_iter().flatten().map(|day| &day[0]);
            let second = |period: &Value, key: &str| Timestamp::from_second(period[key].as_i64().unwrap_or_default());
            let period = periods.map(|it| Ok::<_, jiff::Error>((second(it, "start")?, second(it, "end")?)));
            let period = period.collect::<Result<Vec<_>, _>>()?.into_iter().find(|(start, _)| is_of_day(start));
            let hours = |ends: Option<(Timestamp, Timestamp)>| {
                ends.map_or("none".to_owned(), |(from, to)| format!("{}-{}", clock(from), clock(to)))
            };
            let ends = traded.first().zip(traded.last()).map(|(first, last)| (first.at, last.at));
            let has_volume = traded.iter().any(|row| row.volume.is_some_and(|volume| volume > 0));
            table += &format!(
                "{symbol:12} {date} {:4} period {:12} traded {:12} volume {has_volume}\n",
                meta["currency"].as_str().unwrap_or_default(),
                hours(period),
                hours(ends)
            );
        }
    }
    insta::assert_snapshot!(table);
    Ok(())
}
