//! Bars that are hardly right. They are kept as the source sends them, and remarked on. The rules:
//!
//! - A bar that spans a factor of five or more, together with the usual close of the up to four bars on either side of it.
//!   Seen in London, where Yahoo mixes up pounds and pence (<https://github.com/ranaroussi/yfinance/pull/1110>).
//! - A bar that spans that factor together with the close right before it, unless that one is doubtful: from there on the day
//!   may be in another unit.
//! - A first bar without volume whose prices differ, in a reply that has volume: the first row of a window may come without
//!   it, beside a range that is too wide (<https://github.com/xemwebe/yahoo_finance_api/issues/22>).

use jiff::Timestamp;
use shared::{
    Price, Session,
    payload::{Remark, RemarkKind},
};

use crate::{local_times::listed_times, source::Ohlcv};

/// The factor from which on a bar is doubtful.
const FACTOR: f64 = 5.0;

/// How many bars on either side count as neighbours.
const NEIGHBOURS: usize = 4;

/// The starts of the doubtful ones among the bars of a session, oldest first.
pub fn of(bars: &[Ohlcv]) -> Vec<Timestamp> {
    let lowest = bars.iter().map(|bar| bar.low.get().min(bar.close.get())).fold(f64::INFINITY, f64::min);
    let highest = bars.iter().map(|bar| bar.high.get().max(bar.close.get())).fold(0.0, f64::max);
    // Where not even the whole day spans the factor, no bar does with its neighbours.
    let judged = if highest < FACTOR * lowest { bars.len().min(1) } else { bars.len() };
    bars[..judged].iter().enumerate().filter(|(at, _)| is_doubtful(bars, *at)).map(|(_, bar)| bar.start).collect()
}

/// The remark on doubtful bars, by their starts; nothing where there are none.
pub fn remark(doubtful: &[Timestamp], session: &Session) -> Option<Remark> {
    let detail = format!("hardly right, kept as they are: {}", listed_times(doubtful, session));
    (!doubtful.is_empty()).then_some(Remark { kind: RemarkKind::Doubtful, bars: doubtful.len(), detail })
}

fn is_doubtful(bars: &[Ohlcv], at: usize) -> bool {
    let bar = &bars[at];
    let is_first_without_volume =
        at == 0 && bar.volume == 0 && bar.low < bar.high && bars.iter().any(|other| other.volume > 0);
    is_first_without_volume || spans_a_factor(bars, at)
}

/// Whether the bar spans the factor by the usual close around it, or changes the unit of those before it.
fn spans_a_factor(bars: &[Ohlcv], at: usize) -> bool {
    let changes_unit = |before: usize| !is_unusual(bars, before) && spans(&bars[at], bars[before].close.get());
    is_unusual(bars, at) || at.checked_sub(1).is_some_and(changes_unit)
}

/// Whether the bar spans the factor together with the middle close of its neighbours: of two middle ones with either, since
/// the bars on one side may be of another unit.
fn is_unusual(bars: &[Ohlcv], at: usize) -> bool {
    let around = at.saturating_sub(NEIGHBOURS)..(at + NEIGHBOURS + 1).min(bars.len());
    let mut closes: Vec<f64> =
        around.filter(|neighbour| *neighbour != at).map(|neighbour| Price::get(bars[neighbour].close)).collect();
    closes.sort_by(f64::total_cmp);
    let middle = [closes.len().saturating_sub(1) / 2, closes.len() / 2];
    match closes.as_slice() {
        [] => spans(&bars[at], bars[at].close.get()),
        closes => middle.iter().all(|middle| spans(&bars[at], closes[*middle])),
    }
}

