use shared::{hourly_extreme, payload::Reason};

use super::*;

const HEADER: &str = "company_name,symbol,trade_date,hour,datetime_high,highest_hourly_price,datetime_low,lowest_hourly_price,bars,volume,currency,open,close,source\n";
const CSV: &str = "\
Block Incorporated of Oakland,XYZ,2026-11-20,9,2026-11-20T09:35:00-05:00,74.5,2026-11-20T09:30:00-05:00,72.6203,6,6015,USD,72.7,74.1,simulated
Block Incorporated of Oakland,XYZ,2026-11-20,10,2026-11-20T10:00:00-05:00,73.28,2026-11-20T10:55:00-05:00,70,12,112138,USD,73,70.2,simulated
Block Incorporated of Oakland,XYZ,2026-11-20,15,2026-11-20T15:05:00-05:00,71.01,2026-11-20T15:50:00-05:00,69.52,12,98,USD,71,69.6,simulated
\"Meta Platforms, Inc.\",META,2026-11-20,9,2026-11-20T09:35:00-05:00,334.79,2026-11-20T09:30:00-05:00,329.3,6,30000000,USD,330,334,simulated
";

fn symbols() -> Result<Vec<FailedSymbol>, shared::symbol::InvalidSymbol> {
    let failed = |symbol: &str, reason, detail: &str| {
        Ok(FailedSymbol {
            symbol: symbol.parse()?,
            reason,
            detail: detail.into(),
            attempts: 1,
            refusals: 0,
            session_ends_at: None,
        })
    };
    Ok(vec![
        failed("SQ", Reason::UnknownSymbol, "No data found, symbol may be delisted")?,
        failed(
            "SNAP",
            Reason::Unavailable,
            "yahoo answered 503 Service Unavailable five times in a row, the last time at 17:30",
        )?,
    ])
}

fn outcomes() -> Result<SymbolOutcomes, Box<dyn std::error::Error>> {
    let collected = serde_json::from_value(serde_json::json!([
        {"symbol": "META", "bars": 78, "expected": 78, "gaps": [], "attempts": 1},
        {"symbol": "FB", "queried_as": "META", "bars": 74, "expected": 78, "gaps": ["10:05", "12:30-12:40"], "attempts": 2},
        {"symbol": "THIN", "bars": 9, "expected": 390, "gaps": null, "attempts": 1},
        {"symbol": "BTC-USD", "bars": 288, "gaps": [], "attempts": 1, "remarks": [
            {"kind": "doubtful", "bars": 1, "detail": "hardly right, kept as they are: 16:00"},
            {"kind": "hours_differ", "bars": 2, "detail": "traded outside of 08:00-16:30: 16:35, 16:40"},
        ]},
    ]))?;
    Ok(SymbolOutcomes { collected, failed: symbols()? })
}

type Outcome = Result<(), Box<dyn std::error::Error>>;

#[test]
fn the_result_is_grouped_by_company_and_fits_the_terminal() -> Outcome {
    let carried_over = [CarriedOver { symbol: "OKTA".parse()?, collected_at: "2026-11-20T21:15:00Z".parse()? }];
    let rows = hourly_extreme::read([HEADER, CSV].concat().as_bytes())?;
    let shown = exported(&rows, 30, &outcomes()?, &["META".parse()?], &carried_over, true, Some(80));
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
    insta::assert_snapshot!(shown);
    Ok(())
}

#[test]
fn a_wide_terminal_wraps_nothing_and_real_prices_are_not_called_simulated() -> Outcome {
    let rows = hourly_extreme::read([HEADER, CSV].concat().as_bytes())?;
    insta::assert_snapshot!(exported(&rows, 30, &SymbolOutcomes::default(), &[], &[], false, Some(160)));
    Ok(())
}

