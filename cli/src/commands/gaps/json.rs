//! The JSON form of `gaps`.

use serde::Serialize;
use shared::{Interval, Symbol, TradeDate};

use super::coverage::{Coverage, Missing};
use crate::output::json::{Place, session};

#[derive(Debug, Serialize)]
pub struct GapsJson<'a> {
    #[serde(flatten)]
    pub place: Place,
    /// The first and the last date of the range.
    pub from: TradeDate,
    pub to: TradeDate,
    pub interval: Interval,
    /// Whether no bar is missing: the exit code is 0 (or 4, where there are no days), otherwise 3.
    pub complete: bool,
    /// The days on which bars are expected or held, in order.
    pub days: Vec<DayJson<'a>>,
}

#[derive(Debug, Serialize)]
pub struct DayJson<'a> {
    pub trade_date: TradeDate,
    /// `full`, `half` or `closed`; `null` where no calendar says.
    pub session: Option<&'static str>,
    /// The number of symbols with bars.
    pub symbols: usize,
    /// The number of bars of all symbols together.
    pub bars: usize,
    /// The same when none is missing; `null` where no calendar says.
    pub expected: Option<usize>,
    /// The currencies of the symbols with bars.
    pub currencies: &'a [String],
    /// `nothing`, `some` or `everything`.
    pub missing: &'static str,
    /// The symbols with fewer bars than expected, where some are missing.
    pub short: Vec<ShortJson<'a>>,
    /// The symbols without bars, where some are missing.
    pub without: &'a [Symbol],
    /// The symbols of which bars at another scale or in another currency are left out.
    pub restated: &'a [Symbol],
}

/// A symbol with fewer bars than expected.
#[derive(Debug, Serialize)]
pub struct ShortJson<'a> {
    pub symbol: &'a Symbol,
    pub bars: usize,
    pub expected: usize,
}

impl<'a> From<&'a Coverage> for DayJson<'a> {
    fn from(day: &'a Coverage) -> Self {
        let (missing, short, without) = match &day.missing {
            Missing::Nothing => ("nothing", &[][..], &[][..]),
            Missing::Some { short, without } => ("some", short.as_slice(), without.as_slice()),
            Missing::Everything => ("everything", &[][..], &[][..]),
        };
        let short = short.iter().map(|(symbol, bars, expected)| ShortJson { symbol, bars: *bars, expected: *expected });
        Self {
            trade_date: day.date,
            session: session(day.session),
            symbols: day.symbols,
            bars: day.bars,
            expected: day.expected,
            currencies: &day.currencies,
            missing,
            short: short.collect(),
            without,
            restated: &day.restated,
        }
    }
}
