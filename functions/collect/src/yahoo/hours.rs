//! Decides between the trading period that a reply names and the rows that traded.
//!
//! Yahoo's periods are wrong at times: a minute short, an hour off where a country changed its summer time, off the grid of
//! the bars. The rules, in this order:
//!
//! 1. A row *traded* where it has volume. In a reply of which less than a tenth of the rows have any (indices, currencies) it
//!    traded where its prices differ, too.
//! 2. A period that ends a minute before a full five, such as 15:59, and has a traded row of the grid then or a minute later,
//!    is a minute short. One that all traded rows but two fit once it is moved by an hour, and do not fit as it is, is moved:
//!    where at least three bars, and half of those of the hour that it gains, have traded, half of the moved period's have,
//!    and the hour that it loses has no bar. Bars of half an hour and longer are too few to show it.
//! 3. The grid of the bars begins at the open, and anew after a pause where most rows behind it say so. Where the open is off
//!    the full five minutes the bars may keep to the clock, and one that holds the open begins before it: it is kept, and
//!    not missing where it is not there. Any other grid needs three rows, and most.
//! 4. A traded row at the very close, with none of the grid behind it, is the closing auction. It is joined with the last bar.
//! 5. Any other traded row on the grid is a bar, outside of the period and in its pauses, too, where none is expected.
//! 6. A last row without volume and with one price is the latest price, which Yahoo appends. In a period of a whole day, and in
//!    one that goes on, it may lie on the grid, and is left out.
//! 7. What is left with volume, or with prices that differ (where a row may trade without volume, with any price), is no bar:
//!    it lies off the grid or outside of the period, lacks a price, or comes a second time. It is left out.
//!
//! All of it but the closing auction is remarked on, unless what is left out is listed as a gap.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use shared::{
    Interval, Session,
    payload::{Remark, RemarkKind},
};

use crate::{
    local_times::{clock, listed_times},
    source::Ohlcv,
};

/// A row of a reply.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// When it starts.
    pub at: Timestamp,
    /// Whether its volume is above zero, be it a possible one or not.
    pub has_volume: bool,
    /// Whether any price is there, be it a possible one or not.
    pub has_price: bool,
    /// Its values, where none is missing or impossible.
    pub bar: Option<Ohlcv>,
}

/// The bars of a session, and what was found out about its hours.
#[derive(Debug)]
pub struct SessionBars {
    /// The session; moved where the rows say so.
    pub session: Session,
    /// The starts of the bars of a day without gaps, oldest first. Without them nobody knows: the period is the whole day.
    pub expected: Option<Vec<Timestamp>>,
    /// The bars, oldest first.
    pub bars: Vec<Ohlcv>,
    /// The starts of those outside of the session, and in its pauses.
    pub outside: Vec<Timestamp>,
    /// When the session was over: later than its close where rows went on trading.
    pub over_at: Timestamp,
    /// Where rows and period disagreed, and which rows were left out.
    pub remarks: Vec<Remark>,
}

/// For how long rows that trade after the close are taken to go on.
const TRADING_ON: SignedDuration = SignedDuration::from_hours(1);

/// The fewest rows that show another period, or a grid that nothing else explains.
const EVIDENCE: usize = 3;

