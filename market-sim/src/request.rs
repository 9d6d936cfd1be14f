//! What a client asks of the chart endpoint, checked once; everything behind this module relies on it.

use jiff::{Timestamp, ToSpan, civil::Date};
use serde::Deserialize;

use super::{
    error_reply::ErrorReply,
    exchange::{Exchange, FIRST_DAY},
    listing::Listing,
};

/// The query of a chart request as it comes; parameters that are not listed are ignored, as Yahoo does.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Query {
    /// The window's start in Unix seconds.
    pub period1: Option<String>,
    /// The window's end in Unix seconds.
    pub period2: Option<String>,
    /// The window as a number of days up to now.
    range: Option<String>,
    /// The length of the bars.
    pub interval: Option<String>,
    include_pre_post: Option<String>,
}

impl Query {
    /// The same query for bars of an hour.
    pub fn of_hours(self) -> Self {
        Self { interval: Some("1h".to_owned()), ..self }
    }
}

/// A question that can be answered.
#[derive(Debug, Clone)]
pub struct ChartRequest {
    /// What is asked about.
    pub listing: Listing,
    /// The length of the bars.
    pub step: Step,
    /// The first instant at which a bar may start.
    pub start: Timestamp,
    /// The instant from which on no bar may start.
    pub end: Timestamp,
    /// The range as asked for; empty when the window was given by its ends.
    pub range: String,
    /// Whether pre- and post-market trading is asked for.
    pub pre_post: bool,
}

/// A length of bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The length in minutes.
    pub minutes: usize,
    /// What Yahoo calls it in its answer.
    pub granularity: &'static str,
}

/// Yahoo's intervals, in the order and spelling of its complaint about others; those of a day and longer are not simulated.
const INTERVALS: [(&str, Option<Step>); 14] = [
    ("1m", Some(Step { minutes: 1, granularity: "1m" })),
    ("2m", Some(Step { minutes: 2, granularity: "2m" })),
    ("5m", Some(Step { minutes: 5, granularity: "5m" })),
    ("15m", Some(Step { minutes: 15, granularity: "15m" })),
    ("30m", Some(Step { minutes: 30, granularity: "30m" })),
    ("60m", Some(Step { minutes: 60, granularity: "1h" })),
    ("90m", Some(Step { minutes: 90, granularity: "90m" })),
    ("1h", Some(Step { minutes: 60, granularity: "1h" })),
    ("4h", Some(Step { minutes: 240, granularity: "4h" })),
    ("1d", None),
    ("5d", None),
    ("1wk", None),
    ("1mo", None),
    ("3mo", None),
];

/// The ranges that Yahoo lists in every answer; it takes others of the same form as well.
pub const RANGES: [&str; 11] = ["1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max"];

impl ChartRequest {
    /// Reads a question that is asked at `now`.
    ///
    /// # Errors
    /// The answer that Yahoo gives to a question of this kind.
    pub fn parse(symbol: &str, query: &Query, now: Timestamp) -> Result<Self, ErrorReply> {
        let step = parse_interval(query.interval.as_deref().unwrap_or("5m"))?;
        let listing = Listing::find(symbol).ok_or_else(ErrorReply::not_found)?;
        let (start, end) = window(listing.exchange, query, now)?;
        let range = if query.period1.is_some() { String::new() } else { range_of(query).to_owned() };
        let pre_post = query.include_pre_post.as_deref().is_some_and(|text| text.eq_ignore_ascii_case("true"));
        Ok(Self { listing, step, start, end, range, pre_post })
    }
}

fn parse_interval(text: &str) -> Result<Step, ErrorReply> {
    match INTERVALS.iter().find(|(name, _)| *name == text) {
        Some((_, Some(step))) => Ok(*step),
        Some((_, None)) => Err(ErrorReply::not_simulated(format!(
            "the simulated market has intraday bars only, not interval={text}: use 1m to 4h"
        ))),
        None => Err(unknown_interval(text)),
    }
}

/// What Yahoo says to an interval that it does not know.
pub fn unknown_interval(text: &str) -> ErrorReply {
    ErrorReply::bad_request(format!(
        "Invalid input - interval={text} is not supported. Valid intervals: [{}]",
        INTERVALS.map(|(name, _)| name).join(", ")
    ))
}

fn range_of(query: &Query) -> &str {
    query.range.as_deref().filter(|range| !range.is_empty()).unwrap_or("1d")
}

/// The window asked for: `period1` to `period2` (or now), else the newest sessions of `range`.
fn window(exchange: &Exchange, query: &Query, now: Timestamp) -> Result<(Timestamp, Timestamp), ErrorReply> {
    let Some(period1) = &query.period1 else { return Ok((range_start(exchange, range_of(query), now)?, now)) };
    let start = parse_period("period1", period1)?;
    let end = query.period2.as_ref().map_or(Ok(now), |period2| parse_period("period2", period2))?;
    let ends = format!("startDate = {}, endDate = {}", start.as_second(), end.as_second());
    if start > end {
        return Err(ErrorReply::bad_request(format!("Invalid input - start date cannot be after end date. {ends}")));
    }
    if exchange.first().is_some_and(|session| end <= session.open) {
        return Err(ErrorReply::bad_request(format!("Data doesn't exist for {ends}")));
    }
    Ok((start, end))
}

fn parse_period(name: &str, text: &str) -> Result<Timestamp, ErrorReply> {
    let instant = text.parse().ok().and_then(|second| Timestamp::from_second(second).ok());
    instant
        .ok_or_else(|| ErrorReply::bad_request(format!("Invalid input - {name}={text} is not a Unix time in seconds")))
}

/// Where a range that ends now begins: days are sessions, months and years are those of the calendar.
fn range_start(exchange: &Exchange, range: &str, now: Timestamp) -> Result<Timestamp, ErrorReply> {
    let today = exchange.calendar.date_of(now);
    let digits = range.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let (count, unit) = (digits.parse::<u16>().ok().filter(|count| *count > 0), &range[digits.len()..]);
    let first = match (count, unit) {
        (None, "max") if digits.is_empty() => Ok(FIRST_DAY),
        (None, "ytd") if digits.is_empty() => Ok(today.first_of_year()),
        (Some(count), "d") => Ok(sessions_back(exchange, now, count)),
        (Some(count), "mo") => today.checked_sub(i32::from(count).months()),
        (Some(count), "y") => today.checked_sub(i32::from(count).years()),
        _ => return Err(unknown_range(range)),
    };
    let first = first.unwrap_or(FIRST_DAY).max(FIRST_DAY);
    first
        .to_zoned(exchange.calendar.zone.clone())
        .map(|midnight| midnight.timestamp())
        .map_err(|_| unknown_range(range))
}

fn unknown_range(range: &str) -> ErrorReply {
    ErrorReply::bad_request(format!(
        "Invalid input - range={range} is not supported. Valid ranges: [{}]",
        RANGES.join(", ")
    ))
}

/// The date of the first of the newest `count` sessions that have opened.
fn sessions_back(exchange: &Exchange, now: Timestamp, count: u16) -> Date {
    let Some(latest) = exchange.latest(now) else { return FIRST_DAY };
    let days = std::iter::successors(Some(latest.trade_date.date()), |day| exchange.calendar.previous(*day));
    days.take_while(|day| *day >= FIRST_DAY).take(usize::from(count)).last().unwrap_or(FIRST_DAY)
}
