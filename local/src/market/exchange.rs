//! An exchange: its calendar's local hours, put on the clock of its zone.

use jiff::{SignedDuration, Timestamp, ToSpan, civil::Date, tz::TimeZone};
use shared::Session;

use super::calendar::Hours;

/// The first day of the simulated market.
pub const FIRST_DAY: Date = jiff::civil::date(1990, 1, 2);

/// A place where symbols trade, and what Yahoo says about it.
#[derive(Debug)]
pub struct Exchange {
    /// Yahoo's `exchangeName`.
    pub name: &'static str,
    /// Yahoo's `fullExchangeName`, which says that it is not the real one.
    pub full_name: &'static str,
    /// Yahoo's `currency`: what prices are in.
    pub currency: &'static str,
    /// The IANA name of `zone`.
    pub zone_name: &'static str,
    /// The zone, built into the program so that the same prices fall on the same instants on every machine.
    pub zone: TimeZone,
    /// The regular hours of a date, or `None` when the exchange does not trade on it.
    pub hours: fn(Date) -> Option<Hours>,
    /// The break within the hours in which nothing is traded.
    pub lunch: Option<Hours>,
    /// How long before the open trading begins.
    pub pre_market: SignedDuration,
    /// How long after the close trading goes on.
    pub post_market: SignedDuration,
}

impl Exchange {
    /// The exchange's date at an instant.
    pub fn date_of(&self, at: Timestamp) -> Date {
        at.to_zoned(self.zone.clone()).date()
    }

    /// The session of a date, if the exchange trades on it.
    pub fn on(&self, date: Date) -> Option<Session> {
        let hours = (self.hours)(date)?;
        let instant = |time| date.to_datetime(time).to_zoned(self.zone.clone()).ok().map(|zoned| zoned.timestamp());
        let lunch = self.lunch.and_then(|lunch| Some(instant(lunch.open)?..instant(lunch.close)?));
        Some(Session {
            trade_date: date.into(),
            open: instant(hours.open)?,
            close: instant(hours.close)?,
            pauses: lunch.into_iter().collect(),
            zone: self.zone.clone(),
        })
    }

    /// The exchange's first session on the simulated market.
    pub fn first(&self) -> Option<Session> {
        FIRST_DAY.series(1.day()).find_map(|day| self.on(day))
    }

    /// The newest trading day before `date`, also before the market's first day.
    pub fn before(&self, date: Date) -> Option<Date> {
        date.series(-1.day()).skip(1).find(|day| (self.hours)(*day).is_some())
    }

    /// The first trading day after `date`.
    pub fn after(&self, date: Date) -> Option<Date> {
        date.series(1.day()).skip(1).find(|day| (self.hours)(*day).is_some())
    }

    /// The sessions that trade at some time from `start` up to, not including, `end`, and whose date has come at `now`.
    pub fn between(&self, start: Timestamp, end: Timestamp, now: Timestamp) -> Vec<Session> {
        let (first, last) = (self.date_of(start).max(FIRST_DAY), self.date_of(end).min(self.date_of(now)));
        let overlaps = |session: &Session| session.open < end && session.close > start;
        let days = first.series(1.day()).take_while(|day| *day <= last);
        days.filter_map(|day| self.on(day)).filter(overlaps).collect()
    }

    /// The newest session that has opened at `now`; `None` before the market's first day.
    pub fn latest(&self, now: Timestamp) -> Option<Session> {
        let days = self.date_of(now).series(-1.day()).take_while(|day| *day >= FIRST_DAY);
        days.filter_map(|day| self.on(day)).find(|session| session.open <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::super::exchanges::{LONDON, NEW_YORK, TOKYO};
    use super::*;

    #[test]
    fn sessions_follow_the_exchanges_clock() -> Result<(), Box<dyn std::error::Error>> {
        for (exchange, date, open, close) in [
            (&NEW_YORK, "2026-03-06", "2026-03-06T14:30:00Z", "2026-03-06T21:00:00Z"), // the Friday before summer time
            (&NEW_YORK, "2026-03-09", "2026-03-09T13:30:00Z", "2026-03-09T20:00:00Z"), // the Monday after
            (&NEW_YORK, "2026-10-30", "2026-10-30T13:30:00Z", "2026-10-30T20:00:00Z"),
            (&NEW_YORK, "2026-11-02", "2026-11-02T14:30:00Z", "2026-11-02T21:00:00Z"),
            (&NEW_YORK, "2026-11-27", "2026-11-27T14:30:00Z", "2026-11-27T18:00:00Z"), // a half day
            (&LONDON, "2026-03-27", "2026-03-27T08:00:00Z", "2026-03-27T16:30:00Z"),
            (&LONDON, "2026-03-30", "2026-03-30T07:00:00Z", "2026-03-30T15:30:00Z"),
            (&TOKYO, "2026-01-05", "2026-01-05T00:00:00Z", "2026-01-05T06:30:00Z"),
            (&TOKYO, "2026-07-15", "2026-07-15T00:00:00Z", "2026-07-15T06:30:00Z"),
        ] {
            let session = exchange.on(date.parse()?).ok_or(date)?;
            assert_eq!((session.open, session.close), (open.parse()?, close.parse()?), "{date}");
        }
        Ok(())
    }

    #[test]
    fn tokyo_pauses_for_lunch() -> Result<(), Box<dyn std::error::Error>> {
        let session = TOKYO.on("2026-11-20".parse()?).ok_or("no session")?;
        assert_eq!(session.pauses, ["2026-11-20T02:30:00Z".parse()?.."2026-11-20T03:30:00Z".parse()?]);
        assert_eq!(LONDON.on("2026-11-20".parse()?).ok_or("no session")?.pauses, []);
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
            let latest = exchange.latest(now.parse()?).map(|session| session.trade_date.to_string());
            assert_eq!(latest.as_deref(), date, "{now}");
        }
        let first = |exchange: &Exchange| exchange.first().map(|session| session.trade_date.to_string());
        assert_eq!(first(&NEW_YORK).as_deref(), Some("1990-01-02"));
        assert_eq!(first(&TOKYO).as_deref(), Some("1990-01-04"));
        Ok(())
    }
}
