//! What the rows of a session mean.

use jiff::Timestamp;
use proptest::prelude::*;
use shared::{Interval, Session, payload::LiveWindow, trading_calendar::NEW_YORK};

use super::*;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// The half day after Thanksgiving: 09:30 to 13:00 in New York.
fn half_day() -> Outcome<Session> {
    let (open, close) = ("2026-11-27T14:30:00Z".parse()?, "2026-11-27T18:00:00Z".parse()?);
    Ok(Session { trade_date: "2026-11-27".parse()?, open, close, pauses: vec![], zone: NEW_YORK.zone.clone() })
}

fn rows(json: &str) -> Outcome<Vec<wire::Bar>> {
    Ok(serde_json::from_str(json)?)
}

fn whole(interval: Interval) -> Outcome<Day> {
    let scope = Scope::Whole { now: Timestamp::MAX };
    Ok(Day { trade_date: "2026-11-27".parse()?, interval, scope })
}

/// Time, open, high, low, close and volume of each bar.
fn table(day: &SymbolDay) -> Vec<String> {
    let values = |bar: &Ohlcv| [bar.open, bar.high, bar.low, bar.close].map(|price| price.get().to_string()).join(" ");
    day.bars.iter().map(|bar| format!("{} {} {}", day.local_time(bar.start), values(bar), bar.volume)).collect()
}

