//! Compares, for each day, the bars that the lake holds with those that the calendar expects.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use jiff::Timestamp;
use shared::{Interval, Symbol, TradeDate, currency};

use super::LakeRow;
use crate::trading_day::{BarsByHour, TradingDay, may_trade, trades_in_new_york};

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

/// The days on which bars of `symbols` are expected or held, in order. `rows` stand by date, as in the query's result, and pass day
/// by day; those of other symbols do not count.
///
/// # Errors
/// That of the first row that is one.
pub fn of(
    dates: impl Iterator<Item = TradeDate>,
    rows: impl IntoIterator<Item = anyhow::Result<LakeRow>>,
    symbols: &[Symbol],
    interval: Interval,
    now: Timestamp,
) -> anyhow::Result<Vec<Coverage>> {
    let named: HashSet<_> = symbols.iter().collect();
    let mut rows = rows.into_iter().peekable();
    let mut days = Vec::new();
    for date in dates {
        let mut of_day = BTreeMap::new();
        while let Some(row) = rows.next_if(|row| row.as_ref().map_or(true, |row| row.trade_date <= date)) {
            let row = row?;
            if row.trade_date == date && named.contains(&row.symbol) {
                of_day.insert(row.symbol.clone(), row);
            }
        }
        let day = TradingDay::of(date, symbols);
        if !of_day.is_empty() || day.has_traded(date, symbols, now) {
            days.push(coverage(date, &day, &of_day, symbols, interval));
        }
    }
    Ok(days)
}

fn coverage(
    date: TradeDate,
    day: &TradingDay,
    rows: &BTreeMap<Symbol, LakeRow>,
    symbols: &[Symbol],
    interval: Interval,
) -> Coverage {
    let (mut bars, mut expected, mut short, mut without) = (0, Some(0), vec![], vec![]);
    let of_new_york = TradingDay::new_york(date).expected_by_hour(interval);
    for symbol in symbols {
        let full = of_new_york.as_ref().filter(|_| trades_in_new_york(symbol));
        let expects = full.filter(|full| full.sum() > 0);
        let held = rows.get(symbol).map_or(0, |row| match expects {
            Some(full) => row.bars_by_hour.within(full),
            None => row.bars_by_hour.sum(),
        });
        let full = full.map(BarsByHour::sum);
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
    let currency = |row: &LakeRow| row.currency.clone().unwrap_or_else(|| currency::UNKNOWN.to_owned());
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
