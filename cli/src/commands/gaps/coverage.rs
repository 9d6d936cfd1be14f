//! What the lake holds of each day, beside what the calendar expects.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use shared::{Interval, Symbol, TradeDate};

use super::Held;
use crate::trading_day::{TradingDay, is_weekend};

/// One day of the lake.
#[derive(Debug, Clone, PartialEq)]
pub struct Coverage {
    /// The day.
    pub date: TradeDate,
    /// `full`, `half`, `closed`, or `-` where no calendar says.
    pub session: &'static str,
    /// How many symbols have bars.
    pub symbols: usize,
    /// Bars of all symbols.
    pub bars: usize,
    /// Bars of all symbols when none is missing; `None` where no calendar says.
    pub expected: Option<usize>,
    /// What is missing.
    pub lack: Lack,
}

/// What a day lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lack {
    /// Nothing, as far as the calendar says.
    Nothing,
    /// Bars of some symbols.
    Some {
        /// Symbols with fewer bars than expected: the symbol, its bars, the expected ones.
        short: Vec<(Symbol, usize, usize)>,
        /// Symbols without bars.
        without: Vec<Symbol>,
    },
    /// All bars of all symbols.
    Everything,
}

/// The symbols of which the lake holds any bars, in alphabetical order.
pub fn symbols_of(held: &[Held]) -> Vec<Symbol> {
    held.iter().map(|row| row.symbol.clone()).collect::<BTreeSet<_>>().into_iter().collect()
}

/// The days on which bars of the `wanted` symbols are expected or held, in order.
pub fn of(
    dates: impl Iterator<Item = TradeDate>,
    held: &[Held],
    wanted: &[Symbol],
    interval: Interval,
    now: Timestamp,
) -> Vec<Coverage> {
    let mut by_day: BTreeMap<TradeDate, BTreeMap<&Symbol, usize>> = BTreeMap::new();
    for row in held {
        by_day.entry(row.trade_date).or_default().insert(&row.symbol, row.bars);
    }
    let nothing = BTreeMap::new();
    dates
        .filter_map(|date| {
            let bars = by_day.get(&date).unwrap_or(&nothing);
            let day = TradingDay::of(date, wanted);
            let counts = !bars.is_empty() || has_traded(date, &day, now);
            counts.then(|| coverage(date, &day, bars, wanted, interval))
        })
        .collect()
}

/// Whether bars must be there: the session is over. Where no calendar says, every weekday that is over counts.
fn has_traded(date: TradeDate, day: &TradingDay, now: Timestamp) -> bool {
    match day {
        TradingDay::Open(session) => session.has_ended(now),
        TradingDay::Closed => false,
        TradingDay::Unknown => !is_weekend(date) && date.date() < now.to_zoned(jiff::tz::TimeZone::UTC).date(),
    }
}

fn coverage(
    date: TradeDate,
    day: &TradingDay,
    bars: &BTreeMap<&Symbol, usize>,
    wanted: &[Symbol],
    interval: Interval,
) -> Coverage {
    let (mut expected, mut short, mut without) = (Some(0), vec![], vec![]);
    for symbol in wanted {
        let held = bars.get(symbol).copied().unwrap_or(0);
        let whole = TradingDay::of(date, std::slice::from_ref(symbol)).expected_bars(interval);
        expected = expected.zip(whole).map(|(sum, whole)| sum + whole);
        match whole {
            Some(whole) if held == 0 && whole > 0 => without.push(symbol.clone()),
            None if held == 0 => without.push(symbol.clone()),
            Some(whole) if held < whole => short.push((symbol.clone(), held, whole)),
            _ => {}
        }
    }
    let lack = match (bars.is_empty(), short.is_empty() && without.is_empty()) {
        (true, _) => Lack::Everything,
        (false, true) => Lack::Nothing,
        (false, false) => Lack::Some { short, without },
    };
    Coverage { date, session: day.label(), symbols: bars.len(), bars: bars.values().sum(), expected, lack }
}