/// Decides which of the `rows` of a day, in any order, are bars of `session`; of a session that goes on only those that had
/// closed at an instant.
pub fn bars_of(listed: Session, rows: &[Row], interval: Interval, until: Option<Timestamp>) -> SessionBars {
    let mut rows = Rows::of(&listed, rows);
    if (listed.is_whole_day() || until.is_some()) && rows.latest_price().is_some() {
        rows.all.pop();
    }
    if let Some(until) = until {
        rows.all.retain(|row| closes_at(row.at, &listed, interval) <= until);
    }
    let session = corrected(&listed, &rows, interval);
    let grid = Grid::of(&session, &rows, interval);
    let auction = (!session.is_whole_day()).then(|| rows.auction(&session, &grid)).flatten();
    let mut expected = grid.starts();
    let auction_into = auction.and_then(|_| expected.last().copied());

    let (mut bars, mut outside, mut left_out): (Vec<Ohlcv>, _, _) = (vec![], vec![], vec![]);
    for row in &rows.all {
        let is_expected = grid.contains(row.at);
        let joined = auction.as_ref().filter(|_| auction_into.is_some());
        let known = bars.last().into_iter().chain(joined).find(|bar| bar.start == row.at);
        match (row.bar, known) {
            (Some(bar), Some(known)) if bar == *known => {}
            (Some(bar), None) if is_expected => bars.push(bar),
            (Some(bar), None) if grid.holds_open(row.at) && !is_flat(&bar) => {
                expect(&mut expected, row.at);
                bars.push(bar);
            }
            (Some(bar), None) if grid.is_on(row.at) && rows.has_traded(&bar) => {
                expect(&mut expected, row.at);
                outside.push(row.at);
                bars.push(bar);
            }
            (Some(bar), _) if !is_flat(&bar) => left_out.push(row.at),
            (None, known) if rows.is_refused(row) => {
                let is_gap = is_expected && known.is_none() && !session.is_whole_day();
                left_out.extend((!is_gap).then_some(row.at));
            }
            _ => {}
        }
    }
    if let (Some(auction), Some(last)) = (auction, auction_into) {
        match bars.binary_search_by_key(&last, |bar| bar.start) {
            Ok(at) => bars[at] = bars[at].joined(&auction),
            Err(at) => bars.insert(at, Ohlcv { start: last, ..auction }),
        }
    }

    // A period that is an hour off says no longer when the day is over.
    let is_moved = session.open != listed.open;
    let close = if is_moved { listed.close } else { session.close };
    let trades_on =
        bars.last().map(|bar| bar.start).filter(|at| *at >= close).map(|at| at + interval.duration() + TRADING_ON);
    let over_at = session.close.max(trades_on.unwrap_or(close)).max(close);
    let misfits = bars.iter().filter(|bar| !listed.contains(bar.start, interval)).count();
    let differ = hours_differ((&listed, &session), &grid, &bars, &outside, misfits);
    let remarks = [differ, remark_left_out(&session, &left_out)];
    SessionBars {
        expected: (!session.is_whole_day()).then_some(expected),
        bars,
        outside,
        over_at,
        remarks: remarks.into_iter().flatten().collect(),
        session,
    }
}

/// Adds a start to those that are expected, in its place.
fn expect(expected: &mut Vec<Timestamp>, start: Timestamp) {
    if let Err(at) = expected.binary_search(&start) {
        expected.insert(at, start);
    }
}

/// The rows of a session's date, and those inside the session.
#[derive(Debug)]
struct Rows {
    /// Oldest first; of one start those that traded come first, and what is no bar last.
    all: Vec<Row>,
    /// Whether what trades has volume.
    have_volume: bool,
}

impl Rows {
    fn of(session: &Session, rows: &[Row]) -> Self {
        let date = |at: Timestamp| at.to_zoned(session.zone.clone()).date();
        let is_inside = |at: Timestamp| session.open <= at && at < session.close;
        let mut all: Vec<_> = rows.to_vec();
        all.retain(|row| is_inside(row.at) || date(row.at) == session.trade_date.date());
        let with_volume = all.iter().filter(|row| row.has_volume).count();
        let have_volume = 10 * with_volume >= all.iter().filter(|row| row.bar.is_some()).count().max(1);
        let mut rows = Self { all: vec![], have_volume };
        all.sort_by_key(|row| (row.at, row.bar.map_or(2, |bar| u8::from(!rows.has_traded(&bar)))));
        rows.all = all;
        rows
    }

    fn has_traded(&self, bar: &Ohlcv) -> bool {
        bar.volume > 0 || !self.have_volume && bar.low < bar.high
    }

    fn traded(&self) -> impl Iterator<Item = Ohlcv> {
        self.all.iter().filter_map(|row| row.bar).filter(|bar| self.has_traded(bar))
    }

    /// Whether the row says that something traded, and has no usable prices.
    fn is_refused(&self, row: &Row) -> bool {
        row.bar.is_none() && (row.has_volume || !self.have_volume && row.has_price)
    }

    /// The closing auction.
    fn auction(&self, session: &Session, grid: &Grid) -> Option<Ohlcv> {
        let has_ended = !self.traded().any(|bar| bar.start > session.close && grid.is_on(bar.start));
        self.traded().find(|bar| has_ended && bar.start == session.close)
    }

