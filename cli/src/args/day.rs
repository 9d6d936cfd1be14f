//! The day that `run` takes as its argument: a word or a date.

use jiff::{Timestamp, ToSpan};
use shared::{TradeDate, trading_calendar::NEW_YORK};

use super::{ParseError, trade_date};

/// The trade date of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Day {
    /// The newest session that has ended, as the pipeline determines it.
    Latest,
    /// The day before today, in New York; nothing trades on it if that is a weekend or a holiday.
    Yesterday,
    Date(TradeDate),
}

impl Day {
    /// The trade date at `now`; `None` leaves it to the pipeline.
    pub fn trade_date(self, now: Timestamp) -> Option<TradeDate> {
        match self {
            Self::Latest => None,
            Self::Yesterday => Some(NEW_YORK.date_of(now).saturating_sub(1.day()).into()),
            Self::Date(date) => Some(date),
        }
    }
}

/// Parses `latest`, `yesterday` or a date.
pub fn day(text: &str) -> Result<Day, ParseError> {
    match text {
        "latest" => Ok(Day::Latest),
        "yesterday" => Ok(Day::Yesterday),
        // A word is no attempt at a date.
        word if !word.contains(|c: char| c.is_ascii_digit()) => {
            Err(format!("{word:?} is not a day: use latest, yesterday, or a date as YYYY-MM-DD").into())
        }
        date => trade_date(date).map(Day::Date),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_a_word_or_a_date() -> Result<(), ParseError> {
        let evening = "2026-11-21T02:00:00Z".parse()?; // of the 20th in New York
        let spring_forward = "2026-03-09T04:30:00Z".parse()?; // half past midnight, the day after the clocks changed
        for (text, now, expected) in [
            ("latest", evening, None),
            ("yesterday", evening, Some("2026-11-19")),
            ("yesterday", spring_forward, Some("2026-03-08")),
            ("2026-11-20", evening, Some("2026-11-20")),
        ] {
            let expected = expected.map(str::parse).transpose()?;
            assert_eq!(day(text)?.trade_date(now), expected, "{text} at {now}");
        }
        Ok(())
    }
}
