use std::time::Duration;

use shared::S3Uri;

use super::*;
use crate::{
    aws::athena::Column,
    output::json::tests::{documented, place},
    saved_queries::{SavedQuery, built_in},
};

const WIDTHS: [usize; 4] = [160, 80, 40, 20];

fn result(columns: &[(&str, &str)], rows: &[&[&str]]) -> ResultSet {
    let column = |(name, data_type): &(&str, &str)| Column { name: (*name).into(), data_type: (*data_type).into() };
    let value = |value: &&str| (*value != "NULL").then(|| (*value).to_owned());
    ResultSet {
        columns: columns.iter().map(column).collect(),
        rows: rows.iter().map(|row| row.iter().map(value).collect()).collect(),
    }
}

/// A result with what a table has to cope with: NULL, prices of different decimals and with an exponent, long and wide names.
fn movers() -> ResultSet {
    result(
        &[
            ("symbol", "varchar"),
            ("company_name", "varchar"),
            ("change_percent", "double"),
            ("open", "double"),
            ("volume", "bigint"),
            ("currency", "varchar"),
            ("ts", "varchar"),
            ("collected_at", "varchar"),
            ("restated", "boolean"),
        ],
        &[
            &[
                "META",
                "Meta Platforms, Inc., of Menlo Park in California",
                "-1.89",
                "334.7",
                "5247195",
                "USD",
                "2026-11-20T15:55:00-05:00",
                "2026-11-20T22:30:00.123Z",
                "false",
            ],
            &[
                "BTC-USD",
                "Bit\ncoin \u{1b}[31m",
                "12.0",
                "1.2345678E7",
                "9999",
                "NULL",
                "2026-11-20T15:50:00-05:00",
                "2026-11-20T22:30:07Z",
                "true",
            ],
            &["7203.T", "トヨタ自動車", "NULL", "0.5", "0", "JPY", "NULL", "2026-11-20T22:30:07Z", "NULL"],
        ],
    )
}

fn answer(name: Option<&str>, result: ResultSet) -> Answer {
    let values = values::of_options("SELECT ?, ?", &["2026-11-20".into(), "O'Brien".into()]).unwrap_or_default();
    let succeeded = Succeeded {
        result: S3Uri::new("data", "results/q-1.csv"),
        bytes_scanned: 23_456_789,
        duration: Duration::from_millis(1_234),
    };
    let query = BoundQuery { name: name.map(str::to_owned), sql: "SELECT 1".into(), values };
    Answer { query, id: "5a7d8e6c-1".into(), succeeded, result }
}

#[test]
fn a_table_fits_the_terminal() {
    for width in WIDTHS {
        let terminal = Terminal { width: Some(width), colors: true };
        let text = answer(None, movers()).text(MAX_ROWS, terminal).to_string();
        let table = text.lines().take_while(|line| !line.starts_with("not shown"));
        for line in table {
            assert!(console::measure_text_width(line) <= width, "{width}: {line}");
        }
        assert!(!text.contains('\u{1b}'), "{text}");
        insta::assert_snapshot!(format!("table_{width}"), text);
    }
}

/// What `hourly-extremes-so-far` gives for coins, which trade around the clock in UTC.
fn hours_of_coins() -> ResultSet {
    let columns = [
        ("company_name", "varchar"),
        ("symbol", "varchar"),
        ("hour", "integer"),
        ("datetime_high", "varchar"),
        ("highest_hourly_price", "double"),
        ("datetime_low", "varchar"),
        ("lowest_hourly_price", "double"),
        ("bars", "bigint"),
        ("volume", "bigint"),
        ("currency", "varchar"),
        ("open", "double"),
        ("close", "double"),
    ];
    let row = |name, symbol, high, low, volume, open, close| {
        [
            name,
            symbol,
            "15",
            "2026-11-26T15:52:00+00:00",
            high,
            "2026-11-26T15:50:00+00:00",
            low,
            "3",
            volume,
            "USD",
            open,
            close,
        ]
    };
    let bitcoin = row("Bitcoin USD (simulated)", "BTC-USD", "91340.25", "91012.5", "63439", "91100.0", "91300.75");
    let doge = row("Dogecoin USD (simulated)", "DOGE-USD", "0.152", "0.149", "3988", "0.15", "0.151");
    result(&columns, &[&bitcoin, &doge])
}

