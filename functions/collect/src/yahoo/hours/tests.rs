//! Tables of periods and rows, each with the bars and the remarks that they must give, and what holds for any of them.

use jiff::{SignedDuration, Timestamp, civil::Time, tz::TimeZone};
use proptest::prelude::*;
use shared::{Interval, Price, Session, TradeDate};

use super::{Row, SessionBars, bars_of};
use crate::source::Ohlcv;

const DATE: &str = "2026-11-20";

/// A session of 2026-11-20 from `09:30-16:00`, with pauses behind it: `09:30-16:00 12:00-13:00`.
fn session(zone: &str, hours: &str) -> Result<Session, jiff::Error> {
    let zone = TimeZone::get(zone)?;
    let date: TradeDate = DATE.parse().map_err(|_| jiff::Error::from_args(format_args!("the date")))?;
    let at = |text: &str| {
        let time: Time = text.parse()?;
        Ok::<_, jiff::Error>(date.date().to_datetime(time).to_zoned(zone.clone())?.timestamp())
    };
    let range = |text: &str| {
        let (from, to) = text.split_once('-').unwrap_or_default();
        let to = if to == "24:00" { date.midnights(&zone)?.1 } else { at(to)? };
        Ok::<_, jiff::Error>(at(from)?..to)
    };
    let mut hours = hours.split_whitespace().map(range);
    let whole = hours.next().transpose()?.unwrap_or_default();
    let pauses = hours.collect::<Result<_, _>>()?;
    Ok(Session { trade_date: date, open: whole.start, close: whole.end, pauses, zone })
}

/// Rows at `09:30`, or every five minutes from `09:30-16:00` up to, not including, its end. Behind an `=` is the volume; a
/// `?` in place of it is a row that lacks its prices and has volume, a `!` one that lacks some and has none; `~` is one
/// whose prices differ, without volume.
fn rows(session: &Session, text: &str, step: SignedDuration) -> Result<Vec<Row>, jiff::Error> {
    let midnight = session.trade_date.date().to_zoned(session.zone.clone())?;
    let mut rows = vec![];
    for part in text.split_whitespace() {
        let (times, volume) = part.split_once('=').unwrap_or((part, "10"));
        let at = |text: &str| -> Result<Timestamp, jiff::Error> {
            if text == "24:00" {
                return Ok(midnight.tomorrow()?.timestamp());
            }
            Ok(midnight.with().time(text.parse()?).build()?.timestamp())
        };
        let (from, to) = match times.split_once('-') {
            Some((from, to)) => (at(from)?, at(to)?),
            None => (at(times)?, at(times)? + SignedDuration::from_secs(1)),
        };
        let starts = std::iter::successors(Some(from), |at| Some(*at + step)).take_while(|at| *at < to);
        rows.extend(starts.map(|at| row(at, volume)));
    }
    Ok(rows)
}

fn row(at: Timestamp, volume: &str) -> Row {
    let price = |value| Price::from_wire(value);
    let (low, high) = if volume == "~" { (10.0, 11.0) } else { (10.0, 10.0) };
    let units = match volume {
        "?" => Some(5),
        "~" | "!" => Some(0),
        volume => volume.parse().ok(),
    };
    let prices = price(low).zip(price(high)).filter(|_| !["?", "!"].contains(&volume));
    let bar =
        prices.zip(units).map(|((low, high), volume)| Ohlcv { start: at, open: low, high, low, close: low, volume });
    Row { at, has_volume: units.is_some_and(|units| units > 0), has_price: volume != "?", bar }
}

/// `78 09:30-15:55, missing 1, 09:30-16:00`, and the remarks.
fn described(found: &SessionBars) -> String {
    let clock = |at: Timestamp| at.to_zoned(found.session.zone.clone()).strftime("%H:%M").to_string();
    let ends = found.bars.first().zip(found.bars.last());
    let ends = ends.map_or(String::new(), |(first, last)| format!(" {}-{}", clock(first.start), clock(last.start)));
    let present: std::collections::BTreeSet<_> = found.bars.iter().map(|bar| bar.start).collect();
    let missing = match &found.expected {
        Some(expected) if !expected.is_sorted_by(|one, next| one < next) => format!("{expected:?} out of order"),
        Some(expected) => expected.iter().filter(|at| !present.contains(at)).count().to_string(),
        None => "unknown".to_owned(),
    };
    let remarks: String =
        found.remarks.iter().map(|it| format!("; {} {}: {}", it.kind.label(), it.bars, it.detail)).collect();
    format!("{}{ends}, missing {missing}{remarks}", found.bars.len())
}

