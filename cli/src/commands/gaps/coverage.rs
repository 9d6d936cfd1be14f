//! Compares, for each day, the bars that the lake holds with those that the calendar expects.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use shared::{Interval, Symbol, TradeDate, currency};

use super::LakeRow;
use crate::trading_day::{TradingDay, may_trade};

/// One day of the lake.
#[derive(Debug, Clone, PartialEq)]
pub struct Coverage {
    pub date: TradeDate,
    /// `full`, `half`, `closed`, or `-` where no calendar says.
    pub session: &'static str,
    /// The number of symbols with bars.
    pub symbols: usize,
    /// The number of bars of all symbols together: of those expected where some are, and of all elsewhere.
    pub bars: usize,
    /// The same when none is missing; `None` where no calendar says.
    pub expected: Option<usize>,
    /// The currencies of the symbols with bars, in alphabetical order.
    pub currencies: Vec<String>,
    pub missing: Missing,
    /// The symbols of which bars at another scale or in another currency are left out.
    pub restated: Vec<Symbol>,
}

/// The missing bars of a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
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

/// The days on which bars of `symbols` are expected or held, in order.
pub fn of(
    dates: impl Iterator<Item = TradeDate>,
    rows: &[LakeRow],
    symbols: &[Symbol],
    interval: Interval,
    now: Timestamp,
) -> Vec<Coverage> {
    let mut by_day: BTreeMap<TradeDate, BTreeMap<&Symbol, &LakeRow>> = BTreeMap::new();
    for row in rows {
        by_day.entry(row.trade_date).or_default().insert(&row.symbol, row);
    }
    let no_rows = BTreeMap::new();
    dates
        .filter_map(|date| {
            let rows = by_day.get(&date).unwrap_or(&no_rows);
            let day = TradingDay::of(date, symbols);
            let shown = !rows.is_empty() || day.has_traded(date, symbols, now);
            shown.then(|| coverage(date, &day, rows, symbols, interval))
        })
        .collect()
}

fn coverage(
    date: TradeDate,
    day: &TradingDay,
    rows: &BTreeMap<&Symbol, &LakeRow>,
    symbols: &[Symbol],
    interval: Interval,
) -> Coverage {
    let (mut bars, mut expected, mut short, mut without) = (0, Some(0), vec![], vec![]);
    for symbol in symbols {
        let held = rows.get(symbol).map(|row| row.bars_by_hour.clone()).unwrap_or_default();
        let full = TradingDay::of(date, std::slice::from_ref(symbol)).expected_by_hour(interval);
        let expects = full.as_ref().filter(|full| full.sum() > 0);
        let held = expects.map_or(held.sum(), |full| held.within(full));
        let full = full.map(|full| full.sum());
        bars += held;
        expected = expected.zip(full).map(|(sum, full)| sum + full);
        match full {
            Some(full) if held == 0 && full > 0 => without.push(symbol.clone()),
            None if held == 0 && may_trade(symbol, date) => without.push(symbol.clone()),
            Some(full) if held < full => short.push((symbol.clone(), held, full)),
            _ => {}
        }
    }
    let missing = match (rows.is_empty(), short.is_empty() && without.is_empty()) {
        (true, _) => Missing::Everything,
        (false, true) => Missing::Nothing,
        (false, false) => Missing::Some { short, without },
    };
    let currency = |row: &&LakeRow| row.currency.clone().unwrap_or_else(|| currency::UNKNOWN.to_owned());
    let currencies: BTreeSet<_> = rows.values().map(currency).collect();
    Coverage {
        date,
        session: day.label(),
        symbols: rows.len(),
        bars,
        expected,
        currencies: currencies.into_iter().collect(),
        missing,
        restated: rows.values().filter(|row| row.restated).map(|row| row.symbol.clone()).collect(),
    }
}
