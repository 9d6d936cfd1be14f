//! The sources of market data, by what the whole project has to know of them: one row of a table for each.
//!
//! The limits are those of a source's own servers: requests to another host, such as the simulated market, are not held to
//! them. How a source is queried is known to its module in `functions/collect` alone.

use std::{fmt, str::FromStr};

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, date},
    tz::TimeZone,
};
use serde_with::{DeserializeFromStr, SerializeDisplay};

use crate::{Interval, TradeDate};

/// Covers the difference between a source's clock and ours, and the time for which a request waits for the rate limiter.
const MARGIN: SignedDuration = SignedDuration::from_hours(3);

/// A source of market data: a row of the table [`MarketSource::ALL`]. In JSON it is its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, SerializeDisplay, DeserializeFromStr)]
pub struct MarketSource {
    /// Its name in requests and messages, such as `yahoo`.
    pub name: &'static str,
    /// Its name in prose, such as `Yahoo`.
    pub label: &'static str,
    /// Its name on the report, with the feed, such as `Yahoo Finance`.
    pub title: &'static str,
    /// The domain of its servers.
    domain: &'static str,
    history: History,
    /// Its feed that bars are from; none where it has one only.
    pub feed: Option<&'static str>,
}

/// How far back a source has bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum History {
    /// For some days, which depend on the length of the bars.
    Days { minute: i64, hour: i64, other: i64 },
    /// Since a day.
    Since(Date),
}

impl MarketSource {
    /// Every source.
    pub const ALL: &[Self] = &[Self::YAHOO, Self::ALPACA];

    /// Yahoo Finance. The days are those that its error for older bars gives
    /// ("The requested range must be within the last 60 days.").
    pub const YAHOO: Self = Self {
        name: "yahoo",
        label: "Yahoo",
        title: "Yahoo Finance",
        domain: "yahoo.com",
        history: History::Days { minute: 30, hour: 730, other: 60 },
        feed: None,
    };

    /// Alpaca's market data, of which the first bars are of that day, whatever their length.
    /// <https://docs.alpaca.markets/docs/about-market-data-api>
    pub const ALPACA: Self = Self {
        name: "alpaca",
        label: "Alpaca",
        title: "Alpaca (SIP, all US exchanges)",
        domain: "alpaca.markets",
        history: History::Since(date(2016, 1, 4)),
        feed: Some("sip"),
    };

    /// The source that a host belongs to, so that its limits apply; `None` where it belongs to none.
    pub fn of_host(host: &str) -> Option<&'static Self> {
        let is_below = |domain| host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        Self::ALL.iter().find(|source| is_below(source.domain))
    }

    /// The number of days for which it keeps bars of a length; `None` where it has them since a certain day.
    pub fn days_kept(&self, interval: Interval) -> Option<i64> {
        match (self.history, interval) {
            (History::Since(_), _) => None,
            (History::Days { minute, .. }, Interval::OneMinute) => Some(minute),
            (History::Days { hour, .. }, Interval::OneHour) => Some(hour),
            (History::Days { other, .. }, _) => Some(other),
        }
    }

    /// How far back it has bars of a length, such as `keeps 5m bars for 60 days`.
    pub fn describe_history(&self, interval: Interval) -> String {
        match self.history {
            History::Since(day) => format!("has {interval} bars since {day}"),
            History::Days { .. } => {
                format!("keeps {interval} bars for {} days", self.days_kept(interval).unwrap_or_default())
            }
        }
    }

    /// The length of the bars that it keeps for longest, where it keeps those of `interval` for a shorter time.
    pub fn kept_longer_than(&self, interval: Interval) -> Option<Interval> {
        let longest = Interval::ALL.iter().copied().max_by_key(|interval| self.days_kept(*interval))?;
        (self.days_kept(longest) > self.days_kept(interval)).then_some(longest)
    }

    /// The earliest trade date in `zone` whose bars it still has at `now`. A window that begins before the limit is rejected
    /// as a whole, so the date's midnight must lie within it.
    pub fn earliest(&self, interval: Interval, now: Timestamp, zone: &TimeZone) -> TradeDate {
        match (self.history, self.days_kept(interval)) {
            (History::Since(day), _) => day.into(),
            (_, days) => {
                let limit = now - SignedDuration::from_hours(24 * days.unwrap_or_default()) + MARGIN;
                let date = limit.to_zoned(zone.clone()).date();
                date.tomorrow().unwrap_or(date).into()
            }
        }
    }
}

