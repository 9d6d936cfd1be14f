//! The date of a trading session, and when it begins and ends in a time zone.

use std::{fmt, str::FromStr};

use jiff::{
    Timestamp,
    civil::Date,
    tz::{self, TimeZone},
};
use serde_with::{DeserializeFromStr, SerializeDisplay};

/// The calendar date of a trading session on its exchange's clock, written `YYYY-MM-DD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, SerializeDisplay, DeserializeFromStr)]
pub struct TradeDate(Date);

/// Why a text is not a trade date.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a trade date: use a calendar date as YYYY-MM-DD, for example 2026-11-20")]
pub struct InvalidTradeDate(String);

impl TradeDate {
    /// The calendar date, for arithmetic.
    pub fn date(self) -> Date {
        self.0
    }

    /// The first instant of the date in `zone` and the first instant of the next date.
    ///
    /// The two are 23 to 25 hours apart when a clock change falls between them.
    ///
    /// # Errors
    /// When the date lies at the very end of the calendar (the year 9999).
    pub fn midnights(self, zone: &TimeZone) -> Result<(Timestamp, Timestamp), jiff::Error> {
        let start = self.0.to_zoned(zone.clone())?;
        let end = self.0.tomorrow()?.to_zoned(zone.clone())?;
        Ok((start.timestamp(), end.timestamp()))
    }

    /// Whether the date has not begun anywhere on Earth at `now`, so no exchange can have traded on it.
    pub fn is_future(self, now: Timestamp) -> bool {
        // UTC+14 (Kiritimati) is the first zone to see a date.
        self.0 > tz::offset(14).to_datetime(now).date()
    }
}

impl From<Date> for TradeDate {
    fn from(date: Date) -> Self {
        Self(date)
    }
}

impl FromStr for TradeDate {
    type Err = InvalidTradeDate;

    /// Exactly `YYYY-MM-DD`: a time or a zone after it is rejected rather than dropped.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Date::strptime("%Y-%m-%d", text)
            .ok()
            .filter(|date| date.to_string() == text)
            .map(Self)
            .ok_or_else(|| InvalidTradeDate(text.to_owned()))
    }
}

impl fmt::Display for TradeDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn a_trade_date_is_a_real_day_and_nothing_more() {
        assert_eq!("2024-02-29".parse::<TradeDate>().map(|date| date.to_string()), Ok("2024-02-29".to_owned()));
        for text in ["2021-13-45", "2023-02-29", "20211130", "2021-11-30T00:00", "2021-1-3", "", "today", "+2021-11-30"]
        {
            assert_eq!(text.parse::<TradeDate>(), Err(InvalidTradeDate(text.to_owned())), "{text:?}");
        }
    }

    #[test]
    fn a_day_lasts_23_to_25_hours_when_the_clocks_change() -> Result<(), Box<dyn std::error::Error>> {
        let new_york = TimeZone::get("America/New_York")?;
        for (date, hours) in [("2026-03-08", 23), ("2026-11-01", 25), ("2026-11-20", 24)] {
            let (start, end) = date.parse::<TradeDate>()?.midnights(&new_york)?;
            assert_eq!(start.duration_until(end), SignedDuration::from_hours(hours), "{date}");
        }
        Ok(())
    }

    #[test]
    fn a_date_is_future_until_it_begins_in_the_first_zone() -> Result<(), Box<dyn std::error::Error>> {
        let date: TradeDate = "2026-11-21".parse()?;
        assert!(date.is_future("2026-11-20T09:59:59Z".parse()?));
        assert!(!date.is_future("2026-11-20T10:00:00Z".parse()?));
        Ok(())
    }
}
