//! How far back Yahoo keeps bars. The limits are Yahoo's own: requests to another host are not held to them.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use crate::{Interval, TradeDate};

/// Covers the difference between Yahoo's clock and ours, and the time for which a request waits for the rate limiter.
const MARGIN: SignedDuration = SignedDuration::from_hours(3);

/// Whether a host belongs to Yahoo, so that its limits apply.
pub fn is_yahoo(host: &str) -> bool {
    host == "yahoo.com" || host.ends_with(".yahoo.com")
}

/// The number of days for which Yahoo keeps bars of a length, as its error for older ones gives it
/// ("The requested range must be within the last 60 days.").
pub fn days_kept(interval: Interval) -> i64 {
    match interval {
        Interval::OneMinute => 30,
        Interval::OneHour => 730,
        _ => 60,
    }
}

/// The earliest trade date in `zone` whose bars Yahoo still has at `now`. A window that begins
/// before the limit is rejected as a whole, so the date's midnight must lie within it.
pub fn earliest(interval: Interval, now: Timestamp, zone: &TimeZone) -> TradeDate {
    let limit = now - SignedDuration::from_hours(24 * days_kept(interval)) + MARGIN;
    let date = limit.to_zoned(zone.clone()).date();
    date.tomorrow().unwrap_or(date).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_date_begins_within_the_days_that_are_kept() -> Result<(), Box<dyn std::error::Error>> {
        let new_york = TimeZone::get("America/New_York")?;
        for (now, interval, earliest_date) in [
            ("2026-11-23T12:00:00Z", Interval::FiveMinutes, "2026-09-25"),
            ("2026-11-23T01:00:00Z", Interval::FiveMinutes, "2026-09-25"),
            ("2026-11-23T12:00:00Z", Interval::OneMinute, "2026-10-25"),
            ("2026-11-23T12:00:00Z", Interval::OneHour, "2024-11-24"),
        ] {
            let now = now.parse()?;
            let date = earliest(interval, now, &new_york);
            assert_eq!(date.to_string(), earliest_date, "{interval} at {now}");
            let (midnight, _) = date.midnights(&new_york)?;
            let age = midnight.duration_until(now);
            assert!(age < SignedDuration::from_hours(24 * days_kept(interval)));
        }
        Ok(())
    }

    #[test]
    fn only_yahoos_own_hosts_have_yahoos_limits() {
        for (host, yahoo) in [
            ("query1.finance.yahoo.com", true),
            ("yahoo.com", true),
            ("notyahoo.com", false),
            ("127.0.0.1", false),
            ("yahoo.com.example.org", false),
        ] {
            assert_eq!(is_yahoo(host), yahoo, "{host}");
        }
    }
}