#[test]
fn rows_that_traded_are_believed_before_the_period() -> Result<(), Box<dyn std::error::Error>> {
    const NEW_YORK: &str = "America/New_York";
    const LONDON: &str = "Europe/London";
    const HONG_KONG: &str = "Asia/Hong_Kong";
    for (what, zone, hours, traded, expected) in [
        ("a usual day", NEW_YORK, "09:30-16:00", "09:30-16:00", "78 09:30-15:55, missing 0"),
        ("the known closing row", NEW_YORK, "09:30-16:00", "09:30-16:00 16:00=0", "78 09:30-15:55, missing 0"),
        (
            "pre- and post-market rows without volume",
            NEW_YORK,
            "09:30-16:00",
            "08:00-09:30=0 09:30-16:00 16:00-16:15=~",
            "78 09:30-15:55, missing 0; left out 3: rows that are no bars: 16:00, 16:05, 16:10",
        ),
        ("a thin share", NEW_YORK, "09:30-16:00", "10:00 15:00", "2 10:00-15:00, missing 76"),
        ("a closing auction", LONDON, "08:00-16:30", "08:00-16:30 16:30=500", "102 08:00-16:25, missing 0"),
        (
            "a closing auction and no last bar",
            LONDON,
            "08:00-16:30",
            "08:00-16:25 16:30=500",
            "102 08:00-16:25, missing 0",
        ),
        (
            "a closing auction a while after the close",
            LONDON,
            "08:00-16:30",
            "08:00-16:30 16:35=500",
            "103 08:00-16:35, missing 0; hours differ 1: traded outside of 08:00-16:30: 16:35",
        ),
        (
            "a period an hour too early",
            NEW_YORK,
            "08:30-15:00",
            "09:30-16:00",
            "78 09:30-15:55, missing 0; hours differ 12: rows traded 09:30-16:00, and the reply says 08:30-15:00",
        ),
        (
            "a period an hour too late, and a gap",
            NEW_YORK,
            "10:30-17:00",
            "09:30-12:00 12:05-16:00",
            "77 09:30-15:55, missing 1; hours differ 12: rows traded 09:30-16:00, and the reply says 10:30-17:00",
        ),
        (
            "a thin share that traded once after the close",
            NEW_YORK,
            "09:30-16:00",
            "10:40 16:20",
            "2 10:40-16:20, missing 77; hours differ 1: traded outside of 09:30-16:00: 16:20",
        ),
        (
            "an open off the grid",
            NEW_YORK,
            "09:37-16:00",
            "09:40-16:00",
            "76 09:40-15:55, missing 0; hours differ 76: bars start at 09:40, off the grid of 09:37-16:00",
        ),
        (
            "an open off the grid, inside a bar",
            NEW_YORK,
            "09:37-16:00",
            "09:35-16:00",
            "77 09:35-15:55, missing 0; hours differ 77: bars start at 09:35, off the grid of 09:37-16:00",
        ),
        (
            "an open off the grid, inside a bar without volume",
            "Asia/Jerusalem",
            "09:59-17:14",
            "09:50=~ 09:55=~ 10:00-17:15",
            "88 09:55-17:10, missing 0; hours differ 88: bars start at 09:55, off the grid of 09:59-17:14; left out 1: rows that are no bars: 09:50",
        ),
        (
            "a moving row without volume outside of a period that is an hour off",
            NEW_YORK,
            "10:30-17:00",
            "09:30=~ 10:30-16:00",
            "66 10:30-15:55, missing 12; left out 1: rows that are no bars: 09:30",
        ),
        (
            "an index of which one row has volume, an hour off",
            NEW_YORK,
            "10:30-17:00",
            "09:30-12:00=~ 12:00=5 12:05-16:00=~",
            "78 09:30-15:55, missing 0; hours differ 12: rows traded 09:30-16:00, and the reply says 10:30-17:00",
        ),
        (
            "a closing auction, and a row behind it that is no bar",
            "Asia/Tokyo",
            "09:00-15:00 11:30-12:30",
            "09:00-11:30 12:30-15:00 15:00=900 15:00:02=5",
            "60 09:00-14:55, missing 0; left out 1: rows that are no bars: 15:00:02",
        ),
        (
            "an hour late, and an auction a while after the close",
            "Europe/Paris",
            "08:00-16:30",
            "09:00-17:30 17:35=500",
            "103 09:00-17:35, missing 0; hours differ 13: rows traded 09:00-17:30, and the reply says 08:00-16:30; traded outside of 09:00-17:30: 17:35",
        ),
        (
            "an hour off, and the latest price behind the true close",
            NEW_YORK,
            "10:30-17:00",
            "09:30-16:00 16:00:02=0",
            "78 09:30-15:55, missing 0; hours differ 12: rows traded 09:30-16:00, and the reply says 10:30-17:00",
        ),
        (
            "rows off the grid",
            NEW_YORK,
            "09:30-16:00",
            "09:30-16:00 10:01=3 15:59:30=4",
            "78 09:30-15:55, missing 0; left out 2: rows that are no bars: 10:01, 15:59:30",
        ),
        ("the live row, off the grid", NEW_YORK, "09:30-16:00", "09:30-16:00 15:57=0", "78 09:30-15:55, missing 0"),
        (
            "a row that lacks a price is a gap, and off the grid it is left out",
            NEW_YORK,
            "09:30-16:00",
            "09:30-15:00 15:00=? 15:01=? 15:05-16:00",
            "77 09:30-15:55, missing 1; left out 1: rows that are no bars: 15:01",
        ),
        (
            "a second row for a bar",
            NEW_YORK,
            "09:30-16:00",
            "09:30-16:00 10:00=7 10:05=10",
            "78 09:30-15:55, missing 0; left out 1: rows that are no bars: 10:00",
        ),
        ("an index", NEW_YORK, "09:30-16:00", "09:30-16:00=~ 16:00=0", "78 09:30-15:55, missing 0"),
        (
            "an index, a period an hour too late",
            NEW_YORK,
            "10:30-17:00",
            "09:30-16:00=~",
            "78 09:30-15:55, missing 0; hours differ 12: rows traded 09:30-16:00, and the reply says 10:30-17:00",
        ),
        ("a coin", "UTC", "00:00-24:00", "00:00-24:00", "288 00:00-23:55, missing unknown"),
        ("currencies on a Friday", LONDON, "00:00-24:00", "00:00-22:00=~", "264 00:00-21:55, missing unknown"),
        (
            "currencies on a Friday, and the latest price behind them",
            LONDON,
            "00:00-24:00",
            "00:00-22:00=~ 22:00=0",
            "264 00:00-21:55, missing unknown",
        ),
        (
            "a coin whose last bar has no volume and moved",
            "UTC",
            "00:00-24:00",
            "00:00-23:55 23:55=~",
            "288 00:00-23:55, missing unknown",
        ),
        (
            "a coin's row that lacks its prices and has volume",
            "UTC",
            "00:00-24:00",
            "00:00-12:00 12:00=? 12:05-24:00",
            "287 00:00-23:55, missing unknown; left out 1: rows that are no bars: 12:00",
        ),
        (
            "currencies, of which a row lacks some prices",
            LONDON,
            "00:00-24:00",
            "00:00-12:00=~ 12:00=! 12:05-24:00=~",
            "287 00:00-23:55, missing unknown; left out 1: rows that are no bars: 12:00",
        ),
        (
            "an index, of which a row lacks some prices",
            NEW_YORK,
            "09:30-16:00",
            "09:30-12:00=~ 12:00=! 12:05-16:00=~",
            "77 09:30-15:55, missing 1",
        ),
        (
            "a share's row without volume that lacks some prices",
            NEW_YORK,
            "09:30-16:00",
            "09:30-16:00 16:05=!",
            "78 09:30-15:55, missing 0",
        ),
        (
            "a grid that one row is off, of a share that hardly trades",
            NEW_YORK,
            "09:30-16:00",
            "09:30-10:00=~ 11:02=5",
            "6 09:30-09:55, missing 72; left out 1: rows that are no bars: 11:02",
        ),
        (
            "an open off the grid, of a share that hardly trades",
            NEW_YORK,
            "09:37-16:00",
            "09:40 11:00",
            "2 09:40-11:00, missing 74; hours differ 2: bars start at 09:40, off the grid of 09:37-16:00",
        ),
        (
            "two rows at the close",
            LONDON,
            "08:00-16:30",
            "08:00-16:30 16:30=500 16:30=7",
            "102 08:00-16:25, missing 0; left out 1: rows that are no bars: 16:30",
        ),
        (
            "the closing auction twice",
            LONDON,
            "08:00-16:30",
            "08:00-16:30 16:30=500 16:30=500 16:30=0",
            "102 08:00-16:25, missing 0",
        ),
        (
            "rows without volume and without prices in front of one that traded",
            NEW_YORK,
            "09:30-16:00",
            "10:00=0 10:05=? 09:30-16:00",
            "78 09:30-15:55, missing 0; left out 1: rows that are no bars: 10:05",
        ),
        (
            "a minute short, and a row then that is off the grid: the auction of the period",
            NEW_YORK,
            "09:30-15:59",
            "09:30-16:00 15:59=7",
            "78 09:30-15:55, missing 0",
        ),
        (
            "a minute short, and a closing auction",
            NEW_YORK,
            "09:30-15:59",
            "09:30-16:00 16:00=500",
            "78 09:30-15:55, missing 0; hours differ 0: rows traded 09:30-16:00, and the reply says 09:30-15:59",
        ),
        (
            "an hour of gaps, and rows after the close",
            NEW_YORK,
            "09:30-16:00",
            "10:30-16:00 16:30 16:35 16:40",
            "69 10:30-16:40, missing 12; hours differ 3: traded outside of 09:30-16:00: 16:30, 16:35, 16:40",
        ),
        (
            "an hour later, and bars without volume in the hour that would be lost",
            NEW_YORK,
            "09:30-16:00",
            "09:30-10:30=~ 10:30-17:00",
            "90 09:30-16:55, missing 0; hours differ 12: traded outside of 09:30-16:00: 16:00, 16:05, 16:10, 16:15, 16:20 and 7 more",
        ),
        ("a lunch break", HONG_KONG, "09:30-16:00 12:00-13:00", "09:30-12:00 13:00-16:00", "66 09:30-15:55, missing 0"),
        (
            "no lunch break that day",
            HONG_KONG,
            "09:30-16:00 12:00-13:00",
            "09:30-12:10 13:00-16:00",
            "68 09:30-15:55, missing 0; hours differ 2: traded outside of 09:30-12:00 and 13:00-16:00: 12:00, 12:05",
        ),
    ] {
        let session = session(zone, hours)?;
        let rows = rows(&session, traded, Interval::FiveMinutes.duration())?;
        assert_eq!(described(&bars_of(session, &rows, Interval::FiveMinutes, None)), expected, "{what}");
    }
    Ok(())
}

