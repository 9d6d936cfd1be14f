use shared::payload::{CollectedSymbol, FailedSymbol, Reason, SymbolOutcomes};

use super::{
    outcome::{DayReport, Exported},
    *,
};
use crate::{
    aws::history::ExecutionFailure,
    output::json::tests::{documented, place},
};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

fn planned(from: &str, to: &str, symbol: &str, now: &str) -> Result<Plan> {
    let range = from.parse()?..=to.parse()?;
    Ok(Plan::of(dates(&range), &["META".parse()?, symbol.parse()?], now.parse()?))
}

#[test]
fn new_yorks_holidays_and_weekends_are_not_run() -> Result {
    let plan = planned("2025-11-24", "2025-12-01", "SNAP", "2025-12-01T20:59:00Z")?;
    let runs: Vec<_> = plan.runs.iter().map(|(date, day)| format!("{date} {}", day.label())).collect();
    assert_eq!(runs, ["2025-11-24 full", "2025-11-25 full", "2025-11-26 full", "2025-11-28 half"]);
    assert_eq!(plan.holidays.iter().map(DayReport::summary).collect::<Vec<_>>(), ["2025-11-27  closed"]);
    assert_eq!(plan.not_over, ["2025-12-01".parse()?]);
    assert_eq!(plan.describe(), "4 trading days");
    Ok(())
}

#[test]
fn every_day_is_run_where_no_calendar_is_known() -> Result {
    let plan = planned("2025-11-24", "2025-12-01", "7203.T", "2025-12-02T00:00:00Z")?;
    assert_eq!((plan.runs.len(), plan.holidays.len(), plan.not_over.len()), (8, 0, 0));
    assert_eq!(plan.describe(), "8 days");
    Ok(())
}

fn collected(symbol: &str, bars: usize, gaps: Option<&[&str]>) -> Result<CollectedSymbol> {
    let gaps =
        gaps.map(|gaps| gaps.iter().map(|gap| gap.parse()).collect::<std::result::Result<_, _>>()).transpose()?;
    Ok(CollectedSymbol { gaps, ..CollectedSymbol::new(symbol.parse()?, bars, Some(78)) })
}

fn failed(symbol: &str, reason: Reason) -> Result<FailedSymbol> {
    Ok(FailedSymbol { attempts: 1, ..FailedSymbol::new(symbol.parse()?, reason, "") })
}

fn exported(collected: Vec<CollectedSymbol>, failed: Vec<FailedSymbol>, seconds: Option<f64>) -> DayOutcome {
    let is_coin = collected.iter().all(|it| it.expected.is_none()) && failed.is_empty();
    let expected = (!is_coin).then(|| 78 * (collected.len() + failed.len()));
    let restated = collected.iter().filter(|it| it.symbol.as_str() == "TTD").map(|it| it.symbol.clone()).collect();
    let symbols = SymbolOutcomes { collected, failed };
    DayOutcome::Exported(Exported { symbols, restated, expected, simulated: true, seconds })
}

fn report(date: &str, session: &'static str, outcome: DayOutcome) -> Result<DayReport> {
    Ok(DayReport { date: date.parse()?, session, outcome })
}

fn reports() -> Result<Vec<DayReport>> {
    let whole = |symbol| collected(symbol, 78, Some(&[]));
    let gaps = vec![
        whole("META")?,
        collected("SNAP", 74, Some(&["10:05", "12:30-12:40"]))?,
        collected("TTD", 75, None)?,
        collected("DDOG", 74, Some(&["09:30", "10:00", "11:00", "12:00"]))?,
    ];
    let without = vec![failed("ZZZZ", Reason::UnknownSymbol)?, failed("OKTA", Reason::NoTrades)?];
    let coin = CollectedSymbol::new("BTC-USD".parse()?, 286, None);
    let failure =
        ExecutionFailure { error: "MarketBlocked".into(), cause: "yahoo answered 429 to every request".into() };
    Ok(vec![
        report("2025-11-24", "full", exported(vec![whole("META")?, whole("SNAP")?], vec![], None))?,
        report("2025-11-25", "full", exported(gaps, without, Some(4.06)))?,
        report("2025-11-29", "-", exported(vec![coin], vec![], Some(3.1)))?,
        report("2025-11-26", "full", DayOutcome::Failed { execution: "backfill-2025-11-26-5m-0".into(), failure })?,
        report("2025-11-27", "closed", DayOutcome::Closed)?,
        report("2025-11-28", "-", DayOutcome::NoSession)?,
        report("2025-12-01", "-", DayOutcome::NotOver)?,
    ])
}

