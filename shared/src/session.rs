//! The regular trading hours of one exchange on one date, and the grid of bars they hold.

use std::ops::Range;

use jiff::{Timestamp, Zoned, tz::TimeZone};

use crate::{Interval, TradeDate};

/// A regular session: from the opening to the closing auction, without pre- and post-market.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// The exchange-local date of the session.
    pub trade_date: TradeDate,
    /// The instant of the open; the first bar starts here.
    pub open: Timestamp,
    /// The instant of the close; no bar starts here or later.
    pub close: Timestamp,
    /// When the exchange pauses in between (Tokyo's lunch break), in order.
    pub pauses: Vec<Range<Timestamp>>,
    /// The exchange's time zone.
    pub zone: TimeZone,
}

impl Session {
    /// Whether a bar that starts at `at` belongs to this session: inside the regular hours, on the
    /// interval's grid, which begins at the open, and with some of it outside the pauses.
    pub fn contains(&self, at: Timestamp, interval: Interval) -> bool {
        let since_open = self.open.duration_until(at).as_secs();
        at >= self.open
            && at < self.close
            && since_open % interval.duration().as_secs() == 0
            && !self.pauses.iter().any(|pause| pause.start <= at && at.duration_until(pause.end) >= interval.duration())
    }

    /// The start of every bar of a session without gaps; a last bar cut short by the close counts.
    pub fn starts(&self, interval: Interval) -> impl Iterator<Item = Timestamp> {
        let grid = std::iter::successors(Some(self.open), move |at| at.checked_add(interval.duration()).ok());
        grid.take_while(|at| *at < self.close).filter(move |at| self.contains(*at, interval))
    }

    /// The number of bars of a session without gaps.
    pub fn expected_bars(&self, interval: Interval) -> usize {
        self.starts(interval).count()
    }

    /// Whether it lasts from midnight to midnight, as Yahoo says of what trades around the clock: no exchange's session.
    pub fn is_whole_day(&self) -> bool {
        self.trade_date.midnights(&self.zone).is_ok_and(|midnights| midnights == (self.open, self.close))
    }

    /// Whether the session is over at `now`, so that its bars are final.
    pub fn has_ended(&self, now: Timestamp) -> bool {
        now >= self.close
    }

    /// The close as a datetime in the exchange's zone.
    pub fn local_close(&self) -> Zoned {
        self.close.to_zoned(self.zone.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(open: &str, close: &str) -> Result<Session, Box<dyn std::error::Error>> {
        let open: Timestamp = open.parse()?;
        let zone = TimeZone::get("America/New_York")?;
        let trade_date = open.to_zoned(zone.clone()).date().into();
        Ok(Session { trade_date, open, close: close.parse()?, pauses: vec![], zone })
    }

    #[test]
    fn a_session_counts_its_bars() -> Result<(), Box<dyn std::error::Error>> {
        let full = session("2026-11-20T14:30:00Z", "2026-11-20T21:00:00Z")?;
        let half = session("2026-11-27T14:30:00Z", "2026-11-27T18:00:00Z")?;
        let counts = |s: &Session| Interval::ALL.iter().map(|i| s.expected_bars(*i)).collect::<Vec<_>>();
        assert_eq!(counts(&full), [390, 195, 78, 26, 13, 7]);
        assert_eq!(counts(&half), [210, 105, 42, 14, 7, 4]);
        Ok(())
    }

    #[test]
    fn the_grid_starts_at_the_open_and_ends_before_the_close() -> Result<(), Box<dyn std::error::Error>> {
        let session = session("2026-11-20T14:30:00Z", "2026-11-20T21:00:00Z")?;
        for (at, held) in [
            ("2026-11-20T14:25:00Z", false),
            ("2026-11-20T14:30:00Z", true),
            ("2026-11-20T14:32:00Z", false),
            ("2026-11-20T20:55:00Z", true),
            ("2026-11-20T21:00:00Z", false),
            ("2026-11-21T14:30:00Z", false),
        ] {
            assert_eq!(session.contains(at.parse()?, Interval::FiveMinutes), held, "{at}");
        }
        Ok(())
    }

    /// Tokyo: 09:00 to 15:30, with a lunch break from 11:30 to 12:30.
    #[test]
    fn a_bar_within_a_pause_belongs_to_no_session_and_one_that_reaches_out_of_it_does()
    -> Result<(), Box<dyn std::error::Error>> {
        let zone = TimeZone::get("Asia/Tokyo")?;
        let at = |time: &str| format!("2026-11-20T{time}:00+09:00").parse::<Timestamp>();
        let lunch = at("11:30")?..at("12:30")?;
        let trade_date = "2026-11-20".parse()?;
        let session = Session { trade_date, open: at("09:00")?, close: at("15:30")?, pauses: vec![lunch], zone };
        assert_eq!(
            Interval::ALL.iter().map(|i| session.expected_bars(*i)).collect::<Vec<_>>(),
            [330, 165, 66, 22, 11, 7]
        );
        for (time, interval, held) in [
            ("11:25", Interval::FiveMinutes, true),
            ("11:30", Interval::FiveMinutes, false),
            ("12:25", Interval::FiveMinutes, false),
            ("12:30", Interval::FiveMinutes, true),
            ("12:00", Interval::OneHour, true),
        ] {
            assert_eq!(session.contains(at(time)?, interval), held, "{time} {interval}");
        }
        Ok(())
    }
}
