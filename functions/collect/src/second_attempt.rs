//! What a second attempt for a symbol adds to the bars of the first. `sql/hourly_extremes.sql` decides the same of all bars
//! in the lake: bars of the first attempt fill the gaps of the second, unless all of them are of another scale, as before a
//! split, or in another currency, or one of them alone is, as pounds among pence.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, civil::Time};
use shared::{
    Gap, Interval, Price,
    payload::{CollectedSymbol, FirstAttempt, Remark, RemarkKind},
};

use crate::{doubtful, source::SymbolDay};

/// How far two closes of one bar may lie apart, as a part of the newer one: bars are corrected, by little.
const TOLERANCE: f64 = 0.005;

/// A bar of the first attempt that reaches to a part or a multiple like this of the second's average close is of another scale.
const FACTOR: f64 = 5.0;

/// The most closes of all symbols together, and the fewest and the most of one symbol.
const CLOSES: (usize, usize, usize) = (2_500, 5, 12);

/// The most bars of each kind that are listed for a second attempt.
const MAX_LISTED: usize = 100;

/// What a second attempt has to know of a day, in a run of so many symbols: among other things some of its closes, evenly
/// spread, and neither the first nor the last one, which are corrected most.
pub fn first_attempt(day: &SymbolDay, requested: usize) -> FirstAttempt {
    let (all, fewest, most) = CLOSES;
    let closes = (all / requested.max(1)).clamp(fewest, most);
    let spread: BTreeSet<_> = (0..closes).map(|n| (2 * n + 1) * day.bars.len() / (2 * closes)).collect();
    let closes = spread.into_iter().filter_map(|at| day.bars.get(at)).map(|bar| (bar.start.as_second(), bar.close));
    let doubtful = day.bars.iter().filter(|bar| day.doubtful.contains(&bar.start)).take(MAX_LISTED);
    FirstAttempt {
        session: (day.session.open.as_second(), day.session.close.as_second()),
        currency: day.currency.clone(),
        closes: closes.collect(),
        outside: day.outside.iter().take(MAX_LISTED).map(|at| at.as_second()).collect(),
        doubtful: doubtful.map(|bar| (bar.start.as_second(), bar.low, bar.high)).collect(),
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
    let mut expected = day.expected.as_ref().map(Vec::len);
    if let Some(before) = before {
        let first = FirstBars::of(before, day, interval);
        if first.agree() {
            missing.retain(|at| !first.has(*at));
            let outside = first.outside();
            let is_unexpected =
                |at: &&Timestamp| day.expected.as_ref().is_some_and(|expected| expected.binary_search(at).is_err());
            expected = expected.map(|expected| expected + outside.iter().filter(is_unexpected).count());
            let (doubtful, others) = first.doubtful();
            remarks.extend(doubtful::remark(&doubtful, &day.session));
            remarks.extend((others > 0).then(|| restated(others)));
            remarks.extend(first.remarks(!outside.is_empty()));
        } else {
            remarks.push(restated(before.bars));
        }
    }
    let bars = expected.map_or(day.bars.len(), |expected| expected - missing.len());
    let gaps = Gap::join(missing.into_iter().map(|at| day.local_time(at)), interval);
    United { bars, expected, gaps, remarks }
}

fn restated(bars: usize) -> Remark {
    let detail = "an earlier attempt's bars are of another scale or currency".to_owned();
    Remark { kind: RemarkKind::Restated, bars, detail }
}

/// The bars of the first attempt, beside the day of the second.
struct FirstBars<'a> {
    before: &'a CollectedSymbol,
    day: &'a SymbolDay,
    missing: BTreeSet<Time>,
    /// The starts of the second attempt's bars, with their closes.
    closes: BTreeMap<i64, f64>,
}

impl<'a> FirstBars<'a> {
    fn of(before: &'a CollectedSymbol, day: &'a SymbolDay, interval: Interval) -> Self {
        let missing = before.gaps.iter().flatten().flat_map(|gap| gap.starts(interval)).collect();
        let closes = day.bars.iter().map(|bar| (bar.start.as_second(), bar.close.get())).collect();
        Self { before, day, missing, closes }
    }

    /// Whether they are in the currency of the second attempt, and of the bars that both have more than half closed at the
    /// same price. Where none of those is among the listed closes, the currency decides.
    fn agree(&self) -> bool {
        let Some(first) = self.before.first_attempt.as_deref() else { return true };
        let common = first.closes.iter().filter_map(|(at, before)| Some((before.get(), *self.closes.get(at)?)));
        let (mut bars, mut same) = (0, 0);
        for (before, now) in common {
            bars += 1;
            same += usize::from((before - now).abs() <= TOLERANCE * now);
        }
        let has_common = || self.day.bars.iter().any(|bar| self.has(bar.start));
        first.currency == self.day.currency && if bars == 0 { has_common() } else { 2 * same > bars }
    }

    /// Whether there is one, of the second attempt's scale, that starts at a time.
    fn has(&self, at: Timestamp) -> bool {
        let second = at.as_second();
        self.before.first_attempt.as_deref().is_some_and(
            |FirstAttempt { session: (open, close), outside, doubtful, .. }| {
                let is_there = outside.contains(&second)
                    || (*open..*close).contains(&second) && !self.missing.contains(&self.day.local_time(at));
                is_there && doubtful.iter().all(|(start, low, high)| *start != second || self.is_of_scale(*low, *high))
            },
        )
    }

    fn is_of_scale(&self, low: Price, high: Price) -> bool {
        let average = self.closes.values().sum::<f64>() / self.closes.len() as f64;
        FACTOR * low.get() > average && high.get() < FACTOR * average
    }

