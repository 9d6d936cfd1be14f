//! Days and bar lengths: the two things a run is asked for besides symbols.

use std::{fmt, str::FromStr};

use jiff::{
    SignedDuration, Timestamp,
    civil::Date,
    tz::{self, TimeZone},
};
use serde::{Deserialize, Serialize};

/// The exchange-local calendar date of a trading session, written `YYYY-MM-DD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TradeDate(Date);

/// Why a text is not a trade date.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a trade date: use a calendar date as YYYY-MM-DD, for example 2026-11-20")]
pub struct InvalidTradeDate(String);

impl TradeDate {
    /// The date itself.
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

    /// Exactly `YYYY-MM-DD`: a time or a zone behind it is refused rather than dropped.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Date::strptime("%Y-%m-%d", text)
            .ok()
            .filter(|date| date.to_string() == text)
            .map(Self)
            .ok_or_else(|| InvalidTradeDate(text.to_owned()))
    }
}

impl TryFrom<String> for TradeDate {
    type Error = InvalidTradeDate;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<TradeDate> for String {
    fn from(date: TradeDate) -> Self {
        date.to_string()
    }
}

impl fmt::Display for TradeDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The length of a bar. Every length divides the hour, so no bar belongs to two of the result's hours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Interval {
    /// One minute; Yahoo keeps these for 30 days.
    OneMinute,
    /// Two minutes; Yahoo keeps these and the longer ones below an hour for 60 days.
    TwoMinutes,
    /// Five minutes, the original system's choice.
    #[default]
    FiveMinutes,
    /// Fifteen minutes.
    FifteenMinutes,
    /// Thirty minutes.
    ThirtyMinutes,
    /// One hour; Yahoo keeps these for 730 days.
    OneHour,
}

/// Why a text is not an interval.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an interval: use one of 1m, 2m, 5m, 15m, 30m, 1h")]
pub struct InvalidInterval(String);

impl Interval {
    /// All intervals, shortest first.
    pub const ALL: [Self; 6] = [
        Self::OneMinute,
        Self::TwoMinutes,
        Self::FiveMinutes,
        Self::FifteenMinutes,
        Self::ThirtyMinutes,
        Self::OneHour,
    ];

    /// Yahoo's spelling, which is also ours.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OneMinute => "1m",
            Self::TwoMinutes => "2m",
            Self::FiveMinutes => "5m",
            Self::FifteenMinutes => "15m",
            Self::ThirtyMinutes => "30m",
            Self::OneHour => "1h",
        }
    }

    /// How long a bar lasts.
    pub fn duration(self) -> SignedDuration {
        SignedDuration::from_mins(match self {
            Self::OneMinute => 1,
            Self::TwoMinutes => 2,
            Self::FiveMinutes => 5,
            Self::FifteenMinutes => 15,
            Self::ThirtyMinutes => 30,
            Self::OneHour => 60,
        })
    }
}

impl FromStr for Interval {
    type Err = InvalidInterval;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Yahoo takes 60m and answers 1h.
        let text = if text == "60m" { "1h" } else { text };
        Self::ALL.into_iter().find(|interval| interval.as_str() == text).ok_or_else(|| InvalidInterval(text.to_owned()))
    }
}

impl TryFrom<String> for Interval {
    type Error = InvalidInterval;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Interval> for String {
    fn from(interval: Interval) -> Self {
        interval.to_string()
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trade_date_is_a_real_day_and_nothing_more() {
        assert_eq!("2024-02-29".parse::<TradeDate>().map(String::from), Ok("2024-02-29".to_owned()));
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

    #[test]
    fn intervals_read_back_as_written() {
        for interval in Interval::ALL {
            assert_eq!(interval.to_string().parse(), Ok(interval));
        }
        assert_eq!("60m".parse(), Ok(Interval::OneHour));
        assert_eq!("90m".parse::<Interval>(), Err(InvalidInterval("90m".to_owned())));
    }
}
