//! The bars of a symbol's session, of all that its pages hold.
//!
//! Requests are for the session alone, but what lies outside of it is left out here, too: the closing auction is in the bar
//! that starts at the close. A bar of an hour is joined from two of half an hour, since Alpaca's hours begin on the clock's
//! hour, and the first would hold half an hour of pre-market trading.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use shared::{Interval, Session, payload::Reason};

use super::wire;
use crate::{
    doubtful,
    failure::Failure,
    source::{Day, Number, Ohlcv, Scope, SymbolDay},
};

/// The length of the bars that are requested for those of a length.
pub fn requested(interval: Interval) -> Interval {
    if interval == Interval::OneHour { Interval::ThirtyMinutes } else { interval }
}

/// The bars of a session, of rows in any order. One of which a row is no bar is left out as a whole: an hour is not made of the
/// half that is left.
///
/// # Errors
/// There is no row of the session, of which all were requested, or none of them is a bar.
pub fn day(session: &Session, rows: &[wire::Bar], day: Day, simulated: bool) -> Result<SymbolDay, Failure> {
    let Day { trade_date, interval, scope } = day;
    let requested = requested(interval);
    let rows = rows.iter().filter_map(|row| Some((row.t?, row))).filter(|(at, _)| session.contains(*at, requested));
    let rows: BTreeMap<_, _> = rows.map(|(at, row)| (at, bar(at, row))).collect();
    let broken: BTreeSet<_> =
        rows.iter().filter(|(_, row)| row.is_none()).map(|(at, _)| grid_start(*at, session, interval)).collect();
    let mut bars = joined(rows.into_values().flatten(), session, interval);
    bars.retain(|bar| !broken.contains(&bar.start));
    if let Scope::Window(window) = scope {
        let end = |bar: &Ohlcv| session.close.min(bar.start + interval.duration());
        bars.retain(|bar| end(bar) > window.from && end(bar) <= window.until);
    } else if bars.is_empty() && !broken.is_empty() {
        let detail = format!("no row of the session of {trade_date} is a bar");
        return Err(Failure { zone: Some(session.zone.clone()), simulated, ..Failure::malformed(detail) });
    } else if bars.is_empty() {
        return Err(Failure {
            zone: Some(session.zone.clone()),
            simulated,
            ..Failure::new(Reason::NoTrades, format!("no trades in the session of {trade_date}"))
        });
    }
    let doubtful = doubtful::of(&bars);
    Ok(SymbolDay {
        session: session.clone(),
        expected: Some(session.starts(interval).collect()),
        bars,
        outside: vec![],
        remarks: doubtful::remark(&doubtful, session).into_iter().collect(),
        doubtful,
        name: None,
        currency: Some("USD".to_owned()),
        previous_close: None,
        simulated,
    })
}

/// A row as a bar, unless a value is missing or open or close lie outside of low to high.
fn bar(start: Timestamp, row: &wire::Bar) -> Option<Ohlcv> {
    let price = |number: Option<Number>| number.and_then(Number::price);
    let (open, high, low, close) = (price(row.o)?, price(row.h)?, price(row.l)?, price(row.c)?);
    let in_range = |price| low <= price && price <= high;
    let bar = Ohlcv { start, open, high, low, close, volume: row.v?.count()? };
    (in_range(open) && in_range(close)).then_some(bar)
}

/// The start of the bar of an interval that an instant lies in, on the grid that begins at the open.
fn grid_start(at: Timestamp, session: &Session, interval: Interval) -> Timestamp {
    at - SignedDuration::from_secs(session.open.duration_until(at).as_secs() % interval.duration().as_secs())
}

/// The bars, oldest first, joined into those of an interval whose grid begins at the open.
fn joined(rows: impl Iterator<Item = Ohlcv>, session: &Session, interval: Interval) -> Vec<Ohlcv> {
    let mut bars: Vec<Ohlcv> = vec![];
    for row in rows {
        let start = grid_start(row.start, session, interval);
        match bars.last_mut() {
            Some(last) if last.start == start => *last = last.joined(&row),
            _ => bars.push(Ohlcv { start, ..row }),
        }
    }
    bars
}

#[cfg(test)]
mod tests;