fn spans(bar: &Ohlcv, usual: f64) -> bool {
    bar.high.get().max(usual) >= FACTOR * bar.low.get().min(usual)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Bar = (f64, f64, f64, u64);

    /// The times of the doubtful ones among bars of (low, high, close, volume), from 09:30 on.
    fn doubtful(bars: &[Bar]) -> Option<String> {
        let open: Timestamp = "2026-11-20T14:30:00Z".parse().ok()?;
        let zone = jiff::tz::TimeZone::get("America/New_York").ok()?;
        let close = open + jiff::SignedDuration::from_hours(6);
        let session = Session { trade_date: "2026-11-20".parse().ok()?, open, close, pauses: vec![], zone };
        let price = Price::from_wire;
        let bar = |(n, (low, high, close, volume)): (i64, &Bar)| {
            let start = open + jiff::SignedDuration::from_mins(5 * n);
            let (low, high, close) = (price(*low)?, price(*high)?, price(*close)?);
            Some(Ohlcv { start, open: close, high, low, close, volume: *volume })
        };
        let bars: Vec<_> = (0..).zip(bars).filter_map(bar).collect();
        remark(&of(&bars), &session)
            .map(|remark| format!("{} {}", remark.bars, remark.detail.rsplit(": ").next().unwrap_or_default()))
    }

    #[test]
    fn bars_are_doubtful_by_their_neighbours() {
        const USUAL: Bar = (61.0, 62.0, 61.5, 10);
        for (what, bars, expected) in [
            ("a usual day", vec![USUAL; 12], None),
            (
                "pounds among pence, in the last bar",
                [vec![USUAL; 5], vec![(0.6, 61.5, 0.6, 0)]].concat(),
                Some("1 09:55"),
            ),
            (
                "a bar in pounds",
                [vec![USUAL; 5], vec![(0.61, 0.62, 0.615, 3)], vec![USUAL; 5]].concat(),
                Some("1 09:55"),
            ),
            (
                "two bars in pounds",
                [vec![USUAL; 5], vec![(0.61, 0.62, 0.615, 3); 2], vec![USUAL; 5]].concat(),
                Some("2 09:55, 10:00"),
            ),
            ("a spike", [vec![USUAL; 5], vec![(61.0, 305.0, 61.5, 3)], vec![USUAL; 5]].concat(), Some("1 09:55")),
            ("a spike below the factor", [vec![USUAL; 5], vec![(61.0, 304.0, 61.5, 3)], vec![USUAL; 5]].concat(), None),
            (
                "another unit for the rest of the day",
                [vec![USUAL; 5], vec![(0.61, 0.62, 0.615, 9); 5]].concat(),
                Some("1 09:55"),
            ),
            (
                "another unit for ten bars",
                [vec![USUAL; 5], vec![(0.61, 0.62, 0.615, 9); 10], vec![USUAL; 5]].concat(),
                Some("2 09:55, 10:45"),
            ),
            (
                "another unit from the second bar on",
                [vec![USUAL], vec![(0.61, 0.62, 0.615, 9); 8]].concat(),
                Some("1 09:30"),
            ),
            ("a fall to a quarter", [vec![USUAL; 5], vec![(15.0, 16.0, 15.5, 9); 5]].concat(), None),
            ("one bar", vec![(1.0, 4.9, 2.0, 1)], None),
            ("one bar of a wide range", vec![(1.0, 5.0, 2.0, 1)], Some("1 09:30")),
            (
                "a first bar without volume that moved",
                [vec![(61.0, 63.0, 61.5, 0)], vec![USUAL; 3]].concat(),
                Some("1 09:30"),
            ),
            ("a first bar without volume that did not", [vec![(61.0, 61.0, 61.0, 0)], vec![USUAL; 3]].concat(), None),
            (
                "a later bar without volume",
                [vec![USUAL; 2], vec![(61.0, 63.0, 61.5, 0)], vec![USUAL; 3]].concat(),
                None,
            ),
            ("an index", vec![(61.0, 62.0, 61.5, 0); 5], None),
            ("no bars", vec![], None),
        ] {
            assert_eq!(doubtful(&bars).as_deref(), expected, "{what}");
        }
    }
}
