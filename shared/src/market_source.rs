//! The sources of market data, by what the whole project has to know of them: one row of a table for each.
//!
//! The limits are those of a source's own servers: requests to another host, such as the simulated market, are not held to
//! them. How a source is queried is known to its module in `functions/collect` alone.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use crate::{Interval, TradeDate};

/// Covers the difference between a source's clock and ours, and the time for which a request waits for the rate limiter.
const MARGIN: SignedDuration = SignedDuration::from_hours(3);

/// A source of market data: a row of the table [`MarketSource::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MarketSource {
    /// Its name in requests and messages, such as `yahoo`.
    pub name: &'static str,
    /// Its name in prose, such as `Yahoo`.
    pub label: &'static str,
    /// The domain of its servers.
    domain: &'static str,
    /// For how many days it keeps bars: of a minute, of an hour, and of any other length.
    days_kept: [i64; 3],
}

impl MarketSource {
    /// Every source.
    pub const ALL: &[Self] = &[Self::YAHOO];

    /// Yahoo Finance. The days are those that its error for older bars gives
    /// ("The requested range must be within the last 60 days.").
    pub const YAHOO: Self = Self { name: "yahoo", label: "Yahoo", domain: "yahoo.com", days_kept: [30, 730, 60] };

    /// The source that a host belongs to, so that its limits apply; `None` where it belongs to none.
    pub fn of_host(host: &str) -> Option<&'static Self> {
        let is_below = |domain| host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        Self::ALL.iter().find(|source| is_below(source.domain))
    }

    /// The number of days for which it keeps bars of a length.
    pub fn days_kept(&self, interval: Interval) -> i64 {
        let [minute, hour, other] = self.days_kept;
        match interval {
            Interval::OneMinute => minute,
            Interval::OneHour => hour,
            _ => other,
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
        let limit = now - SignedDuration::from_hours(24 * self.days_kept(interval)) + MARGIN;
        let date = limit.to_zoned(zone.clone()).date();
        date.tomorrow().unwrap_or(date).into()
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
            assert!(age < SignedDuration::from_hours(24 * source.days_kept(interval)));
        }
        Ok(())
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
