//! The scale of a symbol's bars, by which a second attempt recognises whether the bars of the first may fill its gaps: not
//! after a split, or where the unit of the currency is another by now. `sql/hourly_extremes.sql` decides the same of all bars
//! in the lake.

use std::collections::{BTreeMap, BTreeSet};

use shared::payload::{Remark, RemarkKind, Scale};

use crate::yahoo::SymbolDay;

/// How far two closes of one bar may lie apart, as a part of the newer one: bars are corrected, by little.
const TOLERANCE: f64 = 0.005;

/// The scale of a day's bars: the closes of the first, a middle and the last one.
pub fn of(day: &SymbolDay) -> Scale {
    let last = day.bars.len().saturating_sub(1);
    let closes = BTreeSet::from([0, last / 2, last]).into_iter().filter_map(|at| day.bars.get(at));
    Scale { currency: day.currency.clone(), closes: closes.map(|bar| (bar.start.as_second(), bar.close)).collect() }
}

/// Whether the bars of an earlier attempt may fill the gaps of `day`: in the same currency, and of the bars that both have,
/// more than half closed at the same price.
pub fn agrees(earlier: Option<&Scale>, day: &SymbolDay) -> bool {
    let Some(earlier) = earlier else { return true };
    let closes: BTreeMap<_, _> = day.bars.iter().map(|bar| (bar.start.as_second(), bar.close.get())).collect();
    let common = earlier.closes.iter().filter_map(|(at, before)| Some((before.get(), *closes.get(at)?)));
    let (mut bars, mut same) = (0, 0);
    for (before, now) in common {
        bars += 1;
        same += usize::from((before - now).abs() <= TOLERANCE * now);
    }
    earlier.currency == day.currency && 2 * same > bars
}

/// The remark on the bars of an earlier attempt that were left out.
pub fn restated(bars: usize) -> Remark {
    let detail = "an earlier attempt's bars are of another scale or currency".to_owned();
    Remark { kind: RemarkKind::Restated, bars, detail }
}
