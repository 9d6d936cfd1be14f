//! The exchanges of the simulated market, and which symbol trades on which.
//!
//! New York keeps the calendar of the NYSE. The calendars of the other exchanges are simulated: they trade on every
//! weekday but a few fixed days, without the real holidays and half days, and at all times in the hours of 2026. Coins,
//! currencies and futures trade around the clock, the latter two with pauses, and Yahoo lists the whole day for them.

use jiff::{
    SignedDuration,
    civil::{Date, Time, Weekday, time},
    tz,
};
use shared::{
    Symbol,
    trading_calendar::{self, Break, Hours, TradingCalendar},
};

use super::exchange::Exchange;

/// New York: every symbol without the suffix of another exchange.
pub static NEW_YORK: Exchange = Exchange {
    name: "NMS",
    full_name: "Simulated NasdaqGS",
    currency: "USD",
    lists_whole_days: false,
    zone_name: "America/New_York",
    calendar: &trading_calendar::NEW_YORK,
    pre_market: SignedDuration::from_mins(5 * 60 + 30),
    post_market: SignedDuration::from_hours(4),
};

/// Tokyo, suffix `.T`.
pub static TOKYO: Exchange = Exchange {
    name: "JPX",
    full_name: "Simulated Tokyo",
    currency: "JPY",
    lists_whole_days: false,
    zone_name: "Asia/Tokyo",
    calendar: &TOKYO_CALENDAR,
    pre_market: SignedDuration::ZERO,
    post_market: SignedDuration::ZERO,
};

/// London, suffix `.L`; prices are in pence.
pub static LONDON: Exchange = Exchange {
    name: "LSE",
    full_name: "Simulated LSE",
    currency: "GBp",
    lists_whole_days: false,
    zone_name: "Europe/London",
    calendar: &LONDON_CALENDAR,
    pre_market: SignedDuration::ZERO,
    post_market: SignedDuration::ZERO,
};

/// Hong Kong, suffix `.HK`.
pub static HONG_KONG: Exchange = Exchange {
    name: "HKG",
    full_name: "Simulated HKSE",
    currency: "HKD",
    lists_whole_days: false,
    zone_name: "Asia/Hong_Kong",
    calendar: &HONG_KONG_CALENDAR,
    pre_market: SignedDuration::ZERO,
    post_market: SignedDuration::ZERO,
};

/// The National Stock Exchange of India, suffix `.NS`.
pub static INDIA: Exchange = Exchange {
    name: "NSI",
    full_name: "Simulated NSE",
    currency: "INR",
    lists_whole_days: false,
    zone_name: "Asia/Kolkata",
    calendar: &INDIA_CALENDAR,
    pre_market: SignedDuration::ZERO,
    post_market: SignedDuration::ZERO,
};

/// Coins, such as `BTC-USD`: every day, in UTC.
pub static COINS: Exchange = Exchange {
    name: "CCC",
    full_name: "Simulated CCC",
    currency: "USD",
    lists_whole_days: true,
    zone_name: "UTC",
    calendar: &COINS_CALENDAR,
    pre_market: SignedDuration::ZERO,
    post_market: SignedDuration::ZERO,
};

/// Currencies, such as `EURUSD=X`: from Sunday 22:00 to Friday 22:00 in London.
pub static CURRENCIES: Exchange = Exchange {
    name: "CCY",
    full_name: "Simulated CCY",
    currency: "USD",
    lists_whole_days: true,
    zone_name: "Europe/London",
    calendar: &CURRENCIES_CALENDAR,
    pre_market: SignedDuration::ZERO,
    post_market: SignedDuration::ZERO,
};

/// Futures, such as `ES=F`: from Sunday 18:00 to Friday 17:00 in New York, with an hour's pause at 17:00.
pub static FUTURES: Exchange = Exchange {
    name: "CME",
    full_name: "Simulated CME",
    currency: "USD",
    lists_whole_days: true,
    zone_name: "America/New_York",
    calendar: &FUTURES_CALENDAR,
    pre_market: SignedDuration::ZERO,
    post_market: SignedDuration::ZERO,
};