#[test]
fn a_narrow_table_keeps_the_prices_and_a_wide_one_whole_headers() {
    let text = |width| {
        answer(None, hours_of_coins()).text(MAX_ROWS, Terminal { width: Some(width), colors: false }).to_string()
    };
    insta::assert_snapshot!("hours_160", text(160));
    insta::assert_snapshot!("hours_80", text(80));
    let twice = result(&[("a", "varchar"), ("a", "varchar")], &[&["one of them", "another"], &["two", "three"]]);
    let twice = answer(None, twice).text(MAX_ROWS, Terminal { width: Some(15), colors: false }).to_string();
    assert!(twice.ends_with("\n  a"), "{twice}");
    let row = [&["META", "2026"][..], &["SHOP", "1"]];
    let years = result(&[("symbol", "varchar"), ("year", "integer")], &row);
    assert!(answer(None, years).text(MAX_ROWS, Terminal::default()).to_string().contains("2026"));
}

#[test]
fn where_there_is_no_terminal_everything_is_shown() {
    insta::assert_snapshot!(answer(None, movers()).text(MAX_ROWS, Terminal::default()).to_string());
}

#[test]
fn a_line_says_how_many_rows_are_beyond_the_limit() {
    let rows: Vec<_> = (0..12_345).map(|_| &["1"][..]).collect();
    let answer = answer(None, result(&[("one", "integer")], &rows));
    let text = answer.text(2, Terminal::default()).to_string();
    assert_eq!(text, "one\n  1\n  1\n… and 12,343 more rows: add --all");
    assert_eq!(answer.text(usize::MAX, Terminal::default()).to_string().lines().count(), 12_346);
}

#[test]
fn an_empty_result_says_where_to_look() {
    let value = |name: &str, text: &str| Value { name: Some(name.into()), text: text.into(), literal: String::new() };
    let of_day = |symbols| vec![value("trade_date", "2026-11-20"), value("interval", "5m"), value("symbols", symbols)];
    for (name, values, says) in [
        (None, vec![], "see `cargo finstream gaps`"),
        (Some("latest-bars"), of_day("*"), "see --interval, and `cargo finstream gaps`"),
        (Some("latest-bars"), of_day("NOPE"), "see --symbols and --interval, and `cargo finstream gaps`"),
    ] {
        let mut answer = answer(name, result(&[("one", "integer")], &[]));
        answer.query.values = values;
        let text = answer.text(MAX_ROWS, Terminal::default()).to_string();
        assert_eq!(text, format!("no rows; if you expected some, {says} for what the lake holds"));
    }
    let restatements = answer(Some("restatements"), result(&[("one", "integer")], &[]));
    let text = restatements.text(MAX_ROWS, Terminal::default()).to_string();
    assert_eq!(text, "no rows: nothing was restated");
}

#[test]
fn csv_has_every_value_as_it_is() -> anyhow::Result<()> {
    insta::assert_snapshot!(csv::of(&movers())?);
    Ok(())
}

#[test]
fn json_has_numbers_and_every_column() -> Result<(), Box<dyn std::error::Error>> {
    let columns = [("symbol", "varchar"), ("close", "double"), ("volume", "bigint"), ("currency", "varchar")];
    let (query, parameters) = (&built_in()[3], ["2026-11-20", "5m", "META,BTC-USD"]);
    let mut latest = answer(
        Some(&query.name),
        result(&columns, &[&["BTC-USD", "9.5123E7", "9", "NULL"], &["META", "334.79", "196140", "USD"]]),
    );
    latest.query.values = values::of_options(&query.sql, &parameters.map(str::to_owned))?;
    insta::assert_snapshot!(documented(&AnswerJson::of(&latest, place()))?);

    let twice = [("a", "varchar"), ("a", "decimal(3,1)"), ("a_2", "double"), ("b", "boolean")];
    let answer = answer(None, result(&twice, &[&["x", "2.5", "NaN", "true"], &["NULL", "NULL", "1.0E-4", "NULL"]]));
    let json = serde_json::to_value(AnswerJson::of(&answer, place()))?;
    let rows = serde_json::json!([
        {"a": "x", "a_2": 2.5, "a_2_2": "NaN", "b": true},
        {"a": null, "a_2": null, "a_2_2": 0.0001, "b": null}
    ]);
    assert_eq!((&json["rows"], &json["query"]), (&rows, &serde_json::Value::Null));
    assert_eq!(json["columns"][2], serde_json::json!({"name": "a_2_2", "type": "double"}));
    Ok(())
}

