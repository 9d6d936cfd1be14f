//! The bars that a session lacks, written as text in an answer and parsed again by the next attempt.

use std::{fmt, str::FromStr};

use jiff::civil::Time;
use serde_with::{DeserializeFromStr, SerializeDisplay};

use crate::Interval;

/// A stretch of bars that are missing: the starts of the first and the last of them on the exchange's
/// clock, written `10:05`, or `12:30-12:40` for three bars of five minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SerializeDisplay, DeserializeFromStr)]
pub struct Gap {
    /// The start of the first missing bar.
    pub first: Time,
    /// The start of the last missing bar.
    pub last: Time,
}

/// Why a text is not a gap.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a gap: use the start of a bar, such as 10:05, or of a first and a last one, such as 12:30-12:40")]
pub struct InvalidGap(String);

impl Gap {
    /// Joins the starts of missing bars, given in the order of the session, into as few gaps as possible.
    pub fn join(missing: impl IntoIterator<Item = Time>, interval: Interval) -> Vec<Self> {
        let mut gaps: Vec<Self> = Vec::new();
        for at in missing {
            match gaps.last_mut() {
                Some(gap) if gap.last.wrapping_add(interval.duration()) == at => gap.last = at,
                _ => gaps.push(Self { first: at, last: at }),
            }
        }
        gaps
    }

    /// The starts of the missing bars, in order.
    pub fn starts(self, interval: Interval) -> impl Iterator<Item = Time> {
        let next = move |at: &Time| (*at != self.last).then(|| at.wrapping_add(interval.duration()));
        // A day has no more bars than minutes: this ends a gap whose last start is off the interval's grid.
        std::iter::successors(Some(self.first), next).take(24 * 60)
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first.strftime("%H:%M"))?;
        if self.last == self.first { Ok(()) } else { write!(f, "-{}", self.last.strftime("%H:%M")) }
    }
}

impl FromStr for Gap {
    type Err = InvalidGap;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let time = |text| Time::strptime("%H:%M", text).ok();
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let gap = time(first).zip(time(last)).map(|(first, last)| Self { first, last });
        gap.ok_or_else(|| InvalidGap(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FIVE: Interval = Interval::FiveMinutes;

    #[test]
    fn what_is_not_a_gap_is_rejected() {
        for text in ["", "9", "25:00", "09:30-", "09:30-10:00-10:30", "09:30:00"] {
            assert_eq!(text.parse::<Gap>(), Err(InvalidGap(text.to_owned())), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn gaps_hold_exactly_the_missing_bars(missing in prop::collection::btree_set(0_i8..78, 0..78)) {
            let starts: Vec<Time> = missing.iter().map(|n| {
                let minutes = 9 * 60 + 30 + i32::from(*n) * 5;
                Time::midnight() + jiff::SignedDuration::from_mins(minutes.into())
            }).collect();
            let gaps = Gap::join(starts.clone(), FIVE);
            let read: Result<Vec<Gap>, _> = gaps.iter().map(|gap| gap.to_string().parse()).collect();
            prop_assert_eq!(&read, &Ok(gaps.clone()));
            prop_assert_eq!(gaps.iter().flat_map(|gap| gap.starts(FIVE)).collect::<Vec<_>>(), starts);
        }
    }
}
