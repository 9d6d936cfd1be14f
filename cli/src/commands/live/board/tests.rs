use proptest::prelude::*;
use shared::format::clock;

use super::*;

pub type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// The bar of a symbol that starts at a time in New York on 2026-11-20, as the collection of that number wrote it: its prices
/// differ from one collection to the next.
pub fn bar(symbol: &str, time: &str, collection: i64) -> Outcome<Bar> {
    bar_of("2026-11-20", symbol, time, collection)
}

pub fn bar_of(date: &str, symbol: &str, time: &str, collection: i64) -> Outcome<Bar> {
    let minute: f64 = time[3..].parse()?;
    let base = 300.0 + minute + if collection > 0 { 0.25 } else { 0.0 };
    let collected_at =
        Timestamp::from_second("2026-11-20T14:36:00Z".parse::<Timestamp>()?.as_second() + 300 * collection)?;
    Ok(serde_json::from_value(serde_json::json!({
        "symbol": symbol, "company_name": format!("{symbol} Inc."), "trade_date": date, "ts": format!("{date}T{time}:00-05:00"),
        "open": base, "high": base + 2.0, "low": base - 2.0, "close": base + 1.0, "volume": 1_000, "currency": "USD",
        "interval": "5m", "collected_at": collected_at, "run_id": format!("live-{date}"), "source": "yahoo",
    }))?)
}

fn arrived(bar: &Bar) -> Outcome<Timestamp> {
    Ok(bar.collected_at.checked_add(SignedDuration::from_secs(2))?)
}

fn add(board: &mut Board, bars: &[Bar]) -> Outcome<Vec<Change>> {
    bars.iter().map(|bar| Ok(board.add(bar, arrived(bar)?))).collect()
}

#[test]
fn a_row_is_the_day_so_far() -> Outcome {
    let mut board = Board::default();
    let bars = [bar("META", "09:35", 0)?, bar("META", "09:30", 0)?, bar("META", "09:45", 2)?];
    assert_eq!(add(&mut board, &bars)?, [Change::New; 3]);
    let rows: Vec<_> = board.rows().collect();
    let [row] = &rows[..] else { return Err("not one row".into()) };
    assert_eq!((row.open.get(), row.last.get(), clock(row.since)), (330.0, 346.25, "09:30".into()));
    assert_eq!(
        (row.high.0.get(), clock(row.high.1), row.low.0.get(), clock(row.low.1)),
        (347.25, "09:45".into(), 328.0, "09:30".into())
    );
    assert_eq!((row.closes.as_slice(), row.volume), (&[331.0, 336.0, 346.25][..], 3_000));
    assert!((row.change() - 4.924).abs() < 0.001, "{}", row.change());
    assert_eq!(row.age("2026-11-20T14:52:30Z".parse()?).as_secs(), 150);
    assert_eq!(board.totals(), Totals { symbols: 1, bars: 3, copies: 0, corrected: 0 });
    Ok(())
}

#[test]
fn the_earliest_bar_that_reached_an_extreme_has_it() -> Outcome {
    let mut board = Board::default();
    let same = bar("META", "09:35", 0)?;
    let later = Bar { ts: bar("META", "09:40", 0)?.ts, ..same.clone() };
    add(&mut board, &[later, same])?;
    for row in board.rows() {
        assert_eq!((clock(row.high.1), clock(row.low.1)), ("09:35".to_owned(), "09:35".to_owned()));
    }
    Ok(())
}