#[test]
fn bars_of_other_lengths_have_grids_of_their_own() -> Result<(), Box<dyn std::error::Error>> {
    for (what, zone, hours, interval, traded, expected) in [
        (
            "hours in New York",
            "America/New_York",
            "09:30-16:00",
            "1h",
            "09:30-16:00 16:00=0",
            "7 09:30-15:30, missing 0",
        ),
        (
            "an auction behind half an hour",
            "America/New_York",
            "09:30-16:00",
            "1h",
            "09:30-16:00 16:00=9",
            "7 09:30-15:30, missing 0",
        ),
        ("hours in Mumbai", "Asia/Kolkata", "09:15-15:30", "1h", "09:15-15:30", "7 09:15-15:15, missing 0"),
        (
            "hours that begin anew after lunch",
            "Asia/Hong_Kong",
            "09:30-16:00 12:00-13:00",
            "1h",
            "09:30-12:00 13:00-16:00",
            "6 09:30-15:00, missing 0; hours differ 3: bars start at 13:00, off the grid of 09:30-12:00 and 13:00-16:00",
        ),
        (
            "hours that go on through lunch",
            "Asia/Tokyo",
            "09:00-15:30 11:30-12:30",
            "1h",
            "09:00-11:30 12:00-15:30",
            "7 09:00-15:00, missing 0",
        ),
        (
            "a pause that is shorter than a bar",
            "America/New_York",
            "09:30-16:00 11:00-11:15",
            "1h",
            "09:30-16:00",
            "7 09:30-15:30, missing 0",
        ),
        (
            "hours with one row after the close",
            "America/New_York",
            "09:30-16:00",
            "1h",
            "10:30-16:00 16:30=5",
            "7 10:30-16:30, missing 1; hours differ 1: traded outside of 09:30-16:00: 16:30",
        ),
        (
            "hours with one row after the close, and few before",
            "America/New_York",
            "09:30-16:00",
            "1h",
            "09:30-12:30=~ 12:30=5 16:30=5",
            "5 09:30-16:30, missing 3; hours differ 1: traded outside of 09:30-16:00: 16:30",
        ),
        (
            "half hours with one row after the close",
            "America/New_York",
            "09:30-16:00",
            "30m",
            "10:30-16:00 16:30=5",
            "12 10:30-16:30, missing 2; hours differ 1: traded outside of 09:30-16:00: 16:30",
        ),
        (
            "quarters of an hour with two rows after the close",
            "Europe/London",
            "08:00-16:30",
            "15m",
            "09:00=1 12:00=1 16:30=5 16:45=5",
            "4 09:00-16:45, missing 32; hours differ 2: traded outside of 08:00-16:30: 16:30, 16:45",
        ),
        (
            "quarters of an hour, a period an hour too early",
            "Europe/London",
            "07:00-15:30",
            "15m",
            "08:00-16:30 16:30=500",
            "34 08:00-16:15, missing 0; hours differ 4: rows traded 08:00-16:30, and the reply says 07:00-15:30",
        ),
        (
            "hours of a session that opens off them",
            "America/New_York",
            "09:37-16:00",
            "1h",
            "09:00=~ 10:00-16:00",
            "7 09:00-15:00, missing 0; hours differ 7: bars start at 09:00, off the grid of 09:37-16:00",
        ),
        ("the last minute of a coin", "UTC", "00:00-24:00", "1m", "23:00-24:00", "60 23:00-23:59, missing unknown"),
        (
            "a minute short",
            "America/New_York",
            "09:30-15:59",
            "1m",
            "09:30-16:00",
            "390 09:30-15:59, missing 0; hours differ 1: rows traded 09:30-16:00, and the reply says 09:30-15:59",
        ),
    ] {
        let (session, interval) = (session(zone, hours)?, interval.parse::<Interval>()?);
        let rows = rows(&session, traded, interval.duration())?;
        assert_eq!(described(&bars_of(session, &rows, interval, None)), expected, "{what}");
    }
    Ok(())
}

