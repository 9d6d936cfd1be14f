//! A request for bars, parsed and validated once.

use std::ops::RangeInclusive;

use jiff::{SignedDuration, Timestamp, civil::Date};

use super::{error_reply::ErrorReply, page_token::PageToken, symbol};
use crate::exchanges::NEW_YORK;

/// A parameter of a query string: its name and its value.
pub type Parameter = (String, String);

/// The parameters of `/v2/stocks/bars`.
const BARS: &[&str] =
    &["symbols", "timeframe", "start", "end", "limit", "adjustment", "asof", "feed", "currency", "page_token", "sort"];
const ADJUSTMENTS: [&str; 5] = ["raw", "split", "dividend", "spin-off", "all"];
const LIMITS: RangeInclusive<usize> = 1..=10_000;
const DEFAULT_LIMIT: usize = 1_000;

/// How old the tape must be for a plan without real-time data, the free one.
pub const DELAY: SignedDuration = SignedDuration::from_mins(15);

/// A valid request for bars.
#[derive(Debug, Clone)]
pub struct BarsQuery {
    /// The symbols in capitals, sorted, each once.
    pub symbols: Vec<String>,
    /// The length of a bar in minutes.
    pub length: i64,
    /// The first and the last instant at which a bar may start.
    pub window: RangeInclusive<Timestamp>,
    /// The most bars of a page, of all symbols together.
    pub limit: usize,
    /// Whether the newest bars of a symbol come first.
    pub descending: bool,
    /// Where the page begins; `None` for the first.
    pub page_token: Option<PageToken>,
}

impl BarsQuery {
    /// Parses a request that arrives at `now`.
    ///
    /// # Errors
    /// The error reply that Alpaca sends to such a request.
    pub fn parse(parameters: &[Parameter], now: Timestamp) -> Result<Self, ErrorReply> {
        only_known(parameters, BARS)?;
        let value = |name| value(parameters, name);
        let symbols = symbols(parameters)?;
        let length = value("timeframe").map_or_else(|| Err(missing("timeframe")), timeframe)?;
        let limit = value("limit").map_or(Ok(DEFAULT_LIMIT), limit)?;
        let descending = match value("sort") {
            None | Some("asc") => false,
            Some("desc") => true,
            Some(other) => return Err(invalid("sort", other)),
        };
        let invalid_adjustment = |list: &&str| !list.split(',').all(|one| ADJUSTMENTS.contains(&one));
        if let Some(list) = value("adjustment").filter(invalid_adjustment) {
            return Err(invalid("adjustment", list));
        }
        if let Some(date) = value("asof").filter(|date| *date != "-" && date.parse::<Date>().is_err()) {
            return Err(invalid("asof", date));
        }
        let page_token =
            value("page_token").map(|text| PageToken::decode(text).ok_or_else(|| invalid("page_token", text)));
        let page_token = page_token.transpose()?;
        only_simulated("currency", value("currency"), "USD", &[])?;
        only_simulated("feed", value("feed"), "sip", &["iex", "otc", "boats"])?;
        let window = window(value("start"), value("end"), now)?;
        Ok(Self { symbols, length, window, limit, descending, page_token })
    }
}

/// The value of a parameter; an empty one is none.
pub fn value<'a>(parameters: &'a [Parameter], name: &str) -> Option<&'a str> {
    let named = parameters.iter().find(|(key, _)| key == name);
    named.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
}

/// Refuses parameters that are not among `known`: none is ignored (<https://github.com/ccxt/ccxt/issues/30117>).
pub fn only_known(parameters: &[Parameter], known: &[&str]) -> Result<(), ErrorReply> {
    let unknown = parameters.iter().map(|(name, _)| name.as_str()).filter(|name| !known.contains(name));
    match unknown.collect::<Vec<_>>() {
        unknown if unknown.is_empty() => Ok(()),
        unknown => Err(ErrorReply::bad_request(format!("unexpected query parameter(s): {}", unknown.join(", ")))),
    }
}

