//! The regular trading hours of one exchange on one date, and the grid of bars they hold.

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
    /// The exchange's time zone.
    pub zone: TimeZone,
}

impl Session {
    /// Whether a bar that starts at `at` belongs to this session: inside the regular hours and on
    /// the interval's grid, which begins at the open.
    pub fn holds(&self, at: Timestamp, interval: Interval) -> bool {
        let since_open = self.open.duration_until(at).as_secs();
        at >= self.open && at < self.close && since_open % interval.duration().as_secs() == 0
    }

    /// How many bars a session without gaps has; a last bar cut short by the close counts.
    pub fn expected_bars(&self, interval: Interval) -> usize {
        let seconds = self.open.duration_until(self.close).as_secs();
        usize::try_from(seconds.max(0).unsigned_abs().div_ceil(interval.duration().as_secs().unsigned_abs()))
            .unwrap_or(0)
    }

    /// Whether trading is over at `now`.
    pub fn has_ended(&self, now: Timestamp) -> bool {
        now >= self.close
    }

    /// The close on the exchange's own clock.
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
        Ok(Session { trade_date, open, close: close.parse()?, zone })
    }

    #[test]
    fn a_session_counts_its_bars() -> Result<(), Box<dyn std::error::Error>> {
        let full = session("2026-11-20T14:30:00Z", "2026-11-20T21:00:00Z")?;
        let half = session("2026-11-27T14:30:00Z", "2026-11-27T18:00:00Z")?;
        let counts = |s: &Session| Interval::ALL.map(|i| s.expected_bars(i));
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
            assert_eq!(session.holds(at.parse()?, Interval::FiveMinutes), held, "{at}");
        }
        Ok(())
    }
}
