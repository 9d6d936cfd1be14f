//! An exchange of the simulated market: its trading calendar, and what Yahoo says about it.

use jiff::{SignedDuration, Timestamp, ToSpan, civil::Date};
use shared::{Session, trading_calendar::TradingCalendar};

/// The first day of the simulated market.
pub const FIRST_DAY: Date = jiff::civil::date(1990, 1, 2);

/// A place where symbols trade.
#[derive(Debug)]
pub struct Exchange {
    /// Yahoo's `exchangeName`.
    pub name: &'static str,
    /// Yahoo's `fullExchangeName`, which says that it is not the real one.
    pub full_name: &'static str,
    /// Yahoo's `currency`: the unit of its prices, `GBp` for pence.
    pub currency: &'static str,
    /// The IANA name of the calendar's zone.
    pub zone_name: &'static str,
    /// The days and hours in which it trades.
    pub calendar: &'static TradingCalendar,
    /// How long before the open trading begins.
    pub pre_market: SignedDuration,
    /// How long after the close trading goes on.
    pub post_market: SignedDuration,
}

impl Exchange {
    /// The exchange's first session on the simulated market.
    pub fn first(&self) -> Option<Session> {
        FIRST_DAY.series(1.day()).find_map(|day| self.calendar.session(day))
    }

    /// The sessions that trade at some time from `start` up to, not including, `end`, and whose date has come at `now`.
    pub fn between(&self, start: Timestamp, end: Timestamp, now: Timestamp) -> Vec<Session> {
        let (first, last) =
            (self.calendar.date_of(start).max(FIRST_DAY), self.calendar.date_of(end).min(self.calendar.date_of(now)));
        let overlaps = |session: &Session| session.open < end && session.close > start;
        let days = first.series(1.day()).take_while(|day| *day <= last);
        days.filter_map(|day| self.calendar.session(day)).filter(overlaps).collect()
    }

    /// The newest session that has opened at `now`; `None` before the market's first day.
    pub fn latest(&self, now: Timestamp) -> Option<Session> {
        let days = self.calendar.date_of(now).series(-1.day()).take_while(|day| *day >= FIRST_DAY);
        days.filter_map(|day| self.calendar.session(day)).find(|session| session.open <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::super::exchanges::{LONDON, NEW_YORK, TOKYO};
    use super::*;

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
            let latest = exchange.latest(now.parse()?).map(|session| session.trade_date.to_string());
            assert_eq!(latest.as_deref(), date, "{now}");
        }
        let first = |exchange: &Exchange| exchange.first().map(|session| session.trade_date.to_string());
        assert_eq!(first(&NEW_YORK).as_deref(), Some("1990-01-02"));
        assert_eq!(first(&TOKYO).as_deref(), Some("1990-01-04"));
        Ok(())
    }
}
