use super::{coverage::Coverage, *};
use crate::output::json::tests::{documented, place};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

const NOW: &str = "2025-12-02T15:00:00Z"; // within the session of that Tuesday

/// So many bars of five minutes from New York's open on.
fn by_hour(bars: usize) -> BarsByHour {
    let mut by_hour = BarsByHour::default();
    for n in (0_i8..).take(bars) {
        by_hour.add(9 + (6 + n) / 12, 1);
    }
    by_hour
}

fn lake_rows(rows: &[(&str, &str, usize)]) -> Result<Vec<LakeRow>> {
    let row = |(date, symbol, bars): &(&str, &str, usize)| {
        let currency = match symbol.rsplit_once('.') {
            Some((_, "T")) => Some("JPY"),
            Some((_, "L")) => Some("GBp"),
            Some(_) => None,
            None => Some("USD"),
        };
        let currency = currency.map(ToOwned::to_owned);
        Ok(LakeRow {
            trade_date: date.parse()?,
            symbol: symbol.parse()?,
            bars_by_hour: by_hour(*bars),
            currency,
            restated: *symbol == "SPLIT",
        })
    };
    rows.iter().map(row).collect()
}

fn days(from: &str, rows: &[(&str, &str, usize)], symbols: &[&str]) -> Result<Vec<Coverage>> {
    let symbols = symbols.iter().map(|symbol| symbol.parse()).collect::<std::result::Result<Vec<Symbol>, _>>()?;
    let range = from.parse()?..="2025-12-02".parse()?;
    Ok(coverage::of(
        dates(&range),
        lake_rows(rows)?.into_iter().map(Ok),
        &symbols,
        Interval::FiveMinutes,
        NOW.parse()?,
    )?)
}

fn shown(days: &[Coverage]) -> String {
    format!("{}\n{}", table::of(days, Some(100)), table::total(days))
}

#[test]
fn bars_symbols_or_everything_may_be_missing() -> Result {
    let rows = [
        ("2025-11-25", "META", 78),
        ("2025-11-25", "OKTA", 78),
        ("2025-11-26", "META", 77),
        ("2025-11-28", "META", 42),
        ("2025-11-28", "OKTA", 42),
        ("2025-11-29", "META", 3), // a Saturday on which somebody put bars there
    ];
    let days = days("2025-11-25", &rows, &["META", "OKTA"])?;
    insta::assert_snapshot!(shown(&days));
    Ok(())
}

/// Rows are read one after another: of an earlier day none is kept, and what cannot be read is an error.
#[test]
fn rows_pass_day_by_day() -> Result {
    let range = "2025-11-26".parse()?..="2025-12-01".parse()?;
    let of = |rows: Vec<anyhow::Result<LakeRow>>| {
        coverage::of(dates(&range), rows, &["META".parse()?], Interval::FiveMinutes, NOW.parse()?)
    };
    let rows = lake_rows(&[
        ("2025-11-25", "META", 78),
        ("2025-11-26", "META", 78),
        ("2025-11-26", "SNAP", 3),
        ("2025-12-01", "META", 78),
    ])?;
    let days = of(rows.clone().into_iter().map(Ok).collect())?;
    let shown: Vec<_> = days.iter().map(|day| format!("{} {} {}", day.date, day.symbols, day.bars)).collect();
    assert_eq!(shown, ["2025-11-26 1 78", "2025-11-28 0 0", "2025-12-01 1 78"]);
    let broken = rows.into_iter().map(Ok).chain([Err(anyhow::anyhow!("line 6: damaged"))]).collect();
    assert!(of(broken).is_err_and(|error| error.to_string() == "line 6: damaged"));
    Ok(())
}

#[test]
fn a_bar_after_the_close_fills_no_gap() -> Result {
    let mut rows = lake_rows(&[("2025-12-01", "META", 77)])?;
    rows[0].bars_by_hour.add(16, 1);
    let range = "2025-12-01".parse()?..="2025-12-01".parse()?;
    let rows = rows.into_iter().map(Ok);
    let days = coverage::of(dates(&range), rows, &["META".parse()?], Interval::FiveMinutes, NOW.parse()?)?;
    let short = vec![("META".parse()?, 77, 78)];
    assert_eq!((days[0].bars, &days[0].missing), (77, &Missing::Some { short, without: vec![] }));
    Ok(())
}

#[test]
fn nothing_is_expected_where_no_calendar_is_known() -> Result {
    let days = days("2025-11-27", &[("2025-11-28", "7203.T", 66)], &["7203.T", "META"])?;
    insta::assert_snapshot!(shown(&days));
    Ok(())
}

