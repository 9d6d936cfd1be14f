use super::*;
use crate::{
    aws::history::ExecutionFailure,
    output::json::tests::{documented, place},
};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

fn listed(name: &str, input: &str, outcome: Outcome) -> Result<Listed> {
    let seconds = (!matches!(outcome, Outcome::Running)).then_some(163.204);
    let (started, requested) = ("2026-11-20T22:30:00Z".parse()?, requested(input));
    Ok(Listed { name: name.to_owned(), started, seconds, requested, outcome })
}

fn exported(symbols: &str) -> Result<Outcome> {
    let output = format!(
        r#"{{"outcome": "exported", "trade_date": "2026-11-20", "bars": 155, "symbols": {symbols}, "csv": "s3://lake/c.csv",
            "report": "s3://lake/r.html", "simulated": false}}"#
    );
    Ok(Outcome::Ended(Box::new(Ok(serde_json::from_str(&output)?))))
}

fn executions() -> Result<Vec<Listed>> {
    let complete = r#"{"collected": [{"symbol": "META", "bars": 78, "expected": 78},
                                     {"symbol": "BTC-USD", "bars": 77}], "failed": []}"#;
    let failed = |symbol: &str| format!(r#"{{"symbol": "{symbol}", "reason": "unknown_symbol", "detail": ""}}"#);
    let without = ["ZA", "ZB", "ZC", "ZD", "ZE"].map(failed).join(",");
    let incomplete = format!(
        r#"{{"uri": "s3://lake/symbols.jsonl", "requested": 7, "collected": 2, "short": 1,
            "bars": {{"sessions": 155, "expected": 156, "around_the_clock": 0}}, "doubtful_bars": 0, "failed_count": 5,
            "reasons": {{"unknown_symbol": 5}}, "failed": [{without}]}}"#
    );
    let no_session = r#"{"outcome": "no_session", "trade_date": "2026-11-21", "symbols": {"collected": [], "failed": []},
                         "simulated": false}"#;
    let failure = ExecutionFailure { error: "NoBars".into(), cause: "ZZZZ: No data found\nand more".into() };
    Ok(vec![
        listed("manual-latest-1f0c7a3e", "{}", Outcome::Running)?,
        listed("manual-2026-11-20-77d1b0aa", r#"{"symbols": ["META", "BTC-USD"]}"#, exported(complete)?)?,
        listed("manual-2026-11-20-0b51c3e9", r#"{"list": "tech"}"#, exported(&incomplete)?)?,
        listed(
            "manual-2026-11-21-5d0a9c11",
            r#"{"symbols": ["META"]}"#,
            Outcome::Ended(Box::new(Ok(serde_json::from_str(no_session)?))),
        )?,
        listed(
            "manual-2026-11-20-c2f4de07",
            r#"{"symbols": ["ZZZZ", "ZZA", "ZZB"]}"#,
            Outcome::Ended(Box::new(Err(failure))),
        )?,
        listed(
            "an-older-one",
            r#"{"symbols": 7}"#,
            Outcome::Unknown("the execution's output is not this program's".to_owned()),
        )?,
    ])
}

#[test]
fn each_execution_is_a_row() -> Result {
    for width in [80, 100] {
        let table = table::of(&executions()?, Some(width));
        assert!(table.lines().all(|line| line.chars().count() <= usize::from(width)), "{table}");
        insta::assert_snapshot!(format!("each_execution_is_a_row_{width}"), table);
    }
    assert!(table::of(&[], None).starts_with("nothing has run yet"));
    Ok(())
}

#[test]
fn scripts_get_the_same_executions() -> Result {
    let executions = executions()?;
    let executions = executions.iter().map(ListedJson::from).collect();
    insta::assert_snapshot!(documented(&ListJson { place: place(), executions })?);
    Ok(())
}
