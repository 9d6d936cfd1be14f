use super::*;

/// Reads a script with one event a line, such as `0.5 task Collect`: the seconds since the start, and the event.
pub fn events(script: &str) -> Result<Vec<RunEvent>, String> {
    let event = |(line, id): (&str, i64)| {
        let (seconds, rest) = line.split_once(' ').ok_or("no time")?;
        let ms = seconds.parse::<f64>().map_err(|error| error.to_string())? * 1000.0;
        let at =
            Timestamp::from_millisecond(1_800_000_000_000 + ms.round() as i64).map_err(|error| error.to_string())?;
        let (verb, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let failure = || {
            let (error, cause) = rest.split_once(": ").unwrap_or((rest, ""));
            ExecutionFailure { error: error.into(), cause: cause.into() }
        };
        let kind = match verb {
            "start" => EventKind::Started,
            "task" => EventKind::Entered(rest.into(), StateKind::Task),
            "wait" => EventKind::Entered(rest.into(), StateKind::Wait),
            "choice" => EventKind::Entered(rest.into(), StateKind::Choice),
            "pass" => EventKind::Entered(rest.into(), StateKind::Pass),
            "fail" => EventKind::Entered(rest.into(), StateKind::Fail),
            "scheduled" => EventKind::Scheduled,
            "answer" => EventKind::Succeeded(Some(rest.into())),
            "error" => EventKind::Failed(failure()),
            "exit" => EventKind::Exited,
            "end" => EventKind::Ended,
            other => return Err(format!("{other:?} is not an event")),
        };
        Ok(RunEvent { id, at, kind })
    };
    script.lines().map(str::trim).filter(|line| !line.is_empty()).zip(1..).map(event).collect()
}

/// The lines of a script, each with a mark: `>` started, `~` updated, `=` finished.
fn lines(timeline: &mut Timeline, script: &str) -> Result<String, String> {
    let marked = |line| match line {
        Line::Started(text) => format!("> {text}"),
        Line::Updated(text) => format!("~ {text}"),
        Line::Finished(text) => format!("= {text}"),
    };
    let lines: Vec<_> = events(script)?.iter().flat_map(|event| timeline.advance(event)).map(marked).collect();
    Ok(lines.join("\n"))
}

pub const COLLECTED: &str = r#"{"StatusCode":200,"Payload":{"outcome":"collected","trade_date":"2026-11-20","interval":"5m","run_id":"r","collected_at":"2026-11-20T22:00:00Z","written_at":"2026-11-20T22:00:01Z","bars":780,"records":2,"symbols":{"uri":"s3://lake/symbols.jsonl","requested":1,"collected":1,"short":0,"bars":{"sessions":78,"expected":78,"around_the_clock":0},"doubtful_bars":0,"failed_count":0,"reasons":{},"failed":[]},"simulated":true}}"#;

#[test]
fn a_run_is_shown_state_by_state_and_a_polling_loop_in_one_line() -> Result<(), String> {
    let definition = r#"{"States":{"WaitForDelivery":{"Seconds":100},"WaitForCrawl":{"Seconds":10}}}"#;
    let mut timeline = Timeline::new(Waits::of(definition, 1.0).map_err(|error| error.to_string())?);
    let script = format!(
        "0 start\n0 task Collect\n0 scheduled\n1.2 answer {COLLECTED}\n1.2 exit\n1.2 choice CollectionState\n1.2 exit
        1.2 wait WaitForDelivery\n101.2 exit
        101.2 task StartCrawler\n101.2 scheduled\n101.6 exit
        101.6 wait WaitForCrawl\n111.6 exit\n111.6 task GetCrawler\n111.6 scheduled\n111.7 exit\n111.7 choice CrawlState\n111.7 exit
        111.7 wait WaitForCrawl\n121.7 exit\n121.7 task GetCrawler\n121.7 scheduled\n121.8 exit\n121.8 choice CrawlState\n121.8 exit
        121.8 wait WaitForCrawl\n131.8 exit\n131.8 task GetCrawler\n131.8 scheduled\n131.9 exit\n131.9 choice CrawlState\n131.9 exit
        131.9 task RunQuery\n131.9 scheduled\n132.4 exit
        132.4 wait WaitForQuery\n134.4 exit\n134.4 task GetQueryExecution\n134.4 scheduled\n134.5 exit\n134.5 choice QueryState\n134.5 exit
        134.5 task ExportCsv\n134.5 scheduled
        135.5 answer {{\"Payload\":{{\"outcome\":\"exported\",\"bars_seen\":780,\"rows\":70,\"csv\":\"s3://b/c\",\"report\":\"s3://b/r\"}}}}
        135.5 exit\n135.5 choice AllBarsSeen\n135.5 exit\n135.5 task NotifyExported\n135.5 scheduled\n135.6 exit
        135.6 pass Exported\n135.6 exit\n135.6 end"
    );
    insta::assert_snapshot!(lines(&mut timeline, &script)?);
    assert!(timeline.has_ended());
    Ok(())
}

#[test]
fn each_round_of_waiting_for_late_bars_has_its_own_lines() -> Result<(), String> {
    let round = |at: u32| {
        format!(
            "{at} task RunQuery\n{at} scheduled\n{at}.1 exit\n{at}.1 wait WaitForQuery\n{at}.3 exit
            {at}.3 task GetQueryExecution\n{at}.3 scheduled\n{at}.4 exit\n{at}.4 task ExportCsv\n{at}.4 scheduled
            {at}.5 answer {{\"Payload\":{{\"outcome\":\"incomplete\",\"bars_seen\":{at}00}}}}\n{at}.5 exit
            {at}.5 wait WaitForBars\n{at}.9 exit\n"
        )
    };
    insta::assert_snapshot!(lines(&mut Timeline::default(), &["0 start\n", &round(1), &round(2)].concat())?);
    Ok(())
}

#[test]
fn failed_attempts_are_shown_and_a_failure_names_its_state() -> Result<(), String> {
    let mut timeline = Timeline::default();
    let script =
        "0 start\n0 task Collect\n0 scheduled\n0.5 error ServiceUnavailable: firehose answered 503\n2.5 scheduled
        3 error ServiceUnavailable: firehose answered 503\n7 scheduled\n8 exit
        8 task StartCrawler\n8 scheduled\n9 error AccessDenied: no\n9 exit
        9 task NotifyFailed\n9 scheduled\n9.1 error Sns.NotFound\n9.2 exit\n9.2 fail Failed\n9.2 end";
    insta::assert_snapshot!(lines(&mut timeline, script)?);
    assert_eq!(timeline.failed_in("AccessDenied"), Some("StartCrawler"));
    Ok(())
}

#[test]
fn a_failure_raised_by_the_state_machine_names_the_state_that_decided() -> Result<(), String> {
    let mut timeline = Timeline::default();
    let script = "0 start\n0 task GetCrawler\n0 scheduled\n0.1 exit\n0.1 choice CrawlState\n0.1 exit\n0.1 pass CrawlFailed\n0.1 exit
        0.1 task NotifyFailed\n0.1 scheduled\n0.2 exit\n0.2 fail Failed\n0.2 end";
    lines(&mut timeline, script)?;
    assert_eq!(timeline.failed_in("CrawlFailed"), Some("CrawlState"));
    Ok(())
}

#[test]
fn a_timeline_of_a_running_execution_knows_its_last_event() -> Result<(), String> {
    let mut timeline = Timeline::default();
    lines(&mut timeline, "0 start\n0 task Collect")?;
    assert_eq!(timeline.last_event(), 2);
    assert!(!timeline.has_ended());
    Ok(())
}