static TOKYO_CALENDAR: TradingCalendar = TradingCalendar {
    zone: tz::get!("Asia/Tokyo"),
    rule: tokyo,
    lunch: Some(Break { start: time(11, 30, 0, 0), end: time(12, 30, 0, 0) }),
};

static LONDON_CALENDAR: TradingCalendar =
    TradingCalendar { zone: tz::get!("Europe/London"), rule: london, lunch: None };

static HONG_KONG_CALENDAR: TradingCalendar = TradingCalendar {
    zone: tz::get!("Asia/Hong_Kong"),
    rule: hong_kong,
    lunch: Some(Break { start: time(12, 0, 0, 0), end: time(13, 0, 0, 0) }),
};

static INDIA_CALENDAR: TradingCalendar = TradingCalendar { zone: tz::get!("Asia/Kolkata"), rule: india, lunch: None };

static COINS_CALENDAR: TradingCalendar = TradingCalendar { zone: tz::get!("UTC"), rule: coins, lunch: None };

static CURRENCIES_CALENDAR: TradingCalendar =
    TradingCalendar { zone: tz::get!("Europe/London"), rule: currencies, lunch: None };

static FUTURES_CALENDAR: TradingCalendar = TradingCalendar {
    zone: tz::get!("America/New_York"),
    rule: futures,
    lunch: Some(Break { start: time(17, 0, 0, 0), end: time(18, 0, 0, 0) }),
};

/// The exchange of `symbol`, by its form.
pub fn of(symbol: &Symbol) -> &'static Exchange {
    match symbol.as_str().rsplit_once('.') {
        Some((_, "T")) => &TOKYO,
        Some((_, "L")) => &LONDON,
        Some((_, "HK")) => &HONG_KONG,
        Some((_, "NS")) => &INDIA,
        _ if symbol.as_str().ends_with("-USD") => &COINS,
        _ if symbol.as_str().ends_with("=X") => &CURRENCIES,
        _ if symbol.as_str().ends_with("=F") => &FUTURES,
        _ => &NEW_YORK,
    }
}

fn tokyo(date: Date) -> Option<Hours> {
    let new_year = matches!((date.month(), date.day()), (1, 2 | 3));
    let hours = Hours { open: time(9, 0, 0, 0), close: time(15, 30, 0, 0) };
    (is_simulated_trading_day(date) && !new_year).then_some(hours)
}

fn london(date: Date) -> Option<Hours> {
    is_simulated_trading_day(date).then_some(Hours { open: time(8, 0, 0, 0), close: time(16, 30, 0, 0) })
}

fn hong_kong(date: Date) -> Option<Hours> {
    is_simulated_trading_day(date).then_some(Hours { open: time(9, 30, 0, 0), close: time(16, 0, 0, 0) })
}

fn india(date: Date) -> Option<Hours> {
    is_simulated_trading_day(date).then_some(Hours { open: time(9, 15, 0, 0), close: time(15, 30, 0, 0) })
}

fn coins(_: Date) -> Option<Hours> {
    Some(Hours { open: Time::midnight(), close: Time::midnight() })
}

fn currencies(date: Date) -> Option<Hours> {
    around_the_clock(date, time(22, 0, 0, 0), time(22, 0, 0, 0))
}

fn futures(date: Date) -> Option<Hours> {
    around_the_clock(date, time(18, 0, 0, 0), time(17, 0, 0, 0))
}

/// From Sunday's open to Friday's close.
fn around_the_clock(date: Date, open: Time, close: Time) -> Option<Hours> {
    match date.weekday() {
        Weekday::Saturday => None,
        Weekday::Sunday => Some(Hours { open, close: Time::midnight() }),
        Weekday::Friday => Some(Hours { open: Time::midnight(), close }),
        _ => Some(Hours { open: Time::midnight(), close: Time::midnight() }),
    }
}

