//! On which dates an exchange trades, and in which hours: known by rule, before any market is queried.
//!
//! `backfill` and `gaps` decide by it which days to expect, and the simulated market trades by it. An exchange
//! is a [`TradingCalendar`] here and a module of its rules below, as [`nyse`] is.

pub mod nyse;

use jiff::{
    SignedDuration, Timestamp, ToSpan,
    civil::{Date, Time},
    tz::{self, TimeZone},
};

use crate::Session;

/// Regular hours on an exchange's own clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    /// When regular trading begins.
    pub open: Time,
    /// When regular trading ends; no bar starts then or later. Midnight is the one that ends the day.
    pub close: Time,
}

impl Hours {
    /// From the open to the close, on a day without a change of the clocks.
    pub fn length(&self) -> SignedDuration {
        let length = self.open.duration_until(self.close);
        if length.is_positive() { length } else { length + SignedDuration::from_hours(24) }
    }
}

/// A break within the hours, on the exchange's own clock, in which nothing is traded, such as Tokyo's lunch break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Break {
    /// When trading stops.
    pub start: Time,
    /// When trading resumes; the next bar starts here.
    pub end: Time,
}

/// The trading days of one exchange, and its hours on them.
#[derive(Debug)]
pub struct TradingCalendar {
    /// The exchange's time zone, built into the program so that a session has the same instants on every machine.
    pub zone: TimeZone,
    /// Computes what [`TradingCalendar::hours`] returns.
    pub rule: fn(Date) -> Option<Hours>,
    /// The lunch break on every trading day, where the exchange has one.
    pub lunch: Option<Break>,
}

/// The New York Stock Exchange and Nasdaq, which keep the same days and hours.
pub static NEW_YORK: TradingCalendar =
    TradingCalendar { zone: tz::get!("America/New_York"), rule: nyse::hours, lunch: None };

impl TradingCalendar {
    /// The date on the exchange's clock at an instant.
    pub fn date_of(&self, at: Timestamp) -> Date {
        at.to_zoned(self.zone.clone()).date()
    }

    /// The regular hours of a date, or `None` when the exchange does not trade on it.
    pub fn hours(&self, date: Date) -> Option<Hours> {
        (self.rule)(date)
    }

    /// The session of a date, or `None` when the exchange does not trade on it.
    pub fn session(&self, date: Date) -> Option<Session> {
        let hours = self.hours(date)?;
        let instant = |time| date.to_datetime(time).to_zoned(self.zone.clone()).ok().map(|zoned| zoned.timestamp());
        let midnight = date.tomorrow().ok()?.to_zoned(self.zone.clone()).ok()?.timestamp();
        let lunch = self.lunch.and_then(|lunch| Some(instant(lunch.start)?..instant(lunch.end)?));
        Some(Session {
            trade_date: date.into(),
            open: instant(hours.open)?,
            close: if hours.close == Time::midnight() { midnight } else { instant(hours.close)? },
            pauses: lunch.into_iter().collect(),
            zone: self.zone.clone(),
        })
    }

    /// The last trading day before `date`.
    pub fn previous(&self, date: Date) -> Option<Date> {
        date.series(-1.day()).skip(1).find(|day| self.hours(*day).is_some())
    }

    /// The first trading day after `date`.
    pub fn next(&self, date: Date) -> Option<Date> {
        date.series(1.day()).skip(1).find(|day| self.hours(*day).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_follow_the_exchanges_clock() -> Result<(), Box<dyn std::error::Error>> {
        for (date, open, close) in [
            ("2026-03-06", "2026-03-06T14:30:00Z", "2026-03-06T21:00:00Z"), // the Friday before summer time
            ("2026-03-09", "2026-03-09T13:30:00Z", "2026-03-09T20:00:00Z"), // the Monday after
            ("2026-10-30", "2026-10-30T13:30:00Z", "2026-10-30T20:00:00Z"),
            ("2026-11-02", "2026-11-02T14:30:00Z", "2026-11-02T21:00:00Z"),
            ("2026-11-27", "2026-11-27T14:30:00Z", "2026-11-27T18:00:00Z"), // a half day
        ] {
            let session = NEW_YORK.session(date.parse()?).ok_or(date)?;
            assert_eq!((session.open, session.close), (open.parse()?, close.parse()?), "{date}");
        }
        Ok(())
    }

    #[test]
    fn the_previous_and_the_next_day_are_trading_days() -> Result<(), Box<dyn std::error::Error>> {
        for (date, previous, next) in [
            ("2026-11-26", "2026-11-25", "2026-11-27"), // Thanksgiving Day
            ("2026-11-27", "2026-11-25", "2026-11-30"),
            ("2026-11-29", "2026-11-27", "2026-11-30"), // a Sunday
        ] {
            let neighbours = (NEW_YORK.previous(date.parse()?), NEW_YORK.next(date.parse()?));
            assert_eq!(neighbours, (Some(previous.parse()?), Some(next.parse()?)), "{date}");
        }
        Ok(())
    }
}
