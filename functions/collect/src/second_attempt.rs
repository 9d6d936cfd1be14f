//! What a second attempt for a symbol adds to the bars of the first. `sql/hourly_extremes.sql` decides the same of all bars
//! in the lake: bars of the first attempt fill the gaps of the second, unless they are of another scale, as before a split,
//! or in another currency.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, civil::Time};
use shared::{
    Gap, Interval,
    payload::{CollectedSymbol, FirstAttempt, Remark, RemarkKind},
};

use crate::yahoo::{SymbolDay, doubtful};

/// How far two closes of one bar may lie apart, as a part of the newer one: bars are corrected, by little.
const TOLERANCE: f64 = 0.005;

/// The most closes of all symbols together, and the fewest and the most of one symbol.
const CLOSES: (usize, usize, usize) = (1_500, 3, 12);

/// The most bars of each kind that are listed for a second attempt.
const MAX_LISTED: usize = 20;

/// What a second attempt has to know of a day, in a run of so many symbols: among other things some of its closes, evenly
/// spread from the first to the last one.
pub fn first_attempt(day: &SymbolDay, requested: usize) -> FirstAttempt {
    let (all, fewest, most) = CLOSES;
    let last = day.bars.len().saturating_sub(1);
    let closes = (all / requested.max(1)).clamp(fewest, most);
    let spread: BTreeSet<_> = (0..closes).map(|n| n * last / (closes - 1)).collect();
    let closes = spread.into_iter().filter_map(|at| day.bars.get(at)).map(|bar| (bar.start.as_second(), bar.close));
    let listed = |starts: &[Timestamp]| starts.iter().take(MAX_LISTED).map(|at| at.as_second()).collect();
    FirstAttempt {
        session: (day.session.open.as_second(), day.session.close.as_second()),
        currency: day.currency.clone(),
        closes: closes.collect(),
        outside: listed(&day.outside),
        doubtful: listed(&day.doubtful),
    }
}

/// The bars of a symbol's attempts together.
#[derive(Debug)]
pub struct United {
    /// How many are there.
    pub bars: usize,
    /// How many a day without gaps has, where that is known.
    pub expected: Option<usize>,
    /// Those that are missing.
    pub gaps: Vec<Gap>,
    /// What a reader should know of them.
    pub remarks: Vec<Remark>,
}

/// The bars of a day, with those that an earlier attempt had, where there was one.
pub fn united(before: Option<&CollectedSymbol>, day: &SymbolDay, interval: Interval) -> United {
    let (mut missing, mut remarks) = (day.missing(), day.remarks.clone());
    let mut expected = day.expected.as_ref().map(BTreeSet::len);
    if let Some(before) = before.filter(|before| !agrees(before, day, interval)) {
        let detail = "an earlier attempt's bars are of another scale or currency".to_owned();
        remarks.push(Remark { kind: RemarkKind::Restated, bars: before.bars, detail });
    } else if let Some(before) = before {
        let first = FirstBars::of(before, day, interval);
        missing.retain(|at| !first.has(*at));
        let outside = only_in_first(day, before, |first| &first.outside);
        let is_unexpected = |at: &&Timestamp| day.expected.as_ref().is_some_and(|expected| !expected.contains(at));
        expected = expected.map(|expected| expected + outside.iter().filter(is_unexpected).count());
        remarks.extend(doubtful::remark(&only_in_first(day, before, |first| &first.doubtful), &day.session));
        let is_over = before.session_ends_at.is_none();
        let has_none_of = |kind| day.remarks.iter().all(|remark| remark.kind != kind);
        let stays = |remark: &&Remark| match remark.kind {
            RemarkKind::LeftOut => has_none_of(RemarkKind::LeftOut),
            RemarkKind::HoursDiffer => is_over && !outside.is_empty() && has_none_of(RemarkKind::HoursDiffer),
            RemarkKind::Doubtful | RemarkKind::Restated => false,
        };
        remarks.extend(before.remarks.iter().filter(stays).cloned());
    }
    let bars = expected.map_or(day.bars.len(), |expected| expected - missing.len());
    let gaps = Gap::join(missing.into_iter().map(|at| day.local_time(at)), interval);
    United { bars, expected, gaps, remarks }
}

