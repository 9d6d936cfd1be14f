//! The calendar: one row for each trading day.

use jiff::{
    SignedDuration, ToSpan,
    civil::{Date, Time},
};
use serde::Serialize;

use super::{
    error_reply::ErrorReply,
    query::{self, Parameter, invalid},
};
use crate::exchanges::NEW_YORK;

/// The days that Alpaca's calendar covers, and the default of `start` and `end`.
const FIRST_DAY: Date = jiff::civil::date(1970, 1, 1);
const LAST_DAY: Date = jiff::civil::date(2029, 12, 31);

/// One trading day, with times on New York's clock.
#[derive(Debug, Serialize)]
pub struct TradingDay {
    date: Date,
    /// `HH:MM`, as is `close`.
    open: String,
    close: String,
    /// When pre-market trading begins and post-market trading ends, `HHMM`.
    session_open: String,
    session_close: String,
    /// When trades are settled: the trading day after.
    settlement_date: Option<Date>,
}

/// The trading days from `start` to `end`, both inclusive.
///
/// # Errors
/// The error reply where a parameter is unknown or no date.
pub fn days(parameters: &[Parameter]) -> Result<Vec<TradingDay>, ErrorReply> {
    query::only_known(parameters, &["start", "end"])?;
    let date = |name, default| match query::value(parameters, name) {
        Some(text) => text.parse::<Date>().map_err(|_| invalid(name, text)),
        None => Ok(default),
    };
    let (start, end) = (date("start", FIRST_DAY)?.max(FIRST_DAY), date("end", LAST_DAY)?.min(LAST_DAY));
    Ok(start.series(1.day()).take_while(|day| *day <= end).filter_map(trading_day).collect())
}

fn trading_day(date: Date) -> Option<TradingDay> {
    let hours = NEW_YORK.calendar.hours(date)?;
    let time = |time: Time, separator: &str| format!("{:02}{separator}{:02}", time.hour(), time.minute());
    let later = |time: Time, by: SignedDuration| time.wrapping_add(by);
    Some(TradingDay {
        date,
        open: time(hours.open, ":"),
        close: time(hours.close, ":"),
        session_open: time(later(hours.open, -NEW_YORK.pre_market), ""),
        session_close: time(later(hours.close, NEW_YORK.post_market), ""),
        settlement_date: NEW_YORK.calendar.next(date),
    })
}