/// Why a text is not the name of a source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a source of market data: use one of {names}", names = names())]
pub struct UnknownSource(String);

/// The names of all sources, such as `yahoo, alpaca`.
fn names() -> String {
    let names: Vec<_> = MarketSource::ALL.iter().map(|source| source.name).collect();
    names.join(", ")
}

impl FromStr for MarketSource {
    type Err = UnknownSource;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().find(|source| source.name == name).copied().ok_or_else(|| UnknownSource(name.to_owned()))
    }
}

impl fmt::Display for MarketSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_date_begins_within_the_days_that_are_kept() -> Result<(), Box<dyn std::error::Error>> {
        let new_york = TimeZone::get("America/New_York")?;
        let source = MarketSource::YAHOO;
        for (now, interval, earliest_date) in [
            ("2026-11-23T12:00:00Z", Interval::FiveMinutes, "2026-09-25"),
            ("2026-11-23T01:00:00Z", Interval::FiveMinutes, "2026-09-25"),
            ("2026-11-23T12:00:00Z", Interval::OneMinute, "2026-10-25"),
            ("2026-11-23T12:00:00Z", Interval::OneHour, "2024-11-24"),
        ] {
            let now = now.parse()?;
            let date = source.earliest(interval, now, &new_york);
            assert_eq!(date.to_string(), earliest_date, "{interval} at {now}");
            let (midnight, _) = date.midnights(&new_york)?;
            let age = midnight.duration_until(now);
            assert!(source.days_kept(interval).is_some_and(|days| age < SignedDuration::from_hours(24 * days)));
        }
        Ok(())
    }

    #[test]
    fn a_source_may_have_bars_since_a_day() -> Result<(), Box<dyn std::error::Error>> {
        let (source, now) = (MarketSource::ALPACA, "2026-11-23T12:00:00Z".parse()?);
        for interval in Interval::ALL.iter().copied() {
            let earliest = source.earliest(interval, now, &TimeZone::get("America/New_York")?);
            assert_eq!(earliest.to_string(), "2016-01-04", "{interval}");
            assert_eq!(source.describe_history(interval), format!("has {interval} bars since 2016-01-04"));
            assert_eq!(source.kept_longer_than(interval), None);
        }
        Ok(())
    }

    #[test]
    fn a_source_is_known_by_its_name() {
        for source in MarketSource::ALL {
            assert_eq!(source.to_string().parse(), Ok(*source));
        }
        let error = "Yahoo".parse::<MarketSource>().map_err(|error| error.to_string());
        let expected = r#""Yahoo" is not a source of market data: use one of yahoo, alpaca"#;
        assert_eq!(error, Err(expected.to_owned()));
    }

    #[test]
    fn only_a_sources_own_hosts_have_its_limits() {
        for (host, source) in [
            ("query1.finance.yahoo.com", Some("yahoo")),
            ("yahoo.com", Some("yahoo")),
            ("notyahoo.com", None),
            ("127.0.0.1", None),
            ("yahoo.com.example.org", None),
        ] {
            assert_eq!(MarketSource::of_host(host).map(|source| source.name), source, "{host}");
        }
    }

    #[test]
    fn longer_bars_are_advised_where_they_are_kept_for_longer() {
        for (interval, longer) in [
            (Interval::OneMinute, Some(Interval::OneHour)),
            (Interval::FiveMinutes, Some(Interval::OneHour)),
            (Interval::OneHour, None),
        ] {
            assert_eq!(MarketSource::YAHOO.kept_longer_than(interval), longer, "{interval}");
        }
    }
}
