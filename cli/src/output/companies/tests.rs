use proptest::prelude::*;
use shared::{HourlyExtreme, hourly_extreme};

use super::*;

type Outcome = Result<(), Box<dyn std::error::Error>>;

pub const CSV: &str = "\
company_name,symbol,trade_date,hour,datetime_high,highest_hourly_price,datetime_low,lowest_hourly_price,bars,volume,currency,open,close,source,previous_close
Beyond Meat,BYND,2026-11-20,9,2026-11-20T09:35:00-05:00,157.315,2026-11-20T09:30:00-05:00,154.31,6,2111956,USD,155.1,156.2,simulated,155.05
Beyond Meat,BYND,2026-11-20,10,2026-11-20T10:00:00-05:00,156.8,2026-11-20T10:55:00-05:00,155,12,2878685,USD,156.2,155.5,simulated,155.05
Beyond Meat,BYND,2026-11-20,15,2026-11-20T15:05:00-05:00,155.9,2026-11-20T15:50:00-05:00,155.09,12,3578794,USD,155.5,155.23,simulated,155.05
\"Meta Platforms, Inc.\",META,2026-11-20,9,2026-11-20T09:35:00-05:00,334.79,2026-11-20T09:30:00-05:00,329.3,6,30000000,USD,330,334,simulated,328
\"Meta Platforms, Inc.\",META,2026-11-20,10,2026-11-20T10:35:00-05:00,336,2026-11-20T10:30:00-05:00,333.3,12,19000000,USD,334,335.9,simulated,328
Snap,SNAP,2026-11-20,9,2026-11-20T09:35:00-05:00,9.5,2026-11-20T09:50:00-05:00,9.01,6,950,USD,9.4,9.1,simulated,
";

fn at(width: usize) -> Terminal {
    Terminal { width: Some(width), colors: false }
}

#[test]
fn columns_that_do_not_fit_are_left_out() -> Outcome {
    let rows = hourly_extreme::read(CSV.as_bytes())?;
    for terminal in [at(40), at(80), at(120), at(200), Terminal::default()] {
        let name = terminal.width.map_or("piped".to_owned(), |width| width.to_string());
        insta::assert_snapshot!(format!("columns_{name}"), table(&CompanyDay::of(&rows), terminal).to_string());
    }
    Ok(())
}

#[test]
fn a_change_from_the_open_has_a_star_and_a_note() -> Outcome {
    let rows = hourly_extreme::read(CSV.as_bytes())?;
    let days = CompanyDay::of(&rows);
    let text = table(&days, at(80)).to_string();
    assert!(text.contains("−3.19%*") && text.matches('*').count() == 1, "{text}");
    assert_eq!(note_on_changes(&days, at(80)), "* from the day's first price: no previous close is known\n");
    assert_eq!(note_on_changes(&days[..2], at(80)), "");
    Ok(())
}

#[test]
fn colours_repeat_what_the_sign_says() -> Outcome {
    let rows = hourly_extreme::read(CSV.as_bytes())?;
    let days = CompanyDay::of(&rows);
    let colored = table(&days, Terminal { width: Some(80), colors: true }).to_string();
    assert!(
        colored.contains("\u{1b}[32m +2.41%\u{1b}[0m") && colored.contains("\u{1b}[31m−3.19%*\u{1b}[0m"),
        "{colored:?}"
    );
    assert_eq!(console::strip_ansi_codes(&colored), table(&days, at(80)).to_string());
    Ok(())
}

#[test]
fn currencies_that_differ_are_a_column() -> Outcome {
    let rows = hourly_extreme::read(CSV.replace("950,USD", "950,GBp").as_bytes())?;
    insta::assert_snapshot!(table(&CompanyDay::of(&rows), at(80)).to_string());
    assert_eq!(currencies(&CompanyDay::of(&rows)), "GBp, USD");
    Ok(())
}

#[test]
fn companies_are_sorted_by_what_is_asked_for() -> Outcome {
    let rows = hourly_extreme::read(CSV.as_bytes())?;
    for (sort, symbols) in [
        (SortBy::Company, ["BYND", "META", "SNAP"]),
        (SortBy::Symbol, ["BYND", "META", "SNAP"]),
        (SortBy::Change, ["META", "BYND", "SNAP"]),
        (SortBy::Gap, ["META", "BYND", "SNAP"]), // SNAP's is not known
        (SortBy::Range, ["SNAP", "META", "BYND"]),
        (SortBy::Volume, ["META", "BYND", "SNAP"]),
    ] {
        let mut days = CompanyDay::of(&rows);
        sort.sort(&mut days);
        assert_eq!(days.iter().map(|day| day.symbol.as_str()).collect::<Vec<_>>(), symbols, "{sort:?}");
    }
    let largest: Vec<_> = largest_changes(CompanyDay::of(&rows), 2).iter().map(|day| day.symbol.to_string()).collect();
    assert_eq!(largest, ["META", "SNAP"]); // +2.41 % and −3.19 %
    Ok(())
}

#[test]
fn a_sparkline_spans_from_the_lowest_to_the_highest() -> Outcome {
    let rows = hourly_extreme::read(CSV.as_bytes())?;
    let lines: Vec<_> = CompanyDay::of(&rows).iter().map(sparkline).collect();
    assert_eq!(lines, ["▁█▄▂", "▁▆█", "█▁"]);
    let flat: Vec<_> = rows.iter().take(1).map(|row| HourlyExtreme { close: row.open, ..row.clone() }).collect();
    assert_eq!(CompanyDay::of(&flat).iter().map(sparkline).collect::<Vec<_>>(), ["▅▅"]);
    let unknown: Vec<_> = rows.iter().map(|row| HourlyExtreme { close: None, ..row.clone() }).collect();
    assert!(CompanyDay::of(&unknown).iter().all(|day| sparkline(day).is_empty()));
    Ok(())
}

prop_compose! {
    pub fn any_row()(
        company_name in any::<String>(),
        symbol in "[A-Z0-9^][A-Z0-9.=^&_-]{0,19}",
        low in 1e-6_f64..1e9,
        spread in 1.0_f64..2.0,
        bars in 1_u32..=60,
        volume in any::<u64>(),
        currency in prop::option::of("[A-Z]{2}[A-Za-z]"),
        previous_close in prop::option::of(1e-6_f64..1e9),
        row in 0_usize..6,
    ) -> Option<HourlyExtreme> {
        let template = hourly_extreme::read(CSV.as_bytes()).ok()?.into_iter().nth(row)?;
        Some(HourlyExtreme {
            company_name, symbol: symbol.parse().ok()?, bars, volume, currency,
            lowest_hourly_price: Price::from_wire(low)?,
            highest_hourly_price: Price::from_wire(low * spread)?,
            open: Price::from_wire(low),
            close: Price::from_wire(low * spread),
            previous_close: previous_close.and_then(Price::from_wire),
            ..template
        })
    }
}

proptest! {
    #[test]
    fn no_line_is_wider_than_the_terminal(
        rows in prop::collection::vec(any_row(), 0..12),
        width in 8_usize..240,
        colors: bool,
    ) {
        let rows: Option<Vec<HourlyExtreme>> = rows.into_iter().collect();
        prop_assert!(rows.is_some());
        let rows = rows.unwrap_or_default();
        let days = CompanyDay::of(&rows);
        let text = table(&days, Terminal { width: Some(width), colors }).to_string();
        prop_assert_eq!(text.lines().count(), days.len() + 1);
        for line in text.lines() {
            prop_assert!(measure_text_width(line) <= width, "{line:?}");
        }
    }
}
