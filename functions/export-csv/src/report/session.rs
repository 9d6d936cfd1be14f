//! The hours in which the day's bars are, on the exchanges' clocks.

use std::collections::BTreeMap;

use jiff::{SignedDuration, civil::Time, tz::Offset};
use shared::{Interval, format::thousands};

use super::company::Company;

/// How many different hours are listed; of the others only the number is.
const LISTED: usize = 3;

/// How many companies have their first and last bar at these times.
#[derive(Debug, Default)]
pub struct Sessions(BTreeMap<(Time, Time, Offset), usize>);

impl Sessions {
    /// Counts a company: from the first bar that is there or missing to the end of the last one.
    pub fn add(&mut self, company: &Company<'_>, interval: Interval) {
        let bars = company.closes.iter().filter_map(|close| at(close.minute));
        let gaps = company.collected.iter().flat_map(|collected| collected.gaps.iter().flatten());
        let starts: Vec<Time> = bars.chain(gaps.flat_map(|gap| [gap.first, gap.last])).collect();
        let Some((first, last)) = starts.iter().min().zip(starts.iter().max()) else { return };
        let end = if is_cut_off(interval) { *last } else { last.wrapping_add(interval.duration()) };
        *self.0.entry((*first, end, company.day.high.1.offset())).or_insert(0) += 1;
    }

    /// Such as `09:30–16:00 (UTC−05:00)`, and where companies differ the most frequent first, with their number. Of bars of an
    /// hour the last may be cut off by the session's end, so they are `first bar 09:30, last bar 15:30`.
    pub fn describe(&self, interval: Interval) -> String {
        let mut counts: Vec<_> = self.0.iter().collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let is_one = counts.len() == 1;
        let text = |((first, end, offset), count): &(&(Time, Time, Offset), &usize)| {
            let clock = |time: &Time| time.strftime("%H:%M").to_string();
            let end = if *end == Time::midnight() { "24:00".to_owned() } else { clock(end) };
            let number = if is_one { String::new() } else { format!(" {}\u{d7}", thousands(**count)) };
            let hours = match is_cut_off(interval) {
                true => format!("first bar {}, last bar {end}", clock(first)),
                false => format!("{}\u{2013}{end}", clock(first)),
            };
            format!("{hours} (UTC{}){number}", signed(*offset))
        };
        let mut listed: Vec<_> = counts.iter().take(LISTED).map(text).collect();
        if counts.len() > LISTED {
            listed.push(format!("{} other", counts.len() - LISTED));
        }
        listed.join(", ")
    }
}

fn is_cut_off(interval: Interval) -> bool {
    interval.duration() >= SignedDuration::from_hours(1)
}

fn at(minute: u16) -> Option<Time> {
    Time::midnight().checked_add(SignedDuration::from_mins(minute.into())).ok()
}

/// `−05:00`, with the minus sign U+2212; jiff itself prints `-05`.
fn signed(offset: Offset) -> String {
    let minutes = offset.seconds() / 60;
    let sign = if minutes < 0 { '\u{2212}' } else { '+' };
    format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_has_hours_and_minutes() {
        let offset = |seconds| Offset::from_seconds(seconds).map(signed).ok();
        assert_eq!(offset(-18_000).as_deref(), Some("\u{2212}05:00"));
        assert_eq!(offset(19_800).as_deref(), Some("+05:30"));
    }
}
