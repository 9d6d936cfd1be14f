use std::path::PathBuf;

use shared::payload::{CollectedSymbol, SymbolOutcomes};

use super::{
    super::backfill::{json::DayJson, outcome::Exported},
    json::StatusJson,
    schedule::{Installed, Scheduler},
    status::Status,
    *,
};
use crate::{
    aws::history::ExecutionFailure,
    output::json::tests::{documented, place},
};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

fn exported(bars: usize, simulated: bool, seconds: Option<f64>) -> Result<DayOutcome> {
    let meta = CollectedSymbol { gaps: Some(vec![]), ..CollectedSymbol::new("META".parse()?, bars, Some(78)) };
    let symbols = SymbolOutcomes { collected: vec![meta], failed: vec![] };
    Ok(DayOutcome::Exported(Exported { symbols, restated: vec![], expected: Some(78), simulated, seconds }))
}

fn blocked() -> DayOutcome {
    let cause = "yahoo answered 429 to <every> request".into();
    let failure = ExecutionFailure { error: "MarketBlocked".into(), cause };
    DayOutcome::Failed { execution: "backfill-2026-11-20-5m-0".into(), failure }
}

fn report(date: &str, outcome: DayOutcome) -> Result<DayReport> {
    Ok(DayReport { date: date.parse()?, session: "full", outcome })
}

fn reports() -> Result<Vec<DayReport>> {
    Ok(vec![
        report("2026-11-16", exported(78, false, None)?)?,
        report("2026-11-18", exported(77, true, None)?)?,
        report("2026-11-19", exported(78, false, Some(163.2))?)?,
        report("2026-11-20", blocked())?,
    ])
}

/// A state after two runs: of the 17th and 18th, and of the 16th to the 20th, of which the last failed.
pub fn state() -> Result<State> {
    let out = OutFolder::from(PathBuf::from("/home/me/results")).for_days();
    let mut state = State::default();
    let first = [report("2026-11-17", DayOutcome::NoSession)?, report("2026-11-18", exported(77, true, Some(9.5))?)?];
    for (started, reports) in [("2026-11-18T22:31:00Z", &first[..]), ("2026-11-20T22:33:00Z", &reports()?)] {
        let started: Timestamp = started.parse()?;
        let message = failure(None, reports);
        let last_run = LastRun {
            list: "companies".parse()?,
            started,
            ended: started + 200.seconds(),
            outcome: backfill::exit(reports).into(),
            message,
            index: out.index(),
            days: reports.iter().map(|report| report.date).collect(),
        };
        state.record(last_run, reports, &out);
    }
    Ok(state)
}

#[test]
fn a_state_is_read_as_it_was_written() -> Result {
    let home = tempfile::tempdir()?;
    let state = state()?;
    state.save(home.path())?;
    assert_eq!(State::load(home.path())?, state);
    let started = "2026-11-20T22:33:00Z".parse()?;
    assert!(state.has_run_since(started) && !state.has_run_since(started + 1.second()));
    Ok(())
}

#[test]
fn the_newest_sessions_are_those_that_have_ended() -> Result {
    for (count, symbol, now, expected) in [
        // Thanksgiving Day, before the open; the weekend does not count.
        (3, "META", "2026-11-26T08:00:00Z", "2026-11-23 full, 2026-11-24 full, 2026-11-25 full"),
        // The half day after it, a minute before and at its close.
        (2, "META", "2026-11-27T17:59:00Z", "2026-11-24 full, 2026-11-25 full"),
        (2, "META", "2026-11-27T18:00:00Z", "2026-11-25 full, 2026-11-27 half"),
        (2, "7203.T", "2026-11-23T12:00:00Z", "2026-11-20 -, 2026-11-23 -"),
        (3, "BTC-USD", "2026-11-23T12:00:00Z", "2026-11-21 -, 2026-11-22 -, 2026-11-23 -"),
    ] {
        let sessions = newest_sessions(count, &["SNAP".parse()?, symbol.parse()?], now.parse()?);
        let sessions: Vec<_> = sessions.iter().map(|(date, day)| format!("{date} {}", day.label())).collect();
        assert_eq!(sessions.join(", "), expected, "{symbol} at {now}");
    }
    Ok(())
}

#[test]
fn a_failure_is_said_with_what_to_do() -> Result {
    assert_eq!(failure(None, &reports()?[..3]), None);
    let message = failure(Some(&anyhow::anyhow!("no space left")), &reports()?).ok_or("no message")?;
    let expected =
        "no space left\n2026-11-20 failed with MarketBlocked: yahoo answered 429 to <every> request; wait an hour";
    assert!(message.starts_with(expected), "{message}");
    Ok(())
}

#[test]
fn scripts_get_the_days_and_the_page() -> Result {
    let reports = reports()?.split_off(2);
    let days =
        reports.iter().map(|report| DayJson::of(report, &PathBuf::from(format!("/home/me/results/{}", report.date))));
    let list = "companies".parse()?;
    let index = "/home/me/results/index.html".to_owned();
    insta::assert_snapshot!(documented(&DailyJson { place: place(), list: &list, index, days: days.collect() })?);
    Ok(())
}

#[test]
fn scripts_get_the_last_run_and_the_next() -> Result {
    let folder = PathBuf::from("/home/me/.config/systemd/user");
    let installed = Installed {
        files: ["finstream-daily.service", "finstream-daily.timer"].map(|name| folder.join(name)).into(),
        schedule: Schedule { at: jiff::civil::time(17, 30, 0, 0) },
        active: Some(true),
        next: "2026-11-23T22:30:00Z".parse()?,
    };
    let status = Status { scheduler: Scheduler::Systemd, installed: Some(installed), state: state()? };
    insta::assert_snapshot!(documented(&StatusJson::of(&status))?);
    let nothing = Status { scheduler: Scheduler::Systemd, installed: None, state: State::default() };
    assert_eq!(serde_json::to_string(&StatusJson::of(&nothing))?, r#"{"installed":false,"last_run":null}"#);
    Ok(())
}