#[test]
fn an_auction_belongs_to_the_last_bar() -> Result<(), Box<dyn std::error::Error>> {
    let session = session("America/New_York", "09:30-16:00")?;
    let price = |value| Price::from_wire(value).ok_or("a price");
    let mut rows = rows(&session, "09:30-16:00 16:00=500", Interval::FiveMinutes.duration())?;
    if let Some(Row { bar: Some(auction), .. }) = rows.last_mut() {
        (auction.open, auction.high, auction.low, auction.close) =
            (price(12.5)?, price(12.5)?, price(12.5)?, price(12.5)?);
    }
    let last = bars_of(session.clone(), &rows, Interval::FiveMinutes, None).bars.pop().ok_or("no bars")?;
    let ten = price(10.0)?;
    let start = session.close - Interval::FiveMinutes.duration();
    assert_eq!(last, Ohlcv { start, open: ten, high: price(12.5)?, low: ten, close: price(12.5)?, volume: 510 });
    Ok(())
}

#[test]
fn what_trades_on_after_the_close_is_not_over() -> Result<(), Box<dyn std::error::Error>> {
    let over_at = |hours: &str, text: &str| -> Result<String, Box<dyn std::error::Error>> {
        let session = session("America/New_York", hours)?;
        let rows = rows(&session, text, Interval::FiveMinutes.duration())?;
        let found = bars_of(session.clone(), &rows, Interval::FiveMinutes, None);
        Ok(found.over_at.to_zoned(session.zone.clone()).strftime("%H:%M").to_string())
    };
    assert_eq!(over_at("09:30-16:00", "09:30-16:00 16:00=9")?, "16:00");
    assert_eq!(over_at("09:30-16:00", "09:30-16:00 16:00 16:05")?, "17:10");
    // Moved by an hour, in a session that may still go on.
    assert_eq!(over_at("09:30-13:00", "10:35-14:00")?, "15:00");
    assert_eq!(over_at("10:30-17:00", "09:30-16:00")?, "17:00");
    Ok(())
}