#[test]
fn only_whole_rows_of_the_session_are_bars() -> Outcome {
    const GOOD: &str = r#"{"t":"2026-11-27T14:30:00Z","o":37,"h":38.29,"l":36.935,"c":37.71,"v":12,"n":3,"vw":37.5}"#;
    for (what, row, expected) in [
        ("as it is", GOOD.to_owned(), None),
        (
            "in another order",
            r#"{"c":37.71,"h":38.29,"l":36.935,"n":3,"o":37,"t":"2026-11-27T14:30:00Z","v":12,"vw":1}"#.to_owned(),
            None,
        ),
        ("with nanoseconds", GOOD.replace("00Z", "00.000000000Z"), None),
        ("of the closing auction", GOOD.replace("14:30", "18:00"), Some(Reason::NoTrades)),
        ("before the open", GOOD.replace("14:30", "14:25"), Some(Reason::NoTrades)),
        ("off the grid", GOOD.replace("14:30:00", "14:30:01"), Some(Reason::NoTrades)),
        ("without a time", GOOD.replace(r#""t":"2026-11-27T14:30:00Z","#, ""), Some(Reason::NoTrades)),
        ("with a time that is none", GOOD.replace("2026-11-27T14:30:00Z", "soon"), Some(Reason::NoTrades)),
        ("without a price", GOOD.replace("37.71", "null"), Some(Reason::Malformed)),
        ("without volume", GOOD.replace(r#""v":12,"#, ""), Some(Reason::Malformed)),
        ("opened above its highest price", GOOD.replace(r#""o":37"#, r#""o":39"#), Some(Reason::Malformed)),
        ("with a price of nothing", GOOD.replace("36.935", "0"), Some(Reason::Malformed)),
    ] {
        let day = day(&half_day()?, &rows(&format!("[{row}]"))?, whole(Interval::FiveMinutes)?, false);
        let found = day.as_ref().map(table).map_err(|failure| failure.reason);
        let bar = vec!["09:30:00 37 38.29 36.935 37.71 12".to_owned()];
        assert_eq!(found, expected.map_or(Ok(bar), Err), "{what}");
    }
    Ok(())
}

#[test]
fn an_hour_is_joined_from_its_halves_and_the_last_one_is_a_half() -> Outcome {
    let row = |at: &str, [o, h, l, c, v]: [u32; 5]| {
        format!(r#"{{"t":"2026-11-27T{at}:00Z","o":{o},"h":{h},"l":{l},"c":{c},"v":{v}}}"#)
    };
    let halves = [
        row("15:00", [12, 15, 11, 14, 5]), // the order does not matter
        row("14:30", [10, 13, 9, 12, 7]),
        row("16:00", [20, 21, 19, 20, 1]), // 10:30 has its second half only
        row("17:30", [30, 31, 29, 30, 2]),
        row("18:00", [90, 99, 90, 99, 9]), // the closing auction
    ];
    let day = day(&half_day()?, &rows(&format!("[{}]", halves.join(",")))?, whole(Interval::OneHour)?, false)?;
    assert_eq!(table(&day), ["09:30:00 10 15 9 14 12", "10:30:00 20 21 19 20 1", "12:30:00 30 31 29 30 2"]);
    assert_eq!(day.missing(), ["2026-11-27T16:30:00Z".parse()?]);
    assert_eq!(day.expected.as_ref().map(Vec::len), Some(4));
    Ok(())
}

#[test]
fn an_hour_of_which_a_half_is_no_bar_is_missing() -> Outcome {
    let row = |at: &str, high: u32| format!(r#"{{"t":"2026-11-27T{at}:00Z","o":2,"h":{high},"l":1,"c":2,"v":1}}"#);
    // The second half of the first hour, and the first half of the second one, close above their highest price.
    let halves = [row("14:30", 3), row("15:00", 1), row("15:30", 1), row("16:00", 3), row("16:30", 3)];
    let day = day(&half_day()?, &rows(&format!("[{}]", halves.join(",")))?, whole(Interval::OneHour)?, false)?;
    assert_eq!(table(&day), ["11:30:00 2 3 1 2 1"]);
    assert_eq!(day.missing().len(), 3);
    Ok(())
}

#[test]
fn a_window_has_the_bars_that_closed_in_it_and_may_have_none() -> Outcome {
    let row = |at: &str| format!(r#"{{"t":"2026-11-27T{at}:00Z","o":1,"h":1,"l":1,"c":1,"v":1}}"#);
    let rows = rows(&format!("[{}]", ["14:30", "14:35", "14:40", "14:45"].map(row).join(",")))?;
    let window = LiveWindow { from: "2026-11-27T14:35:00Z".parse()?, until: "2026-11-27T14:46:00Z".parse()? };
    let of = |rows: &[wire::Bar]| -> Outcome<_> {
        Ok(day(&half_day()?, rows, Day { scope: Scope::Window(window), ..whole(Interval::FiveMinutes)? }, false)?)
    };
    let starts: Vec<_> = of(&rows)?.bars.iter().map(|bar| bar.start.to_string()).collect();
    assert_eq!(starts, ["2026-11-27T14:35:00Z", "2026-11-27T14:40:00Z"]);
    assert!(of(&[])?.bars.is_empty());
    Ok(())
}

proptest! {
    /// The hour has the sums and the extremes of its halves, whichever are there.
    #[test]
    fn hours_are_what_their_halves_are(
        halves in prop::collection::btree_map(0_i64..7, (1_u32..1000, 0_u32..50, 0_u64..1_000_000), 1..7),
    ) {
        let fail = |error: Box<dyn std::error::Error>| TestCaseError::fail(error.to_string());
        let session = half_day().map_err(fail)?;
        let rows: Vec<_> = halves.iter().map(|(n, (low, range, volume))| serde_json::json!({
            "t": (session.open + SignedDuration::from_mins(30 * n)).to_string(),
            "o": low, "h": low + range, "l": low, "c": low + range, "v": volume,
        })).collect();
        let rows: Vec<wire::Bar> = rows.into_iter().map(serde_json::from_value).collect::<Result<_, _>>().map_err(|e| fail(e.into()))?;
        let day = day(&session, &rows, whole(Interval::OneHour).map_err(fail)?, false).map_err(|e| fail(e.into()))?;
        prop_assert_eq!(day.bars.iter().map(|bar| bar.volume).sum::<u64>(), halves.values().map(|half| half.2).sum::<u64>());
        for bar in &day.bars {
            let hour = session.open.duration_until(bar.start).as_secs() / 1800;
            let of_hour: Vec<_> = halves.range(hour..hour + 2).map(|(_, half)| half).collect();
            let (low, high) = (of_hour.iter().map(|half| half.0).min(), of_hour.iter().map(|half| half.0 + half.1).max());
            prop_assert_eq!((Some(bar.low.get()), Some(bar.high.get())), (low.map(f64::from), high.map(f64::from)));
        }
    }
}