/// Bars of the first attempt that the day lacks.
fn only_in_first(
    day: &SymbolDay,
    before: &CollectedSymbol,
    list: impl Fn(&FirstAttempt) -> &Vec<i64>,
) -> Vec<Timestamp> {
    let starts: BTreeSet<_> = day.bars.iter().map(|bar| bar.start).collect();
    let listed = before.first_attempt.iter().flat_map(list).filter_map(|at| Timestamp::from_second(*at).ok());
    listed.filter(|at| !starts.contains(at)).collect()
}

/// Whether the bars of the first attempt may fill the gaps of `day`: in the same currency, and of the bars that both have,
/// more than half closed at the same price. Where none of those is among the listed closes, the currency decides.
fn agrees(before: &CollectedSymbol, day: &SymbolDay, interval: Interval) -> bool {
    let Some(first) = &before.first_attempt else { return true };
    let closes: BTreeMap<_, _> = day.bars.iter().map(|bar| (bar.start.as_second(), bar.close.get())).collect();
    let common = first.closes.iter().filter_map(|(at, before)| Some((before.get(), *closes.get(at)?)));
    let (mut bars, mut same) = (0, 0);
    for (before, now) in common {
        bars += 1;
        same += usize::from((before - now).abs() <= TOLERANCE * now);
    }
    let earlier = FirstBars::of(before, day, interval);
    let has_common = || day.bars.iter().any(|bar| earlier.has(bar.start));
    let is_one_scale = if bars == 0 { has_common() } else { 2 * same > bars };
    first.currency == day.currency && is_one_scale
}

/// The starts of the first attempt's bars.
struct FirstBars<'a> {
    day: &'a SymbolDay,
    first: Option<&'a FirstAttempt>,
    missing: BTreeSet<Time>,
}

impl<'a> FirstBars<'a> {
    fn of(before: &'a CollectedSymbol, day: &'a SymbolDay, interval: Interval) -> Self {
        let missing = before.gaps.iter().flatten().flat_map(|gap| gap.starts(interval)).collect();
        Self { day, first: before.first_attempt.as_ref(), missing }
    }