    /// The row with the latest price, which Yahoo appends.
    fn latest_price(&self) -> Option<Timestamp> {
        self.all.last().filter(|row| row.bar.as_ref().is_some_and(is_flat)).map(|row| row.at)
    }

    /// The starts of the rows that traded, oldest first, each once.
    fn starts(&self) -> Vec<Timestamp> {
        let mut starts: Vec<_> = self.traded().map(|bar| bar.start).collect();
        starts.dedup();
        starts
    }
}

/// When the bar that starts at `at` closes. The session's end cuts the last one short, and the closing auction is at that instant.
fn closes_at(at: Timestamp, session: &Session, interval: Interval) -> Timestamp {
    let end = at + interval.duration();
    if at <= session.close { end.min(session.close) } else { end }
}

/// Whether nothing shows that the bar traded: it has no volume, and one price.
fn is_flat(bar: &Ohlcv) -> bool {
    bar.volume == 0 && bar.low == bar.high
}

/// The session, a minute longer or moved by an hour where the rows say so.
fn corrected(listed: &Session, rows: &Rows, interval: Interval) -> Session {
    let starts = rows.starts();
    let a_minute_later = listed.close + SignedDuration::from_mins(1);
    let is_on_grid = listed.open.duration_until(listed.close).as_secs() % interval.duration().as_secs() == 0;
    let has = |at: &Timestamp| starts.binary_search(at).is_ok();
    let ends_short = is_on_grid && has(&listed.close) || has(&a_minute_later);
    if listed.local_close().minute() % 5 == 4 && ends_short {
        return Session { close: a_minute_later, ..listed.clone() };
    }
    let misfits = |session: &Session| starts.iter().filter(|at| **at < session.open || **at > session.close).count();
    if listed.is_whole_day() || misfits(listed) == 0 {
        return listed.clone();
    }
    let hour = SignedDuration::from_hours(1);
    let moved = [hour, -hour].map(|by| Session {
        open: listed.open + by,
        close: listed.close + by,
        pauses: listed.pauses.iter().map(|pause| pause.start + by..pause.end + by).collect(),
        ..listed.clone()
    });
    let half_an_hours = usize::try_from(hour.as_secs() / interval.duration().as_secs() / 2).unwrap_or_default();
    let is_shown = |session: &Session| {
        let gained = starts.iter().filter(|at| **at < listed.open || **at >= listed.close).count();
        let within = starts.iter().filter(|at| session.open <= **at && **at < session.close).count();
        // The row at the close may be there without volume.
        let is_lost = |at: Timestamp| listed.open <= at && at < session.open || session.close < at && at < listed.close;
        gained >= EVIDENCE.max(half_an_hours)
            && 2 * within >= session.expected_bars(interval)
            && misfits(session) < EVIDENCE
            && !rows.all.iter().any(|row| row.bar.is_some() && is_lost(row.at) && rows.latest_price() != Some(row.at))
    };
    moved.into_iter().find(is_shown).unwrap_or_else(|| listed.clone())
}

/// In seconds.
const FIVE_MINUTES: i64 = 300;

/// The starts that bars of a session may have.
#[derive(Debug)]
struct Grid {
    /// The stretches of the session between its pauses, each with the first start of its grid.
    stretches: Vec<Stretch>,
    step: SignedDuration,
}

#[derive(Debug)]
struct Stretch {
    /// The first start of a bar.
    first: Timestamp,
    /// No bar starts here or later.
    end: Timestamp,
    /// Whether the rows have another grid than the one that begins at the open.
    is_of_rows: bool,
    /// Whether that is the clock's.
    keeps_to_clock: bool,
}