#[test]
fn what_it_costs_is_said() {
    let cost = |bytes_scanned| {
        let mut answer = answer(None, movers());
        answer.succeeded.bytes_scanned = bytes_scanned;
        answer.cost()
    };
    for (bytes, says) in [
        (0, "3 rows; scanned 0 bytes in 1.2 s; on AWS about $0.00005 (10 MB are the least that is billed)"),
        (999_999, "scanned 1.0 MB in 1.2 s"),
        (23_456_789, "scanned 23.5 MB in 1.2 s; on AWS about $0.00012"),
        (1_073_741_824, "scanned 1.1 GB in 1.2 s; on AWS about $0.00537"),
    ] {
        assert!(cost(bytes).contains(says), "{}", cost(bytes));
    }
}

#[test]
fn saved_queries_are_listed_with_those_that_the_stack_lacks() -> Result<(), Box<dyn std::error::Error>> {
    let mut deployed = built_in();
    deployed.retain(|query| query.name != "movers");
    let own =
        |name: &str, sql: &str| SavedQuery { name: name.into(), description: "By volume".into(), sql: sql.into() };
    deployed.extend([own("volume", "SELECT * FROM bars WHERE trade_date = ? AND volume > ?"), own("none", "SELECT 1")]);
    let listed = listing::of(deployed, built_in());
    let marked: Vec<_> = listed.iter().filter(|it| !it.deployed).map(|it| it.query.name.as_str()).collect();
    assert_eq!(marked, ["movers"]);
    for width in [Some(160), Some(80), None] {
        insta::assert_snapshot!(listing::text(&listed, width));
    }
    let few: Vec<_> =
        listed.into_iter().filter(|it| ["latest-bars", "movers", "volume"].contains(&&*it.query.name)).collect();
    insta::assert_snapshot!(documented(&ListJson::of(&few, place()))?);
    Ok(())
}

#[test]
fn only_sql_that_reads_is_run() {
    let refused = reading("DROP TABLE bars".into());
    assert!(
        refused.is_err_and(|BadRequest(message)| message.starts_with("DROP is not run: finstream query only reads"))
    );
    assert_eq!(reading("SELECT 1".into()), Ok("SELECT 1".into()));
    let message = unknown("lates-bars", vec!["mine".into(), "movers".into()]);
    assert!(message.starts_with("there is no saved query lates-bars: use one of coverage, "), "{message}");
    assert!(message.contains("latest-bars, mine, movers, restatements, or --sql"), "{message}");
}

#[test]
fn a_file_is_one_statement_with_its_values() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("q.sql");
    let query = |text: &str, params: &[&str]| {
        std::fs::write(&file, text)?;
        own_query(&file, &params.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    };
    assert_eq!(query("SELECT 1 ;\n", &[])?.sql, "SELECT 1");
    assert_eq!(query("SELECT * FROM bars WHERE symbol = ?", &["O'Brien"])?.values[0].literal, "'O''Brien'");
    for (text, says) in [
        ("", "has no SQL"),
        (" ;\n", "has no SQL"),
        ("-- One row\n", "has no SQL"),
        ("SELECT ?", "1 ?"),
        ("DELETE FROM bars", "DELETE"),
    ] {
        let error = query(text, &[]).err().map(|error| format!("{error:#}")).unwrap_or_default();
        assert!(error.contains(says), "{text}: {error}");
    }
    let missing = own_query(&folder.path().join("none.sql"), &[]).err().map(|error| Exit::of_error(&error));
    assert_eq!(missing, Some(Exit::Usage));
    Ok(())
}