    fn has(&self, at: Timestamp) -> bool {
        let second = at.as_second();
        self.first.is_some_and(|FirstAttempt { session: (open, close), outside, .. }| {
            outside.contains(&second)
                || (*open..*close).contains(&second) && !self.missing.contains(&self.day.local_time(at))
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, tz::TimeZone};
    use shared::{Price, Session};

    use super::*;
    use crate::yahoo::Ohlcv;

    type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

    const FIVE: Interval = Interval::FiveMinutes;

    /// A reply about New York's session: the bars that it lacks, by number; those after the close, and the doubtful ones.
    #[derive(Default, Clone, Copy)]
    struct Reply<'a> {
        holes: &'a [i64],
        after_close: &'a [i64],
        doubtful: &'a [i64],
        price: f64,
    }

    const FULL: Reply = Reply { holes: &[], after_close: &[], doubtful: &[], price: 10.0 };

    fn day(reply: Reply) -> Outcome<SymbolDay> {
        let zone = TimeZone::get("America/New_York")?;
        let at = |n: &i64| -> Outcome<Timestamp> {
            Ok("2026-11-20T14:30:00Z".parse::<Timestamp>()? + SignedDuration::from_mins(5 * n))
        };
        let price = Price::from_wire(reply.price).ok_or("a price")?;
        let bar = |start| Ohlcv { start, open: price, high: price, low: price, close: price, volume: 1 };
        let list = |numbers: &[i64]| numbers.iter().map(at).collect::<Outcome<Vec<_>>>();
        let numbers: Vec<_> = (0..78).filter(|n| !reply.holes.contains(n)).collect();
        let outside = list(reply.after_close)?;
        let starts: Vec<_> = list(&numbers)?.into_iter().chain(outside.clone()).collect();
        let expected = list(&(0..78).collect::<Vec<_>>())?.into_iter().chain(outside.clone()).collect();
        let (trade_date, pauses) = ("2026-11-20".parse()?, vec![]);
        let session = Session { trade_date, open: at(&0)?, close: at(&78)?, pauses, zone };
        let doubtful = list(reply.doubtful)?;
        let differ =
            Remark { kind: RemarkKind::HoursDiffer, bars: outside.len(), detail: "after the close".to_owned() };
        let remarks = doubtful::remark(&doubtful, &session).into_iter();
        let remarks = remarks.chain((!outside.is_empty()).then_some(differ)).collect();
        let bars = starts.into_iter().map(bar).collect();
        let currency = Some("USD".to_owned());
        let expected = Some(expected);
        Ok(SymbolDay { session, expected, bars, outside, doubtful, remarks, name: None, currency, simulated: false })
    }

    fn collected(reply: Reply, requested: usize) -> Outcome<CollectedSymbol> {
        let day = day(reply)?;
        let United { bars, expected, gaps, remarks } = united(None, &day, FIVE);
        let first_attempt = Some(first_attempt(&day, requested));
        let symbol = CollectedSymbol::new("AAA".parse()?, bars, expected);
        Ok(CollectedSymbol { gaps: Some(gaps), remarks, first_attempt, ..symbol })
    }

    #[test]
    fn a_second_attempt_says_what_stays_of_the_first() -> Outcome {
        let first = |holes, after_close, doubtful| Reply { holes, after_close, doubtful, ..FULL };
        let after_a_split = Reply { holes: &[0, 38, 77], price: 1.0, ..FULL };
        for (what, first, second, expected) in [
            ("filled", first(&[7], &[], &[]), FULL, "78 of 78"),
            ("filled by the first", FULL, first(&[9], &[], &[]), "78 of 78"),
            ("in part", first(&[7, 8], &[], &[]), first(&[8, 9], &[], &[]), "77 of 78, missing 10:10"),
            (
                "a doubtful bar of the first alone",
                first(&[7], &[], &[9, 12]),
                first(&[9], &[], &[12]),
                "78 of 78; doubtful 1: hardly right, kept as they are: 10:30; doubtful 1: hardly right, kept as they are: 10:15",
            ),
            ("a doubtful bar that the second corrects", first(&[7], &[], &[9]), FULL, "78 of 78"),
            (
                "a bar after the close of the first alone",
                first(&[7], &[85], &[]),
                first(&[7], &[], &[]),
                "78 of 79, missing 10:05; hours differ 1: after the close",
            ),
            (
                "a bar after the close of the second alone",
                first(&[7], &[], &[]),
                first(&[7], &[85], &[]),
                "78 of 79, missing 10:05; hours differ 1: after the close",
            ),
            (
                "two bars after the close",
                first(&[7], &[85], &[]),
                first(&[7], &[86], &[]),
                "79 of 80, missing 10:05; hours differ 1: after the close",
            ),
            ("no listed close in common, but bars", first(&[7], &[], &[]), first(&[0, 38, 77], &[], &[]), "78 of 78"),
            (
                "another scale",
                first(&[7], &[], &[]),
                Reply { holes: &[1, 2], ..after_a_split },
                "76 of 78, missing 09:35-09:40; restated 77: an earlier attempt's bars are of another scale or currency",
            ),
        ] {
            let found = united(Some(&collected(first, 500)?), &day(second)?, FIVE);
            let missing = found.gaps.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let missing = if missing.is_empty() { missing } else { format!(", missing {missing}") };
            let remarks: String =
                found.remarks.iter().map(|it| format!("; {} {}: {}", it.kind.label(), it.bars, it.detail)).collect();
            let described = format!("{} of {}{missing}{remarks}", found.bars, found.expected.unwrap_or_default());
            assert_eq!(described, expected, "{what}");
        }
        Ok(())
    }

    #[test]
    fn closes_are_spread_over_the_day_and_fewer_in_long_lists() -> Outcome {
        for (requested, closes) in [(1, 12), (200, 7), (500, 3)] {
            let first = first_attempt(&day(FULL)?, requested);
            let listed: Vec<_> = first.closes.iter().map(|(at, _)| *at).collect();
            let ends = day(FULL)?
                .bars
                .iter()
                .map(|bar| bar.start.as_second())
                .fold((i64::MAX, 0), |(low, high), at| (low.min(at), high.max(at)));
            assert_eq!((listed.len(), listed[0], listed[closes - 1]), (closes, ends.0, ends.1));
        }
        Ok(())
    }
}