/// Every weekday but New Year's Day and Christmas Day.
fn is_simulated_trading_day(date: Date) -> bool {
    let weekend = matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
    !weekend && !matches!((date.month(), date.day()), (1, 1) | (12, 25))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn the_suffix_decides_where_a_symbol_trades() -> Result<(), Box<dyn std::error::Error>> {
        for (symbol, name) in [
            ("7203.T", "JPX"),
            ("VOD.L", "LSE"),
            ("META", "NMS"),
            ("T", "NMS"),
            ("L", "NMS"),
            ("BHP.AX", "NMS"),
            ("0700.HK", "HKG"),
            ("RELIANCE.NS", "NSI"),
            ("BTC-USD", "CCC"),
            ("EURUSD=X", "CCY"),
            ("JPY=X", "CCY"),
            ("ES=F", "CME"),
            ("^GSPC", "NMS"),
        ] {
            assert_eq!(of(&symbol.parse()?).name, name, "{symbol}");
        }
        Ok(())
    }

    #[test]
    fn the_simulated_calendars_close_on_weekends_and_a_few_fixed_days() {
        for (day, in_tokyo, in_london) in [
            (date(2026, 1, 1), false, false),
            (date(2026, 1, 2), false, true),
            (date(2025, 1, 3), false, true),
            (date(2026, 1, 5), true, true),
            (date(2026, 11, 26), true, true), // Thanksgiving Day, in New York alone
            (date(2026, 11, 28), false, false),
            (date(2026, 11, 29), false, false),
            (date(2026, 12, 25), false, false),
        ] {
            assert_eq!((tokyo(day).is_some(), london(day).is_some()), (in_tokyo, in_london), "{day}");
        }
    }

    #[test]
    fn sessions_follow_the_exchanges_clock() -> Result<(), Box<dyn std::error::Error>> {
        for (exchange, date, open, close) in [
            (&LONDON, "2026-03-27", "2026-03-27T08:00:00Z", "2026-03-27T16:30:00Z"),
            (&LONDON, "2026-03-30", "2026-03-30T07:00:00Z", "2026-03-30T15:30:00Z"),
            (&TOKYO, "2026-01-05", "2026-01-05T00:00:00Z", "2026-01-05T06:30:00Z"),
            (&TOKYO, "2026-07-15", "2026-07-15T00:00:00Z", "2026-07-15T06:30:00Z"),
        ] {
            let session = exchange.calendar.session(date.parse()?).ok_or(date)?;
            assert_eq!((session.open, session.close), (open.parse()?, close.parse()?), "{date}");
        }
        Ok(())
    }

    #[test]
    fn tokyo_pauses_for_lunch() -> Result<(), Box<dyn std::error::Error>> {
        let session = TOKYO.calendar.session("2026-11-20".parse()?).ok_or("no session")?;
        assert_eq!(session.pauses, ["2026-11-20T02:30:00Z".parse()?.."2026-11-20T03:30:00Z".parse()?]);
        assert_eq!(LONDON.calendar.session("2026-11-20".parse()?).ok_or("no session")?.pauses, []);
        Ok(())
    }

    #[test]
    fn the_latest_session_is_the_one_that_has_opened() -> Result<(), Box<dyn std::error::Error>> {
        for (exchange, now, date) in [
            (&NEW_YORK, "2026-11-23T14:29:59Z", Some("2026-11-20")),
            (&NEW_YORK, "2026-11-23T14:30:00Z", Some("2026-11-23")),
            (&NEW_YORK, "2026-11-24T03:00:00Z", Some("2026-11-23")),
            (&NEW_YORK, "2026-11-22T12:00:00Z", Some("2026-11-20")),
            (&NEW_YORK, "1990-01-02T14:30:00Z", Some("1990-01-02")),
            (&NEW_YORK, "1990-01-02T14:29:00Z", None),
            (&TOKYO, "2026-11-23T14:29:59Z", Some("2026-11-23")),
            (&TOKYO, "2026-11-24T00:00:00Z", Some("2026-11-24")),
            (&TOKYO, "1990-01-03T12:00:00Z", None),
        ] {
            let latest = exchange.latest_session(now.parse()?).map(|session| session.trade_date.to_string());
            assert_eq!(latest.as_deref(), date, "{now}");
        }
        let first = |exchange: &Exchange| exchange.first_session().map(|session| session.trade_date.to_string());
        assert_eq!(first(&NEW_YORK).as_deref(), Some("1990-01-02"));
        assert_eq!(first(&TOKYO).as_deref(), Some("1990-01-04"));
        Ok(())
    }
}