proptest! {
    /// Every row with volume between the day's first and last traded row is in a bar, is an expected bar that is missing, or
    /// is remarked on; and what is neither traded nor on the grid of the period is in no bar.
    #[test]
    fn nothing_that_traded_is_dropped_in_silence(
        (open, minutes) in prop_oneof![4 => (0_i64..12 * 60, 1_i64..12 * 60), 1 => Just((0, 24 * 60))],
        times in prop::collection::vec((0_i64..24 * 60 * 6, 0_u8..5), 0..60),
        interval in prop::sample::select(Interval::ALL.to_vec()),
    ) {
        let hours = |minutes: i64| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        let session = session("America/New_York", &format!("{}-{}", hours(open), hours(open + minutes)));
        let session = session.map_err(|error| TestCaseError::fail(error.to_string()))?;
        let midnight = session.open - SignedDuration::from_mins(open);
        // Most rows lie on minutes, some ten seconds off.
        let at = |n: i64| midnight + SignedDuration::from_secs(if n % 7 == 0 { n * 10 } else { n / 6 * 60 });
        let rows: Vec<_> = times.iter().map(|(n, kind)| row(at(*n), ["0", "~", "10", "?", "!"][usize::from(*kind)])).collect();
        let found = bars_of(session, &rows, interval, None);

        let sum: u64 = found.bars.iter().map(|bar| bar.volume).sum();
        let starts: std::collections::BTreeSet<_> = found.bars.iter().map(|bar| bar.start).collect();
        prop_assert_eq!(starts.len(), found.bars.len());
        prop_assert_eq!(found.expected.is_none(), minutes == 24 * 60);
        let with_volume: Vec<_> = rows.iter().filter(|row| row.has_volume).collect();
        let complete: u64 = with_volume.iter().filter_map(|row| row.bar).map(|bar| bar.volume).sum();
        let left_out: usize = found.remarks.iter().filter(|it| it.kind == shared::payload::RemarkKind::LeftOut).map(|it| it.bars).sum();
        // Volume that is missing from the bars is that of rows that were remarked on, or a repetition of a bar.
        let repeated = rows.len() - rows.iter().map(|row| (row.at, row.bar.map(|bar| bar.volume))).collect::<std::collections::BTreeSet<_>>().len();
        prop_assert!(complete - sum <= 10 * (left_out + repeated) as u64, "{:?}", found);
        let is_gap = |row: &&&Row| found.expected.as_ref().is_some_and(|expected| expected.contains(&row.at));
        let without_bar = || with_volume.iter().filter(|row| row.bar.is_none());
        let gaps = without_bar().filter(|row| is_gap(row) && !starts.contains(&row.at)).count();
        prop_assert!(without_bar().count() <= gaps + left_out, "{:?}", found);
    }
}