#[test]
fn the_days_are_shown_with_their_gaps_and_failures() -> Result {
    let shown = table::of(&reports()?, Some(100));
    assert!(shown.lines().all(|line| line.chars().count() <= 100), "{shown}");
    insta::assert_snapshot!(format!("{shown}\n{}", table::total(&reports()?)));
    assert!(table::of(&reports()?, Some(80)).lines().all(|line| line.chars().count() <= 80));
    Ok(())
}

#[test]
fn a_cell_names_the_first_symbols_only() -> Result {
    let symbols = (0..30).map(|n| collected(&format!("S{n}"), 77, None)).collect::<Result<Vec<_>>>()?;
    let shown = table::of(&[report("2025-11-24", "full", exported(symbols, vec![], None))?], Some(400));
    assert!(shown.contains("S6 1 bar;\u{a0}S7 1 bar;\u{a0}22 symbols more"), "{shown}");
    Ok(())
}

#[test]
fn a_finished_day_is_one_line() -> Result {
    let lines: Vec<_> = reports()?.iter().map(DayReport::summary).collect();
    insta::assert_snapshot!(lines.join("\n"));
    Ok(())
}

#[test]
fn days_that_the_source_no_longer_keeps_are_rejected_before_anything_runs() -> Result {
    let now = "2026-11-23T12:00:00Z".parse()?;
    let error = check_retention(&MarketSource::YAHOO, "2026-09-24".parse()?, Interval::FiveMinutes, now)
        .map_err(|error| error.to_string());
    assert_eq!(
        error,
        Err("Yahoo keeps 5m bars for 60 days, and 2026-09-24 is older: use --from 2026-09-25 or later".into())
    );
    assert_eq!(check_retention(&MarketSource::YAHOO, "2026-09-25".parse()?, Interval::FiveMinutes, now), Ok(()));
    assert_eq!(check_retention(&MarketSource::YAHOO, "2026-09-24".parse()?, Interval::OneHour, now), Ok(()));
    Ok(())
}

#[test]
fn a_range_without_ended_trading_days_is_reported_as_such() {
    assert_eq!(table::total(&[]), "no trading day of that range is over");
    assert_eq!(table::simulated(&[]), None);
}

#[test]
fn scripts_get_the_same_days() -> Result {
    let mut reports = reports()?;
    reports.remove(1); // the long list of gaps
    let folder = |report: &DayReport| std::path::Path::new("/home/me/results").join(report.date.to_string());
    let days = reports.iter().map(|report| DayJson::of(report, &folder(report))).collect();
    insta::assert_snapshot!(documented(&BackfillJson { place: place(), interval: Interval::FiveMinutes, days })?);
    Ok(())
}

#[test]
fn the_worst_day_decides_how_the_command_ends() -> Result {
    let whole = || Ok::<_, Box<dyn std::error::Error>>(exported(vec![collected("META", 78, Some(&[]))?], vec![], None));
    let reports = reports()?;
    for (outcomes, expected) in [
        (vec![], Exit::NoSession),
        (vec![DayOutcome::Closed, DayOutcome::NoSession, DayOutcome::NotOver], Exit::NoSession),
        (vec![whole()?, DayOutcome::Closed], Exit::Done),
        (vec![exported(vec![collected("META", 77, None)?], vec![], None), whole()?], Exit::Incomplete),
        (vec![exported(vec![], vec![failed("ZZZZ", Reason::UnknownSymbol)?], None)], Exit::Incomplete),
    ] {
        let days: Vec<_> = outcomes.into_iter().map(|day| report("2025-11-24", "full", day)).collect::<Result<_>>()?;
        assert_eq!(exit(&days), expected, "{days:#?}");
    }
    assert_eq!(exit(&reports), Exit::Failed);
    Ok(())
}
