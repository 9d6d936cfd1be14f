//! The instant of `live --from`.

use jiff::{SignedDuration, Timestamp};
use shared::trading_calendar::NEW_YORK;

use super::Start;

/// What `now` shows: at least one tick of the longest interval, 30 minutes, and the minutes that a tick takes.
const RECENTLY: SignedDuration = SignedDuration::from_mins(35);

impl Start {
    /// The instant, for a command that is given at `now`.
    pub fn instant(self, now: Timestamp) -> Timestamp {
        let ago = |duration| now.checked_sub(duration).unwrap_or(now);
        match self {
            Self::Now => ago(RECENTLY),
            Self::Open => newest_open(now).unwrap_or_else(|| ago(SignedDuration::from_hours(24))),
            Self::At(instant) => instant,
            Self::Ago(duration) => ago(duration),
        }
    }
}

/// When New York's newest session opened; within ten days there is always one.
fn newest_open(now: Timestamp) -> Option<Timestamp> {
    let dates = std::iter::successors(Some(NEW_YORK.date_of(now)), |date| date.yesterday().ok());
    let opens = dates.take(10).filter_map(|date| Some(NEW_YORK.session(date)?.open));
    opens.into_iter().find(|open| *open <= now)
}

#[cfg(test)]
mod tests {
    use super::super::{super::ParseError, start};

    #[test]
    fn a_start_is_an_instant() -> Result<(), ParseError> {
        for (text, now, instant) in [
            ("now", "2026-11-20T15:00:00Z", "2026-11-20T14:25:00Z"),
            ("open", "2026-11-20T15:00:00Z", "2026-11-20T14:30:00Z"),
            ("open", "2026-11-20T14:29:59Z", "2026-11-19T14:30:00Z"), // before the open
            ("open", "2026-11-22T15:00:00Z", "2026-11-20T14:30:00Z"), // a Sunday
            ("open", "2026-07-15T23:00:00Z", "2026-07-15T13:30:00Z"), // daylight saving time
            ("2025-11-20T09:30:00-05:00", "2026-11-20T15:00:00Z", "2025-11-20T14:30:00Z"),
            ("1h30m", "2026-11-20T15:00:00Z", "2026-11-20T13:30:00Z"),
            ("0s", "2026-11-20T15:00:00Z", "2026-11-20T15:00:00Z"),
        ] {
            assert_eq!(start(text)?.instant(now.parse()?), instant.parse()?, "{text} at {now}");
        }
        Ok(())
    }
}