impl Grid {
    fn of(session: &Session, rows: &Rows, interval: Interval) -> Self {
        let step = interval.duration();
        let opens = [session.open].into_iter().chain(session.pauses.iter().map(|pause| pause.end));
        let ends = session.pauses.iter().map(|pause| pause.start).chain([session.close]);
        let stretch = |(open, end): (Timestamp, Timestamp)| {
            let by_period = session.starts(interval).find(|start| *start + step > open).unwrap_or(open);
            let phase = |at: Timestamp| by_period.duration_until(at).as_secs().rem_euclid(step.as_secs());
            let mut phases: BTreeMap<i64, usize> = BTreeMap::new();
            for at in rows.all.iter().filter(|row| row.bar.is_some()).map(|row| row.at) {
                if open <= at && at < end {
                    *phases.entry(phase(at)).or_default() += 1;
                }
            }
            let agreeing = phases.get(&0).copied().unwrap_or_default();
            let clock = (open.as_second() % FIVE_MINUTES != 0).then(|| phase(Timestamp::UNIX_EPOCH));
            let is_explained = |its: i64| its == phase(open) || Some(its) == clock;
            phases.retain(|its, rows| *rows > agreeing && (*rows >= EVIDENCE || is_explained(*its)));
            match phases.into_iter().max_by_key(|(_, rows)| *rows) {
                Some((its, _)) => {
                    let first = by_period + SignedDuration::from_secs(its);
                    let first = if first - step >= open { first - step } else { first };
                    Stretch { first, end, is_of_rows: true, keeps_to_clock: Some(its) == clock }
                }
                None => Stretch { first: by_period, end, is_of_rows: false, keeps_to_clock: false },
            }
        };
        Self { stretches: opens.zip(ends).map(stretch).collect(), step }
    }

    /// The starts of all bars, oldest first. Two stretches share some where a pause is shorter than a bar.
    fn starts(&self) -> Vec<Timestamp> {
        let starts = |stretch: &Stretch| {
            let (step, end) = (self.step, stretch.end);
            let grid = std::iter::successors(Some(stretch.first), move |at| at.checked_add(step).ok());
            grid.take_while(move |at| *at < end)
        };
        let mut starts: Vec<_> = self.stretches.iter().flat_map(starts).collect();
        starts.sort_unstable();
        starts.dedup();
        starts
    }

    fn contains(&self, at: Timestamp) -> bool {
        self.is_on(at) && self.stretches.iter().any(|stretch| stretch.first <= at && at < stretch.end)
    }

    /// Whether the bar of the clock's grid starts at `at` in which the session opens.
    fn holds_open(&self, at: Timestamp) -> bool {
        self.stretches.first().is_some_and(|stretch| stretch.keeps_to_clock && at == stretch.first - self.step)
    }

    /// Whether a bar may start at `at`, inside the session or outside of it: on the grid of the stretch before it, or of
    /// the first one.
    fn is_on(&self, at: Timestamp) -> bool {
        let stretch = self.stretches.iter().rfind(|stretch| stretch.first <= at).or(self.stretches.first());
        stretch.is_some_and(|it| it.first.duration_until(at).as_secs() % self.step.as_secs() == 0)
    }
}

/// How rows and period disagreed, in one line, and how many bars do not fit the period.
fn hours_differ(
    (listed, session): (&Session, &Session),
    grid: &Grid,
    bars: &[Ohlcv],
    outside: &[Timestamp],
    misfits: usize,
) -> Option<Remark> {
    let clock = |at| clock(at, &session.zone);
    let hours = |session: &Session| {
        let opens = [session.open].into_iter().chain(session.pauses.iter().map(|pause| pause.end));
        let ends = session.pauses.iter().map(|pause| pause.start).chain([session.close]);
        let stretches = opens.zip(ends).map(|(from, to)| format!("{}-{}", clock(from), clock(to)));
        stretches.collect::<Vec<_>>().join(" and ")
    };
    let mut differences = vec![];
    if hours(listed) != hours(session) {
        differences.push(format!("rows traded {}, and the reply says {}", hours(session), hours(listed)));
    }
    for stretch in grid.stretches.iter().filter(|stretch| stretch.is_of_rows) {
        let mut starts = bars.iter().map(|bar| bar.start);
        let first = starts.find(|at| *at >= stretch.first - grid.step).unwrap_or(stretch.first);
        differences.push(format!("bars start at {}, off the grid of {}", clock(first), hours(session)));
    }
    if !outside.is_empty() {
        differences.push(format!("traded outside of {}: {}", hours(session), listed_times(outside, session)));
    }
    let detail = differences.join("; ");
    (!differences.is_empty()).then_some(Remark { kind: RemarkKind::HoursDiffer, bars: misfits, detail })
}

fn remark_left_out(session: &Session, rows: &[Timestamp]) -> Option<Remark> {
    let detail = format!("rows that are no bars: {}", listed_times(rows, session));
    (!rows.is_empty()).then_some(Remark { kind: RemarkKind::LeftOut, bars: rows.len(), detail })
}

#[cfg(test)]
mod tests;
