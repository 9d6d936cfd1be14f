//! The exchange's sessions as instants: the calendar's local hours, put on New York's clock.

use jiff::{
    Timestamp, ToSpan,
    civil::Date,
    tz::{self, TimeZone},
};
use shared::Session;

use super::calendar;

/// The exchange's zone, built into the program so that the same prices fall on the same instants on every machine.
pub static NEW_YORK: TimeZone = tz::get!("America/New_York");

/// The first day of the simulated market.
pub const FIRST_DAY: Date = jiff::civil::date(1990, 1, 2);

/// The exchange's date at an instant.
pub fn date_of(at: Timestamp) -> Date {
    at.to_zoned(NEW_YORK.clone()).date()
}

/// The session of a date, if the exchange trades on it.
pub fn on(date: Date) -> Option<Session> {
    let hours = calendar::session(date)?;
    let instant = |time| date.to_datetime(time).to_zoned(NEW_YORK.clone()).ok().map(|zoned| zoned.timestamp());
    Some(Session {
        trade_date: date.into(),
        open: instant(hours.open)?,
        close: instant(hours.close)?,
        pauses: Vec::new(),
        zone: NEW_YORK.clone(),
    })
}

/// The newest trading day before `date`, also before the market's first day.
pub fn before(date: Date) -> Option<Date> {
    date.series(-1.day()).skip(1).find(|day| calendar::session(*day).is_some())
}

/// The first trading day after `date`.
pub fn after(date: Date) -> Option<Date> {
    date.series(1.day()).skip(1).find(|day| calendar::session(*day).is_some())
}

/// The sessions that trade at some time from `start` up to, not including, `end`, and whose date has come at `now`.
pub fn between(start: Timestamp, end: Timestamp, now: Timestamp) -> Vec<Session> {
    let (first, last) = (date_of(start).max(FIRST_DAY), date_of(end).min(date_of(now)));
    let overlaps = |session: &Session| session.open < end && session.close > start;
    first.series(1.day()).take_while(|day| *day <= last).filter_map(on).filter(overlaps).collect()
}

/// The newest session that has opened at `now`; `None` before the market's first day.
pub fn latest(now: Timestamp) -> Option<Session> {
    let opened = |session: &Session| session.open <= now;
    date_of(now).series(-1.day()).take_while(|day| *day >= FIRST_DAY).filter_map(on).find(opened)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_follow_new_yorks_clock() -> Result<(), Box<dyn std::error::Error>> {
        for (date, open, close) in [
            ("2026-03-06", "2026-03-06T14:30:00Z", "2026-03-06T21:00:00Z"), // the Friday before summer time
            ("2026-03-09", "2026-03-09T13:30:00Z", "2026-03-09T20:00:00Z"), // the Monday after
            ("2026-10-30", "2026-10-30T13:30:00Z", "2026-10-30T20:00:00Z"),
            ("2026-11-02", "2026-11-02T14:30:00Z", "2026-11-02T21:00:00Z"),
            ("2026-11-27", "2026-11-27T14:30:00Z", "2026-11-27T18:00:00Z"), // a half day
        ] {
            let session = on(date.parse()?).ok_or(date)?;
            assert_eq!((session.open, session.close), (open.parse()?, close.parse()?), "{date}");
        }
        Ok(())
    }

    #[test]
    fn the_latest_session_is_the_one_that_has_opened() -> Result<(), Box<dyn std::error::Error>> {
        for (now, date) in [
            ("2026-11-23T14:29:59Z", Some("2026-11-20")),
            ("2026-11-23T14:30:00Z", Some("2026-11-23")),
            ("2026-11-24T03:00:00Z", Some("2026-11-23")),
            ("2026-11-22T12:00:00Z", Some("2026-11-20")),
            ("1990-01-02T14:30:00Z", Some("1990-01-02")),
            ("1990-01-02T14:29:00Z", None),
        ] {
            let latest = latest(now.parse()?).map(|session| session.trade_date.to_string());
            assert_eq!(latest.as_deref(), date, "{now}");
        }
        Ok(())
    }
}