#[test]
fn every_company_shows_its_currency_and_minor_units_are_explained() -> Outcome {
    let listed = |symbol: &str, currency: &str| {
        let at = "2026-11-20T09:00:00+00:00";
        format!("{symbol} plc,{symbol},2026-11-20,9,{at},1852,{at},30.49,12,100,{currency},40,50,yahoo\n")
    };
    let shown = |listings: &[(&str, &str)]| -> Result<String, Box<dyn std::error::Error>> {
        let rows: String = listings.iter().map(|(symbol, currency)| listed(symbol, currency)).collect();
        let rows = hourly_extreme::read([HEADER, &rows].concat().as_bytes())?;
        Ok(exported(&rows, 12, &SymbolOutcomes::default(), &[], &[], false, Some(80)))
    };
    let mixed = [("VOD.L", "GBp"), ("CCH.L", "USD"), ("NPN.JO", "ZAc"), ("TEVA.TA", "ILA"), ("ODD.L", "")];
    insta::assert_snapshot!(shown(&mixed)?);
    assert!(!shown(&mixed[1..2])?.contains("1/100"));
    Ok(())
}

#[test]
fn a_name_that_a_spreadsheet_would_run_is_shown_as_it_is() -> Outcome {
    let rows = hourly_extreme::read([HEADER, CSV].concat().replace("\"Meta Platforms, Inc.\"", "'=1+1").as_bytes())?;
    let shown = exported(&rows, 30, &SymbolOutcomes::default(), &[], &[], false, Some(80));
    assert!(shown.contains(" =1+1 ") && !shown.contains("'="), "{shown}");
    Ok(())
}

#[test]
fn a_csv_of_the_first_ten_columns_is_shown_without_its_currency() -> Outcome {
    let old = "company_name,symbol,trade_date,hour,datetime_high,highest_hourly_price,datetime_low,lowest_hourly_price,bars,volume\n\
               Vodafone,VOD.L,2026-11-20,9,2026-11-20T09:05:00+00:00,81.5,2026-11-20T09:00:00+00:00,80.9,12,100\n";
    let shown =
        exported(&hourly_extreme::read(old.as_bytes())?, 12, &SymbolOutcomes::default(), &[], &[], false, Some(80));
    assert!(shown.contains("VOD.L, currency unknown") && shown.contains("81.50 @ 09:05"), "{shown}");
    Ok(())
}

#[test]
fn a_csv_with_other_columns_is_rejected() {
    assert!(hourly_extreme::read(b"company,high\nMeta,1\n").is_err());
    assert_eq!(hourly_extreme::read(HEADER.as_bytes()).map(|rows| rows.len()).ok(), Some(0));
}

#[test]
fn a_day_without_trading_is_one_line() -> Outcome {
    let day = "2026-11-21".parse()?;
    assert_eq!(
        no_session(day, &[], false, Some(80)),
        "2026-11-21: no session (outcome no_session): the exchange did not trade"
    );
    let shown = no_session(day, &symbols()?, true, Some(80));
    assert!(shown.contains("unknown symbol"), "{shown}");
    assert!(
        shown.ends_with("2026-11-21: no session (outcome no_session): the simulated exchange did not trade"),
        "{shown}"
    );
    Ok(())
}

#[test]
fn a_failure_shows_its_state_cause_and_next_step() {
    let failure =
        ExecutionFailure { error: "CrawlFailed".into(), cause: "the crawl ended as FAILED\nsee its log".into() };
    insta::assert_snapshot!(failed(
        "the run failed in the state CrawlState",
        &failure,
        "cargo finstream follow manual-1"
    ));
    let unknown = ExecutionFailure { error: "Odd".into(), cause: String::new() };
    insta::assert_snapshot!(failed("the run failed", &unknown, "cargo finstream follow manual-1"));
}

#[test]
fn a_terminal_that_does_not_know_its_width_gets_whole_words() {
    let mut table = day_table(&["missing"], Some(0));
    table.add_row(["2026-11-20", "09:30 to 16:00", "10", "776", "780", "META 09:35"]);
    let text = table.to_string();
    assert!(text.contains("trade date") && text.contains("09:30 to 16:00"), "{text}");
}
