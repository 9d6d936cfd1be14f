//! An exchange of the simulated market: its trading calendar, and what Yahoo says about it.

use jiff::{SignedDuration, Timestamp, ToSpan, civil::Date};
use shared::{Session, trading_calendar::TradingCalendar};

/// The first day of the simulated market; before it there are no bars.
pub const FIRST_DAY: Date = jiff::civil::date(1990, 1, 2);

/// An exchange on which symbols trade.
#[derive(Debug)]
pub struct Exchange {
    /// Yahoo's `exchangeName`.
    pub name: &'static str,
    /// Yahoo's `fullExchangeName`, which says that it is not the real one.
    pub full_name: &'static str,
    /// Yahoo's `currency`: the unit of its prices, `GBp` for pence. A currency pair has its own.
    pub currency: &'static str,
    /// Whether Yahoo lists the whole day as the trading period, whatever the hours, as it does for what trades around the
    /// clock: from midnight to 23:59, a minute before the end of the last bar.
    pub lists_whole_days: bool,
    /// The IANA name of the calendar's zone.
    pub zone_name: &'static str,
    /// The days and hours in which it trades.
    pub calendar: &'static TradingCalendar,
    /// The length of pre-market trading.
    pub pre_market: SignedDuration,
    /// The length of post-market trading.
    pub post_market: SignedDuration,
}

impl Exchange {
    /// The first session on or after [`FIRST_DAY`].
    pub fn first_session(&self) -> Option<Session> {
        FIRST_DAY.series(1.day()).find_map(|day| self.calendar.session(day))
    }

    /// The sessions that overlap the window from `start` up to, not including, `end`, and whose date is not after `now`'s.
    pub fn sessions_between(&self, start: Timestamp, end: Timestamp, now: Timestamp) -> Vec<Session> {
        let (first, last) =
            (self.calendar.date_of(start).max(FIRST_DAY), self.calendar.date_of(end).min(self.calendar.date_of(now)));
        let overlaps = |session: &Session| session.open < end && session.close > start;
        let days = first.series(1.day()).take_while(|day| *day <= last);
        days.filter_map(|day| self.calendar.session(day)).filter(overlaps).collect()
    }

    /// The newest session that has opened at `now`; `None` before the market's first day.
    pub fn latest_session(&self, now: Timestamp) -> Option<Session> {
        let days = self.calendar.date_of(now).series(-1.day()).take_while(|day| *day >= FIRST_DAY);
        days.filter_map(|day| self.calendar.session(day)).find(|session| session.open <= now)
    }
}
