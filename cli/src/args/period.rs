//! The options for a range of trade dates, and the checks that need both of its ends.

use std::{error::Error, fmt, ops::RangeInclusive};

use clap::Args;
use jiff::{Timestamp, ToSpan};
use shared::{Interval, TradeDate, trading_calendar::NEW_YORK};

use super::{WhatArgs, trade_date};

/// The longest range of one command, in calendar days.
const MAX_DAYS: usize = 1_000;

#[derive(Debug, Clone, Args)]
pub struct PeriodArgs {
    /// The first trade date
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = trade_date)]
    pub from: TradeDate,
    /// The last trade date [default: today in New York, when its session has ended]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = trade_date)]
    pub to: Option<TradeDate>,
    #[command(flatten)]
    pub what: WhatArgs,
    /// The length of a bar: 1m, 2m, 5m, 15m, 30m or 1h
    #[arg(long, default_value_t)]
    pub interval: Interval,
}

impl PeriodArgs {
    /// The first and the last date, both included; without `--to` the last is the date in New York at `now`.
    ///
    /// # Errors
    /// When the range is empty or longer than [`MAX_DAYS`].
    pub fn range(&self, now: Timestamp) -> Result<RangeInclusive<TradeDate>, BadRequest> {
        range(self.from, self.to, now)
    }
}

/// As [`PeriodArgs::range`].
pub fn range(from: TradeDate, to: Option<TradeDate>, now: Timestamp) -> Result<RangeInclusive<TradeDate>, BadRequest> {
    let to = to.unwrap_or_else(|| NEW_YORK.date_of(now).into());
    if from > to {
        let problem = format!("the range begins on {from} and ends on {to}: give the earlier date to --from");
        return Err(BadRequest(problem));
    }
    let days = from.date().until(to.date()).map_or(i32::MAX, |span| span.get_days()).unsigned_abs() as usize + 1;
    if days > MAX_DAYS {
        let problem = format!("{from} to {to} are {days} days, and one command takes at most {MAX_DAYS}");
        return Err(BadRequest(format!("{problem}: split them over several")));
    }
    Ok(from..=to)
}

/// Every calendar date of a range, in order.
pub fn dates(range: &RangeInclusive<TradeDate>) -> impl Iterator<Item = TradeDate> + use<> {
    let end = *range.end();
    range.start().date().series(1.day()).map(TradeDate::from).take_while(move |date| *date <= end)
}

/// Options that can be parsed but not met, found before anything was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRequest(pub String);

impl fmt::Display for BadRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for BadRequest {}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(from: &str, to: Option<&str>) -> Result<PeriodArgs, shared::trade_date::InvalidTradeDate> {
        let to = to.map(str::parse).transpose()?;
        Ok(PeriodArgs { from: from.parse()?, to, what: WhatArgs::default(), interval: Interval::default() })
    }

    #[test]
    fn a_range_holds_both_its_ends_and_at_most_a_thousand_days() -> Result<(), Box<dyn Error>> {
        let now = "2026-11-21T02:00:00Z".parse()?; // the evening of the 20th in New York
        for (from, to, days) in [
            ("2025-11-17", Some("2025-12-05"), Ok(19)),
            ("2026-11-20", Some("2026-11-20"), Ok(1)),
            ("2026-11-18", None, Ok(3)),
            ("2024-02-25", Some("2026-11-20"), Ok(1_000)),
            ("2024-02-24", Some("2026-11-20"), Err("2024-02-24 to 2026-11-20 are 1001 days")),
            ("0001-01-01", Some("2026-11-20"), Err("at most 1000: split them over several")),
            ("2025-12-05", Some("2025-11-17"), Err("the range begins on 2025-12-05 and ends on 2025-11-17: give the")),
            ("2026-11-21", None, Err("ends on 2026-11-20")),
        ] {
            match (period(from, to)?.range(now), days) {
                (Ok(range), Ok(days)) => assert_eq!(dates(&range).count(), days, "{from} {to:?}"),
                (Err(error), Err(says)) => assert!(error.to_string().contains(says), "{error}"),
                (other, _) => return Err(format!("{from} to {to:?} became {other:?}").into()),
            }
        }
        Ok(())
    }
}
