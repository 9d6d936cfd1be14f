use console::measure_text_width;
use proptest::prelude::*;
use shared::{HourlyExtreme, hourly_extreme};

use super::*;
use crate::output::companies::tests::CSV;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

fn outcomes() -> serde_json::Result<SymbolOutcomes> {
    serde_json::from_value(serde_json::json!({
        "collected": [
            {"symbol": "META", "bars": 78, "expected": 78, "gaps": [], "attempts": 1},
            {"symbol": "FB", "queried_as": "META", "bars": 74, "expected": 78, "gaps": ["10:05", "12:30-12:40"], "attempts": 2},
            {"symbol": "THIN", "bars": 9, "expected": 390, "gaps": null, "attempts": 1},
            {"symbol": "BTC-USD", "bars": 288, "gaps": [], "attempts": 1, "remarks": [
                {"kind": "doubtful", "bars": 1, "detail": "hardly right, kept as they are: 16:00"},
                {"kind": "hours_differ", "bars": 2, "detail": "traded outside of 08:00-16:30: 16:35, 16:40"},
            ]},
        ],
        "failed": [
            {"symbol": "SQ", "reason": "unknown_symbol", "detail": "No data found, symbol may be delisted", "attempts": 1},
            {"symbol": "SNAP", "reason": "unavailable", "attempts": 1,
             "detail": "yahoo answered 503 Service Unavailable five times in a row, the last time at 17:30"},
        ],
    }))
}

/// The result of a run with something to say of everything.
fn described(rows: &[HourlyExtreme], terminal: Terminal) -> Outcome<String> {
    let run = ExportedRun {
        trade_date: "2026-11-20".parse()?,
        rows,
        symbols: &outcomes()?,
        restated: &["META".parse()?],
        carried_over: &[CarriedOver { symbol: "OKTA".parse()?, collected_at: "2026-11-20T21:15:00Z".parse()? }],
        simulated: true,
        all_companies: "cargo finstream show 2026-11-20",
    };
    Ok(run.describe(terminal).to_string())
}

#[test]
fn a_result_has_a_line_for_each_company_and_what_is_short() -> Outcome {
    let rows = hourly_extreme::read(CSV.replace("950,USD", "950,GBp").as_bytes())?;
    for width in [Some(80), Some(120), Some(200), None] {
        let name = width.map_or("piped".to_owned(), |width| width.to_string());
        let shown = described(&rows, Terminal { width, colors: false })?;
        assert!(width.is_none_or(|width| shown.lines().all(|line| measure_text_width(line) <= width)), "{shown}");
        assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{shown:?}");
        insta::assert_snapshot!(format!("result_{name}"), shown);
    }
    Ok(())
}

#[test]
fn of_many_companies_those_are_shown_that_have_changed_most() -> Outcome {
    let rows = hourly_extreme::read(CSV.as_bytes())?;
    let many = |count| {
        let row = |at: u32| {
            let close = shared::Price::from_wire(100.0 + f64::from(at));
            let symbol = format!("S{at:03}").parse();
            Ok(HourlyExtreme { symbol: symbol?, close, ..rows.first().cloned().ok_or("no row")? })
        };
        (0..count).map(row).collect::<Outcome<Vec<_>>>()
    };
    let terminal = Terminal { width: Some(80), colors: false };
    let shown = described(&many(50)?, terminal)?;
    assert!(shown.contains("\n… and 30 more, which have changed less: cargo finstream show 2026-11-20\n"), "{shown}");
    assert!(shown.lines().count() < 45 && shown.contains("\nS000 ") && !shown.contains("\nS030 "), "{shown}");
    // Of more than that nobody reads a line each.
    let shown = described(&many(500)?, terminal)?;
    assert!(
        shown.contains("\nS499  +286.33%   S000  ") && shown.contains("\nall 500 companies are in the CSV\n"),
        "{shown}"
    );
    assert!(shown.lines().count() < 35, "{shown}");
    Ok(())
}

#[test]
fn bars_of_earlier_runs_are_not_missing() -> Outcome {
    // The CSV has 18 bars of META.
    let rows = hourly_extreme::read(CSV.as_bytes())?;
    for (bars, outside, expected, missing, earlier) in [
        (1, 0, 18, None, Some("META 17 of 18 bars")),
        (1, 0, 21, Some("META 3 of 21"), Some("META 17 of 18 bars")),
        (18, 0, 21, Some("META 09:35-09:45"), None),
        (15, 3, 18, Some("META 09:35-09:45"), None), // three after the close do not fill a gap
        (18, 0, 18, None, None),
        (20, 0, 21, Some("META 09:35-09:45"), None), // two of another scale were left out
    ] {
        let mut collected =
            serde_json::json!({"symbol": "META", "bars": bars, "expected": expected, "gaps": ["09:35-09:45"]});
        if outside > 0 {
            collected["remarks"] =
                serde_json::json!([{"kind": "hours_differ", "bars": outside, "detail": "16:00-16:10"}]);
        }
        let symbols = serde_json::from_value(serde_json::json!({"collected": [collected], "failed": []}))?;
        let run = ExportedRun {
            trade_date: "2026-11-20".parse()?,
            rows: &rows,
            symbols: &symbols,
            restated: &[],
            carried_over: &[],
            simulated: true,
            all_companies: "",
        };
        let notes = run.notes();
        let entry = |label: &str| notes.iter().find(|(of, _)| *of == label).map(|(_, entries)| entries.join("; "));
        let found = (entry("missing bars"), entry("earlier run"));
        assert_eq!(found, (missing.map(Into::into), earlier.map(Into::into)), "{bars} of {expected}");
    }
    Ok(())
}

#[test]
fn a_detail_that_begins_with_the_reason_does_not_repeat_it() -> Outcome {
    for (detail, says) in [
        ("no session on 2026-11-21", "^GSPC no session on 2026-11-21"),
        ("it was a holiday", "^GSPC no session: it was a holiday"),
        ("", "^GSPC no session"),
    ] {
        let failed = serde_json::json!([{"symbol": "^GSPC", "reason": "no_session", "detail": detail, "attempts": 1}]);
        assert_eq!(without_bars(&serde_json::from_value::<Vec<_>>(failed)?), [says]);
    }
    Ok(())
}

#[test]
fn many_symbols_of_a_note_are_counted() {
    let entries: Vec<_> = (1..=500).map(|n| format!("S{n}")).collect();
    let shown = note("without bars", &entries, Terminal { width: Some(40), colors: false });
    assert_eq!(shown, "without bars  S1; S2; S3; S4; S5; S6;\n              S7; S8; and 492 more\n");
}

proptest! {
    #[test]
    fn no_note_is_wider_than_the_terminal(entries in prop::collection::vec("([a-z]{1,12} ){0,9}", 1..12), width in 40_usize..200) {
        let shown = note("without bars", &entries, Terminal { width: Some(width), colors: false });
        prop_assert!(shown.lines().all(|line| measure_text_width(line) <= width), "{shown}");
    }
}
