//! The regular sessions that the trading periods of a reply describe.

use std::{collections::BTreeMap, ops::Range};

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, Time, time},
    tz::TimeZone,
};
use shared::Session;

use super::wire::Period;

/// Lunch breaks, by time zone, of exchanges whose day Yahoo lists as one period. The bars of a break that is not listed
/// here count as gaps.
/// <https://www.jpx.co.jp/english/equities/trading/domestic/01.html>,
/// <https://www.hkex.com.hk/Services/Trading-hours-and-Severe-Weather-Arrangements/Trading-Hours/Securities-Market>,
/// <http://english.sse.com.cn/start/trading/schedule/>
const LUNCH_BREAKS: [(&str, Time, Time); 3] = [
    ("Asia/Tokyo", time(11, 30, 0, 0), time(12, 30, 0, 0)),
    ("Asia/Hong_Kong", time(12, 0, 0, 0), time(13, 0, 0, 0)),
    ("Asia/Shanghai", time(11, 30, 0, 0), time(13, 0, 0, 0)),
];

/// The longest session: a day, which has 25 hours when the clocks go back.
const LONGEST: SignedDuration = SignedDuration::from_hours(25);

/// The sessions of the periods that a reply lists, and of its current one where that is of another
/// date. Two periods of one date are one session with a pause.
pub fn sessions(listed: impl Iterator<Item = Period>, current: Option<Period>, zone: &TimeZone) -> Vec<Session> {
    let date = |hours: &Range<Timestamp>| hours.start.to_zoned(zone.clone()).date();
    let mut days: BTreeMap<Date, Vec<Range<Timestamp>>> = BTreeMap::new();
    for hours in listed.filter_map(|period| hours(period, zone)) {
        days.entry(date(&hours)).or_default().push(hours);
    }
    if let Some(hours) = current.and_then(|period| hours(period, zone)) {
        days.entry(date(&hours)).or_insert_with(|| vec![hours]);
    }
    days.into_iter().filter_map(|(date, hours)| session(date, hours, zone)).collect()
}

/// The period's hours. Yahoo ends the day of what trades around the clock at 23:59, a minute before the end that it means:
/// a bar of 23:59 is there.
fn hours(period: Period, zone: &TimeZone) -> Option<Range<Timestamp>> {
    let (start, end) = (period.start.timestamp()?, period.end.timestamp()?);
    let a_minute_later = end.checked_add(SignedDuration::from_mins(1)).ok()?;
    let midnight = a_minute_later.to_zoned(zone.clone()).start_of_day().ok()?.timestamp();
    (start < end).then_some(start..end.max(midnight))
}

fn session(date: Date, mut hours: Vec<Range<Timestamp>>, zone: &TimeZone) -> Option<Session> {
    hours.sort_by_key(|period| (period.start, period.end));
    let (open, mut close) = hours.first().map(|first| (first.start, first.end))?;
    let mut pauses = Vec::new();
    for period in hours {
        if period.start > close {
            pauses.push(close..period.start);
        }
        close = close.max(period.end);
    }
    if pauses.is_empty() {
        pauses.extend(lunch_break(date, zone).filter(|lunch| open < lunch.start && lunch.end < close));
    }
    let fits = open.duration_until(close) <= LONGEST;
    fits.then(|| Session { trade_date: date.into(), open, close, pauses, zone: zone.clone() })
}

fn lunch_break(date: Date, zone: &TimeZone) -> Option<Range<Timestamp>> {
    let (_, from, to) = LUNCH_BREAKS.into_iter().find(|(name, ..)| zone.iana_name() == Some(*name))?;
    let at = |time| date.to_datetime(time).to_zoned(zone.clone()).ok().map(|at| at.timestamp());
    Some(at(from)?..at(to)?)
}

#[cfg(test)]
mod tests {
    use shared::Interval;

    use super::*;
    use crate::source::Number;

    fn period(start: &str, end: &str) -> Result<Period, jiff::Error> {
        let number = |at: &str| Ok::<_, jiff::Error>(Number(Some(at.parse::<Timestamp>()?.as_second() as f64)));
        Ok(Period { start: number(start)?, end: number(end)? })
    }

    /// Trading periods as Yahoo lists them, and the date, the local hours and the number of bars that they must give.
    #[test]
    fn a_period_is_the_session_of_its_local_date() -> Result<(), Box<dyn std::error::Error>> {
        for (zone, start, end, session_is) in [
            ("America/New_York", "2026-11-20T14:30:00Z", "2026-11-20T21:00:00Z", "2026-11-20 09:30-16:00 78"),
            ("America/New_York", "2026-07-15T13:30:00Z", "2026-07-15T20:00:00Z", "2026-07-15 09:30-16:00 78"),
            ("America/New_York", "2026-11-27T14:30:00Z", "2026-11-27T18:00:00Z", "2026-11-27 09:30-13:00 42"),
            ("America/New_York", "2026-03-06T14:30:00Z", "2026-03-06T21:00:00Z", "2026-03-06 09:30-16:00 78"),
            ("America/New_York", "2026-03-09T13:30:00Z", "2026-03-09T20:00:00Z", "2026-03-09 09:30-16:00 78"),
            ("America/New_York", "2026-10-30T13:30:00Z", "2026-10-30T20:00:00Z", "2026-10-30 09:30-16:00 78"),
            ("America/New_York", "2026-11-02T14:30:00Z", "2026-11-02T21:00:00Z", "2026-11-02 09:30-16:00 78"),
            (
                "Asia/Tokyo",
                "2026-11-20T00:00:00Z",
                "2026-11-20T06:30:00Z",
                "2026-11-20 09:00-15:30 66 pause 11:30-12:30",
            ),
            (
                "Asia/Hong_Kong",
                "2026-11-20T01:30:00Z",
                "2026-11-20T08:00:00Z",
                "2026-11-20 09:30-16:00 66 pause 12:00-13:00",
            ),
            ("Asia/Hong_Kong", "2026-12-24T01:30:00Z", "2026-12-24T04:00:00Z", "2026-12-24 09:30-12:00 30"),
            ("Europe/London", "2026-11-20T08:00:00Z", "2026-11-20T16:30:00Z", "2026-11-20 08:00-16:30 102"),
            ("Europe/London", "2026-07-15T07:00:00Z", "2026-07-15T15:30:00Z", "2026-07-15 08:00-16:30 102"),
            ("Australia/Sydney", "2026-11-19T23:00:00Z", "2026-11-20T05:00:00Z", "2026-11-20 10:00-16:00 72"),
            ("Asia/Kolkata", "2026-11-20T03:45:00Z", "2026-11-20T10:00:00Z", "2026-11-20 09:15-15:30 75"),
        ] {
            let zone = TimeZone::get(zone)?;
            let found = sessions([period(start, end)?].into_iter(), None, &zone);
            let clock = |at: Timestamp| at.to_zoned(zone.clone()).strftime("%H:%M").to_string();
            let described: Vec<_> = found
                .iter()
                .map(|session| {
                    let pauses = session.pauses.iter().map(|p| format!(" pause {}-{}", clock(p.start), clock(p.end)));
                    let (open, close) = (clock(session.open), clock(session.close));
                    let bars = session.expected_bars(Interval::FiveMinutes);
                    format!("{} {open}-{close} {bars}{}", session.trade_date, pauses.collect::<String>())
                })
                .collect();
            assert_eq!(described, [session_is], "{zone:?}");
        }
        Ok(())
    }
}