    /// The starts of those outside of the session that the second attempt lacks.
    fn outside(&self) -> Vec<Timestamp> {
        let listed = self.before.first_attempt.iter().flat_map(|first| &first.outside);
        let lacking = listed.filter(|at| !self.closes.contains_key(at));
        lacking.filter_map(|at| Timestamp::from_second(*at).ok()).filter(|at| self.has(*at)).collect()
    }

    /// The starts of the doubtful ones that the second attempt lacks, and the number of those that are of another scale.
    fn doubtful(&self) -> (Vec<Timestamp>, usize) {
        let listed = self.before.first_attempt.iter().flat_map(|first| &first.doubtful);
        let lacking: Vec<_> = listed.filter(|(at, ..)| !self.closes.contains_key(at)).collect();
        let fitting = lacking.iter().filter(|(_, low, high)| self.is_of_scale(*low, *high));
        let starts: Vec<_> = fitting.filter_map(|(at, ..)| Timestamp::from_second(*at).ok()).collect();
        let others = lacking.len() - starts.len();
        (starts, others)
    }

    /// The remarks that stay, because the second attempt has none of their kind: of rows that were left out, and, where bars
    /// outside of the session stay, of hours that differ.
    fn remarks(&self, outside_stay: bool) -> impl Iterator<Item = Remark> {
        let has_none_of = |kind| self.day.remarks.iter().all(|remark| remark.kind != kind);
        let is_over = self.before.session_ends_at.is_none();
        let stays = move |remark: &&Remark| match remark.kind {
            RemarkKind::LeftOut => has_none_of(RemarkKind::LeftOut),
            RemarkKind::HoursDiffer => is_over && outside_stay && has_none_of(RemarkKind::HoursDiffer),
            RemarkKind::Doubtful | RemarkKind::Restated => false,
        };
        self.before.remarks.iter().filter(stays).cloned()
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, tz::TimeZone};
    use shared::Session;

    use super::*;
    use crate::source::Ohlcv;

    type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

    const FIVE: Interval = Interval::FiveMinutes;

    /// A reply about New York's session: the bars that it lacks, by number; those after the close, and the doubtful ones.
    #[derive(Default, Clone, Copy)]
    struct Reply<'a> {
        holes: &'a [i64],
        after_close: &'a [i64],
        doubtful: &'a [i64],
        /// Whether the doubtful ones reach ten times the price; else they are those without volume.
        spikes: bool,
        price: f64,
    }

    const FULL: Reply = Reply { holes: &[], after_close: &[], doubtful: &[], spikes: false, price: 10.0 };

    fn day(reply: Reply) -> Outcome<SymbolDay> {
        let zone = TimeZone::get("America/New_York")?;
        let at = |n: &i64| -> Outcome<Timestamp> {
            Ok("2026-11-20T14:30:00Z".parse::<Timestamp>()? + SignedDuration::from_mins(5 * n))
        };
        let list = |numbers: &[i64]| numbers.iter().map(at).collect::<Outcome<Vec<_>>>();
        let price = Price::from_wire(reply.price).ok_or("a price")?;
        let spike = Price::from_wire(10.0 * reply.price).ok_or("a price")?;
        let doubtful = list(reply.doubtful)?;
        let is_spike = |start| reply.spikes && doubtful.contains(&start);
        let high = |start| if is_spike(start) { spike } else { price };
        let bar = |start| Ohlcv { start, open: price, high: high(start), low: price, close: price, volume: 1 };
        let numbers: Vec<_> = (0..78).filter(|n| !reply.holes.contains(n)).collect();
        let outside = list(reply.after_close)?;
        let starts: Vec<_> = list(&numbers)?.into_iter().chain(outside.clone()).collect();
        let expected = list(&(0..78).collect::<Vec<_>>())?.into_iter().chain(outside.clone()).collect();
        let (trade_date, pauses) = ("2026-11-20".parse()?, vec![]);
        let session = Session { trade_date, open: at(&0)?, close: at(&78)?, pauses, zone };
        let differ =
            Remark { kind: RemarkKind::HoursDiffer, bars: outside.len(), detail: "after the close".to_owned() };
        let remarks = doubtful::remark(&doubtful, &session).into_iter();
        let remarks = remarks.chain((!outside.is_empty()).then_some(differ)).collect();
        let bars = starts.into_iter().map(bar).collect();
        let currency = Some("USD".to_owned());
        let expected = Some(expected);
        Ok(SymbolDay {
            session,
            expected,
            bars,
            outside,
            doubtful,
            remarks,
            name: None,
            currency,
            previous_close: None,
            simulated: false,
        })
    }

    fn collected(reply: Reply, requested: usize) -> Outcome<CollectedSymbol> {
        let day = day(reply)?;
        let United { bars, expected, gaps, remarks } = united(None, &day, FIVE);
        let first_attempt = Some(Box::new(first_attempt(&day, requested)));
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
            (
                "a bar of another scale among those of the first",
                Reply { spikes: true, ..first(&[7], &[], &[9, 12]) },
                first(&[9], &[], &[]),
                "77 of 78, missing 10:15; restated 1: an earlier attempt's bars are of another scale or currency",
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
        for (requested, closes) in [(1, 12), (300, 8), (500, 5)] {
            let first = first_attempt(&day(FULL)?, requested);
            let starts: Vec<_> = first.closes.iter().map(|(at, _)| (at - first.session.0) / 300).collect();
            assert_eq!(starts.len(), closes, "{starts:?}");
            assert!(starts.iter().all(|start| (1..77).contains(start)), "{starts:?}");
        }
        Ok(())
    }
}