#[test]
fn copies_change_nothing_and_later_collections_correct() -> Outcome {
    use Change::{Copy, Corrected, New};
    let (first, corrected, same) = (bar("META", "09:30", 0)?, bar("META", "09:30", 1)?, bar("META", "09:30", 2)?);
    for (what, bars, changes, close) in [
        ("a record twice", vec![&first, &first], vec![New, Copy], 331.0),
        ("a correction", vec![&first, &corrected], vec![New, Corrected], 331.25),
        ("an unchanged later collection", vec![&corrected, &same], vec![New, Copy], 331.25),
        ("an earlier collection that arrives later", vec![&corrected, &first], vec![New, Copy], 331.25),
        ("all out of order", vec![&same, &first, &corrected, &first], vec![New, Copy, Copy, Copy], 331.25),
    ] {
        let mut board = Board::default();
        let bars: Vec<_> = bars.into_iter().cloned().collect();
        assert_eq!(add(&mut board, &bars)?, changes, "{what}");
        assert_eq!(board.rows().map(|row| row.last.get()).collect::<Vec<_>>(), [close], "{what}");
        let totals = board.totals();
        assert_eq!((totals.bars, totals.copies + totals.corrected), (1, bars.len() - 1), "{what}");
    }
    Ok(())
}

#[test]
fn a_row_shows_the_newest_trade_date_and_an_older_bar_stays_known() -> Outcome {
    let mut board = Board::default();
    let yesterday = bar_of("2026-11-19", "META", "15:55", 0)?;
    let long_ago = bar_of("2026-11-17", "META", "15:55", 0)?;
    let bars = [bar("META", "09:30", 0)?, yesterday.clone(), yesterday, long_ago];
    assert_eq!(add(&mut board, &bars)?, [Change::New, Change::New, Change::Copy, Change::Copy]);
    assert_eq!(board.rows().map(|row| row.trade_date.to_string()).collect::<Vec<_>>(), ["2026-11-20"]);
    assert_eq!(board.totals().bars, 1);
    Ok(())
}

#[test]
fn each_interval_of_a_symbol_is_a_row() -> Outcome {
    let mut board = Board::default();
    let five = bar("META", "09:30", 0)?;
    let one = Bar { interval: Interval::OneMinute, ..five.clone() };
    add(&mut board, &[five, one])?;
    assert_eq!(board.rows().map(|row| row.interval.as_str()).collect::<Vec<_>>(), ["1m", "5m"]);
    assert_eq!(board.totals().symbols, 1);
    Ok(())
}

#[test]
fn a_delay_is_from_the_close_to_the_first_arrival() -> Outcome {
    let mut board = Board::default();
    add(&mut board, &[bar("META", "09:35", 1)?, bar("META", "09:30", 1)?, bar("META", "09:30", 0)?])?;
    for (from, expected) in [("2026-11-20T14:35:00Z", &[62, 62][..]), ("2026-11-20T14:35:01Z", &[62])] {
        let delays = board.delays(from.parse()?);
        assert_eq!(delays.iter().map(SignedDuration::as_secs).collect::<Vec<_>>(), expected, "{from}");
    }
    Ok(())
}

fn bars() -> impl Strategy<Value = Vec<Bar>> {
    let one =
        (0..3_usize, 0..4_usize, 0..12_u8, 0..4_i64).prop_filter_map("no bar", |(symbol, date, at, collection)| {
            let date = ["2026-11-17", "2026-11-18", "2026-11-19", "2026-11-20"][date];
            bar_of(date, ["META", "SHOP", "BTC-USD"][symbol], &format!("10:{:02}", at * 5), collection).ok()
        });
    prop::collection::vec(one, 1..60)
}

proptest! {
    #[test]
    fn neither_order_nor_doubles_change_the_rows(
        (bars, other) in bars().prop_flat_map(|bars| {
            let doubled = [bars.clone(), bars.clone()].concat();
            (Just(bars), Just(doubled).prop_shuffle())
        })
    ) {
        let (mut once, mut shuffled) = (Board::default(), Board::default());
        prop_assert!(add(&mut once, &bars).is_ok() && add(&mut shuffled, &other).is_ok());
        prop_assert_eq!(once.rows().collect::<Vec<_>>(), shuffled.rows().collect::<Vec<_>>());
        prop_assert_eq!(once.delays(Timestamp::MIN), shuffled.delays(Timestamp::MIN));
        prop_assert_eq!(once.totals().bars, shuffled.totals().bars);
    }
}