/// A Saturday and a Sunday: nothing of it is missing but coins.
#[test]
fn a_weekend_lacks_coins_alone() -> Result {
    let missing = |rows: &[(&str, &str, usize)], symbols: &[&str]| -> Result<Vec<String>> {
        let days = days("2025-11-28", rows, symbols)?;
        let weekend = days.iter().filter(|day| ["2025-11-29", "2025-11-30"].contains(&&*day.date.to_string()));
        Ok(weekend.map(|day| format!("{} {:?}", day.date, day.missing)).collect())
    };
    let without = |symbol: &str| format!("Some {{ short: [], without: [Symbol({symbol:?})] }}");
    let shares = ["EURUSD=X", "7203.T", "META"];
    assert!(missing(&[], &shares)?.is_empty());
    let mixed = [&shares[..], &["BTC-USD"]].concat();
    let bars = [("2025-11-29", "BTC-USD", 288), ("2025-11-30", "EURUSD=X", 24)];
    let expected = ["2025-11-29 Nothing".to_owned(), format!("2025-11-30 {}", without("BTC-USD"))];
    assert_eq!(missing(&bars, &mixed)?, expected);
    assert_eq!(missing(&[], &["ETH-USD"])?, ["2025-11-29 Everything", "2025-11-30 Everything"]);
    Ok(())
}

#[test]
fn a_day_names_the_symbols_that_were_restated() -> Result {
    let rows = [("2025-11-28", "SPLIT", 41), ("2025-12-01", "SPLIT", 78)];
    let days = days("2025-11-28", &rows, &["SPLIT"])?;
    insta::assert_snapshot!(shown(&days));
    Ok(())
}

#[test]
fn a_day_names_the_currencies_of_its_symbols() -> Result {
    let rows = ["7203.T", "META", "ODD.XX", "VOD.L"].map(|symbol| ("2025-11-28", symbol, 42));
    let days = days("2025-11-28", &rows, &["7203.T", "META", "ODD.XX", "VOD.L"])?;
    assert_eq!(days[0].currencies, ["GBp", "JPY", "USD", "currency unknown"]);
    assert!(days[1].currencies.is_empty());
    assert!(table::of(&days, Some(80)).lines().all(|line| line.chars().count() <= 80));
    Ok(())
}

#[test]
fn an_empty_lake_is_a_table_too() -> Result {
    insta::assert_snapshot!(shown(&days("2025-12-01", &[], &["META"])?));
    assert_eq!(table::total(&days("2025-12-02", &[], &["META"])?), "no trading day of that range is over");
    Ok(())
}

#[test]
fn every_placeholder_has_its_parameter() -> Result {
    let code: Vec<_> = SQL.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
    let range = "2025-11-25".parse()?..="2025-12-02".parse()?;
    let values = parameters(&range, Interval::FifteenMinutes);
    assert_eq!(values, ["'2025-11-25'", "'2025-12-02'", "'15m'"]);
    assert_eq!(code.join(" ").matches('?').count(), values.len());
    Ok(())
}

#[test]
fn the_range_to_backfill_spans_the_gap_range() -> Result {
    let rows = [("2025-11-25", "META", 78), ("2025-11-26", "META", 77), ("2025-12-01", "META", 78)];
    let days = days("2025-11-25", &rows, &["META"])?;
    assert_eq!(gap_range(&days, None), Some(("2025-11-26".parse()?, "2025-11-28".parse()?)));
    assert_eq!(gap_range(&days, Some("2025-11-27".parse()?)), Some(("2025-11-28".parse()?, "2025-11-28".parse()?)));
    assert_eq!(gap_range(&days, Some("2025-12-01".parse()?)), None);
    assert_eq!(gap_range(&days[..1], None), None);
    Ok(())
}

#[test]
fn scripts_get_the_same_days() -> Result {
    let rows = [("2025-11-26", "META", 77), ("2025-11-28", "META", 42), ("2025-11-28", "OKTA", 42)];
    let days = days("2025-11-26", &rows, &["META", "OKTA"])?;
    insta::assert_snapshot!(documented(&GapsJson {
        place: place(),
        from: "2025-11-26".parse()?,
        to: "2025-12-02".parse()?,
        interval: Interval::FiveMinutes,
        complete: false,
        days: days.iter().map(DayJson::from).collect(),
    })?);
    Ok(())
}