/// The reply to a parameter with a value that it cannot have.
pub fn invalid(name: &str, value: &str) -> ErrorReply {
    ErrorReply::bad_request(format!("invalid {name}: {value}"))
}

fn missing(name: &str) -> ErrorReply {
    ErrorReply::bad_request(format!("{name} is required"))
}

/// The symbols as a request spells them, in its order.
pub fn spelled(parameters: &[Parameter]) -> impl Iterator<Item = &str> {
    value(parameters, "symbols").into_iter().flat_map(|symbols| symbols.split(','))
}

fn symbols(parameters: &[Parameter]) -> Result<Vec<String>, ErrorReply> {
    if let Some(symbol) = spelled(parameters).find(|symbol| !symbol::is_well_formed(symbol)) {
        return Err(ErrorReply::invalid_symbol(symbol));
    }
    let mut symbols: Vec<_> = spelled(parameters).map(str::to_ascii_uppercase).collect();
    symbols.sort_unstable();
    symbols.dedup();
    if symbols.is_empty() { Err(missing("symbols")) } else { Ok(symbols) }
}

/// `1Min` to `59Min` and `1Hour` to `23Hour`, or `T` and `H` for short, in minutes.
fn timeframe(text: &str) -> Result<i64, ErrorReply> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    match (digits.parse::<i64>(), &text[digits.len()..]) {
        (Ok(count @ 1..=59), "Min" | "T") => Ok(count),
        (Ok(count @ 1..=23), "Hour" | "H") => Ok(count * 60),
        (Ok(1), "Day" | "D" | "Week" | "W") | (Ok(1 | 2 | 3 | 4 | 6 | 12), "Month" | "M") => {
            let message =
                format!("the simulated market has intraday bars only, not timeframe={text}: use 1Min to 23Hour");
            Err(ErrorReply::not_simulated(message))
        }
        _ => Err(invalid("timeframe", text)),
    }
}

fn limit(text: &str) -> Result<usize, ErrorReply> {
    text.parse().ok().filter(|limit| LIMITS.contains(limit)).ok_or_else(|| invalid("limit", text))
}

/// Accepts `simulated`, which is also what a request without the parameter gets.
fn only_simulated(name: &str, value: Option<&str>, simulated: &str, others: &[&str]) -> Result<(), ErrorReply> {
    match value {
        None => Ok(()),
        Some(value) if value == simulated => Ok(()),
        Some(value) if others.contains(&value) || name == "currency" => {
            Err(ErrorReply::not_simulated(format!("the simulated market has {name}={simulated} only, not {value}")))
        }
        Some(value) => Err(invalid(name, value)),
    }
}

/// From `start`, or today's midnight in New York, to `end`, or the newest instant that the free plan has; both inclusive.
fn window(start: Option<&str>, end: Option<&str>, now: Timestamp) -> Result<RangeInclusive<Timestamp>, ErrorReply> {
    let calendar = NEW_YORK.calendar;
    let midnight = || {
        let today = calendar.date_of(now).to_zoned(calendar.zone.clone());
        today.map_or(now, |midnight| midnight.timestamp())
    };
    let start = start.map(|text| instant("start", text)).transpose()?.unwrap_or_else(midnight);
    let newest = now - DELAY;
    let end = end.map(|text| instant("end", text)).transpose()?;
    if end.is_some_and(|end| end > newest) {
        return Err(ErrorReply::too_recent());
    }
    let end = end.unwrap_or(newest);
    if start > end { Err(ErrorReply::bad_request("end should not be before start")) } else { Ok(start..=end) }
}

fn instant(name: &str, text: &str) -> Result<Timestamp, ErrorReply> {
    if text.parse::<Timestamp>().is_err() && text.parse::<Date>().is_ok() {
        let message =
            format!("the zone of {name}={text} is documented nowhere: use an instant such as {text}T14:30:00Z");
        return Err(ErrorReply::not_simulated(message));
    }
    text.parse().map_err(|_| invalid(name, text))
}
