use proptest::prelude::*;
use shared::{hourly_extreme, payload::Reason};

use super::*;
use crate::output::companies::tests::any_row;

const HEADER: &str = "company_name,symbol,trade_date,hour,datetime_high,highest_hourly_price,datetime_low,lowest_hourly_price,bars,volume,currency,open,close,source\n";
const CSV: &str = "\
Block Incorporated of Oakland,XYZ,2026-11-20,9,2026-11-20T09:35:00-05:00,74.5,2026-11-20T09:30:00-05:00,72.6203,6,6015,USD,72.7,74.1,simulated
Block Incorporated of Oakland,XYZ,2026-11-20,10,2026-11-20T10:00:00-05:00,73.28,2026-11-20T10:55:00-05:00,70,12,112138,USD,73,70.2,simulated
Block Incorporated of Oakland,XYZ,2026-11-20,15,2026-11-20T15:05:00-05:00,71.01,2026-11-20T15:50:00-05:00,69.52,12,98,USD,71,69.6,simulated
\"Meta Platforms, Inc.\",META,2026-11-20,9,2026-11-20T09:35:00-05:00,334.79,2026-11-20T09:30:00-05:00,329.3,6,30000000,USD,330,334,simulated
";

fn symbols() -> Result<Vec<FailedSymbol>, shared::symbol::InvalidSymbol> {
    let failed = |symbol: &str, reason, detail: &str| {
        Ok(FailedSymbol { attempts: 1, ..FailedSymbol::new(symbol.parse()?, reason, detail) })
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

type Outcome = Result<(), Box<dyn std::error::Error>>;

#[test]
fn the_hours_are_grouped_by_company_and_fit_the_terminal() -> Outcome {
    let rows = hourly_extreme::read([HEADER, CSV].concat().as_bytes())?;
    for width in [80, 160] {
        let shown = hours(&CompanyDay::of(&rows), Some(width));
        assert!(shown.lines().all(|line| line.chars().count() <= usize::from(width)), "{shown}");
        insta::assert_snapshot!(shown);
    }
    Ok(())
}

#[test]
fn a_name_that_a_spreadsheet_would_run_is_shown_as_it_is() -> Outcome {
    let rows = hourly_extreme::read([HEADER, CSV].concat().replace("\"Meta Platforms, Inc.\"", "'=1+1").as_bytes())?;
    let shown = hours(&CompanyDay::of(&rows), Some(80));
    assert!(shown.contains(" =1+1 ") && !shown.contains("'="), "{shown}");
    Ok(())
}

#[test]
fn a_csv_of_the_first_ten_columns_is_shown_without_its_currency() -> Outcome {
    let old = "company_name,symbol,trade_date,hour,datetime_high,highest_hourly_price,datetime_low,lowest_hourly_price,bars,volume\n\
               Vodafone,VOD.L,2026-11-20,9,2026-11-20T09:05:00+00:00,81.5,2026-11-20T09:00:00+00:00,80.9,12,100\n";
    let rows = hourly_extreme::read(old.as_bytes())?;
    let shown = hours(&CompanyDay::of(&rows), Some(80));
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
        no_session(day, &[], false, Terminal::default()),
        "2026-11-21: no session (outcome no_session): the exchange did not trade"
    );
    let shown = no_session(day, &symbols()?, true, Terminal::default());
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

#[test]
fn prices_are_those_of_the_sources_that_the_rows_name() {
    let (yahoo, alpaca) = (MarketSource::YAHOO, MarketSource::ALPACA);
    for (simulated, sources, expected) in [
        (false, vec![], "prices as their source gives them"),
        (false, vec![yahoo, yahoo], "prices as Yahoo Finance gives them"),
        (false, vec![yahoo, alpaca], "prices as Alpaca (SIP, all US exchanges) and Yahoo Finance give them"),
        (true, vec![yahoo], "simulated prices: made up by finstream's simulated market, not market data"),
    ] {
        assert_eq!(price_source(simulated, sources), expected);
    }
}

#[test]
fn a_narrow_terminal_leaves_out_what_does_not_fit() -> Outcome {
    let rows = hourly_extreme::read([HEADER, CSV].concat().as_bytes())?;
    let days = CompanyDay::of(&rows);
    for (width, header) in [
        (80, "company hour high @ time low @ time bars volume"),
        (66, "company hour high @ time low @ time bars"),
        (60, "company hour high @ time low @ time"),
        (40, "company hour high low"),
    ] {
        let shown = hours(&days, Some(width));
        let line = shown.lines().find(|line| line.contains("company")).unwrap_or_default();
        assert_eq!(line.split_whitespace().collect::<Vec<_>>().join(" "), header, "{width}:\n{shown}");
        assert!(shown.contains("Incorporated") && shown.contains("META, USD"), "{shown}");
    }
    Ok(())
}

proptest! {
    #[test]
    fn no_hour_is_wider_than_the_terminal(rows in prop::collection::vec(any_row(), 0..6), width in 40_u16..200) {
        let rows: Vec<HourlyExtreme> = rows.into_iter().flatten().collect();
        let shown = hours(&CompanyDay::of(&rows), Some(width));
        prop_assert!(shown.lines().all(|line| measure_text_width(line) <= usize::from(width)), "{shown}");
    }
}
