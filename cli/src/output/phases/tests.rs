use serde_json::Value;

use super::*;
use crate::output::timeline::tests::{COLLECTED, events};

const DEFINITION: &str = include_str!("../../../../statemachine/pipeline.asl.json");

/// The lines that a log shows for a script of [`events`].
fn log(phases: &mut Phases, script: &str) -> Result<String, String> {
    let text = |line| match line {
        Line::Started(text) | Line::Updated(text) => format!("> {text}"),
        Line::Finished(text) => format!("= {text}"),
    };
    let lines: Vec<_> = events(script)?.iter().flat_map(|event| phases.advance(event)).map(text).collect();
    Ok(lines.join("\n"))
}

fn phases() -> Result<Phases, String> {
    let waits = Waits::of(DEFINITION, 1.0).map_err(|error| error.to_string())?;
    Ok(Phases::new(waits, Some(10)))
}

#[test]
fn a_run_is_told_in_a_users_words() -> Result<(), String> {
    let script = format!(
        "0 start\n0 pass Begin\n0 task Collect\n0 scheduled\n1.2 answer {COLLECTED}\n1.2 exit\n1.2 choice CollectionState
        1.2 wait WaitForDelivery\n101.2 exit\n101.2 task StartCrawler\n101.2 scheduled\n101.6 exit
        101.6 wait WaitForCrawl\n111.6 exit\n111.6 task GetCrawler\n111.6 scheduled\n111.7 exit\n111.7 choice CrawlState
        111.7 wait WaitForCrawl\n121.7 exit\n121.7 task GetCrawler\n121.7 scheduled\n121.8 exit\n121.8 choice CrawlState
        131.9 task RunQuery\n131.9 scheduled\n132.4 exit\n132.4 wait WaitForQuery\n134.4 exit
        134.4 task GetQueryExecution\n134.4 scheduled\n134.5 exit\n134.5 choice QueryState
        134.5 task ExportCsv\n134.5 scheduled
        135.5 answer {{\"Payload\":{{\"outcome\":\"incomplete\",\"bars_seen\":700}}}}\n135.5 exit
        135.5 choice AllBarsSeen\n135.5 wait WaitForBars\n195.5 exit\n195.5 task RunQuery\n195.5 scheduled\n196 exit
        196 task ExportCsv\n196 scheduled\n197 exit\n197 task NotifyExported\n197 scheduled\n197.5 exit\n198 end"
    );
    insta::assert_snapshot!(log(&mut phases()?, &script)?);
    Ok(())
}

#[test]
fn a_market_that_does_not_answer_is_waited_for_ever_longer() -> Result<(), String> {
    let blocked = COLLECTED
        .replace("\"outcome\":\"collected\"", "\"outcome\":\"blocked\"")
        .replace("\"requested\":1", "\"requested\":3")
        .replace("\"failed_count\":0,\"reasons\":{}", r#""failed_count":2,"reasons":{"blocked":1,"unknown_symbol":1}"#);
    let late = COLLECTED
        .replace("\"outcome\":\"collected\"", "\"outcome\":\"short\"")
        .replace("\"short\":0,", "\"short\":1,")
        .replace("\"sessions\":78", "\"sessions\":77");
    let open = COLLECTED
        .replace("\"outcome\":\"collected\"", "\"outcome\":\"session_open\"")
        .replace("\"simulated\"", "\"waits_until\":\"2026-11-20T21:00:00Z\",\"simulated\"");
    let script = format!(
        "0 start\n0 task Collect\n0 scheduled\n0.5 error MarketUnavailable: META: 503\n0.5 exit\n0.5 choice MarketDoesNotAnswer
        0.5 wait WaitForMarket\n60.5 exit\n60.5 task Collect\n60.5 scheduled\n61 answer {blocked}\n61 exit
        61 wait WaitForMarket\n961 exit\n961 task Collect\n961 scheduled\n962 answer {late}\n962 exit
        962 wait WaitForLateBars\n1262 exit\n1262 task Collect\n1262 scheduled\n1263 answer {open}\n1263 exit
        1263 wait WaitForSessions"
    );
    insta::assert_snapshot!(log(&mut phases()?, &script)?);
    Ok(())
}

#[test]
fn what_is_left_of_a_wait_is_counted_down() -> Result<(), String> {
    let mut phases = phases()?;
    let script = "0 start\n0 task Collect\n0 scheduled\n1 exit\n1 wait WaitForLateBars";
    let entered = events(script)?.last().map(|event| event.at).ok_or("no event")?;
    log(&mut phases, script)?;
    for (seconds, text) in [
        (0, "waiting for late bars 5:00"),
        (48, "waiting for late bars 4:12"),
        (299, "waiting for late bars 0:01"),
        (400, "waiting for late bars 0:00"),
    ] {
        assert_eq!(phases.describe(entered + SignedDuration::from_secs(seconds)).as_deref(), Some(text));
    }
    Ok(())
}

#[test]
fn an_attempt_that_failed_is_a_line() -> Result<(), String> {
    let script =
        "0 start\n0 task Collect\n0 scheduled\n0.5 error ServiceUnavailable: firehose answered 503\n2.5 scheduled
        3 error ServiceUnavailable: firehose answered 503\n7 scheduled\n8 exit\n8 task NotifyFailed\n8 scheduled
        8.1 error Sns.NotFound\n8.2 exit\n8.2 fail Failed\n8.2 end";
    insta::assert_snapshot!(log(&mut Phases::default(), script)?);
    Ok(())
}

#[test]
fn every_state_that_takes_time_has_words() -> Result<(), Box<dyn std::error::Error>> {
    let definition: Value = serde_json::from_str(DEFINITION)?;
    for (name, state) in definition["States"].as_object().into_iter().flatten() {
        if matches!(state["Type"].as_str(), Some("Task" | "Wait")) {
            assert!(Phases::default().phase_of(name).is_some(), "{name}");
        }
    }
    Ok(())
}

#[test]
fn the_waits_of_the_market_are_known_from_the_definition() -> Result<(), Box<dyn std::error::Error>> {
    let waits = Waits::of(DEFINITION, 1.0)?;
    let of = |list, round| waits.nth("WaitForMarket", list, round);
    assert_eq!(
        [of(0, 0), of(0, 3), of(0, 4), of(1, 0), of(1, 3)],
        [Some(300.0), Some(3600.0), None, Some(60.0), Some(1800.0)]
    );
    assert_eq!((waits.nth("WaitForPartition", 0, 1), waits.fixed("WaitForLateBars")), (Some(120.0), Some(300.0)));
    Ok(())
}
