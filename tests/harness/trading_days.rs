//! Trade dates for tests that need many of them.

use jiff::{ToSpan, civil::Date};
use shared::{TradeDate, trading_calendar::NEW_YORK};

/// The days on which New York trades, half days included, from `first` on.
pub fn trading_days(first: Date) -> impl Iterator<Item = TradeDate> {
    first.series(1.day()).filter(|day| NEW_YORK.hours(*day).is_some()).map(TradeDate::from)
}
