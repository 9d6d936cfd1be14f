//! The handler against an S3 in memory: what it reads, what it publishes in which order, and how it fails.

mod memory_s3; // S3, as far as this function uses it
mod two_runs; // any interleaving of the calls of two or three runs of a day, with kills

use std::sync::{Arc, Mutex, PoisonError};

use lambda_runtime::{Context, Diagnostic};
use serde_json::json;
use shared::{S3Uri, hourly_extreme, payload::SymbolOutcome};

use super::*;
use crate::sample;
use memory_s3::{Failing, MemoryS3, Shared};

type Outcome = Result<(), Box<dyn std::error::Error>>;

const RUNS: &str = "lake/runs/trade_date=2021-11-30";
const OUTCOMES: &str = "lake/runs/trade_date=2021-11-30/run-1/symbols.jsonl";
const REPORT: &str = "lake/runs/trade_date=2021-11-30/run-1/report.html";
const CSV: &str = "lake/runs/trade_date=2021-11-30/run-1/hourly_extremes.csv";
const MANIFEST: &str = "lake/exports/tech/interval=5m/trade_date=2021-11-30/manifest.json";
const REPORT_COPY: &str = "lake/exports/tech/interval=5m/trade_date=2021-11-30/report.html";
const CSV_COPY: &str = "lake/exports/tech/interval=5m/trade_date=2021-11-30/hourly_extremes.csv";

/// An S3 with a query result, to a role that may not list the bucket.
fn s3_with(result: String) -> MemoryS3 {
    let objects = [("lake/results/q-1.csv".to_owned(), result.into_bytes())].into();
    MemoryS3 { objects, hides_missing: true, ..MemoryS3::default() }
}

fn share(s3: MemoryS3) -> Shared {
    Arc::new(Mutex::new(s3))
}

/// Invokes the function for an event whose symbols' outcomes are put where `collect` leaves them.
async fn invoke(s3: &Shared, mut payload: Value) -> Result<Export, Diagnostic> {
    if let Ok((uri, outcomes)) = sample::split_event(&mut payload) {
        let mut s3 = s3.lock().unwrap_or_else(PoisonError::into_inner);
        s3.objects.entry(format!("{}/{}", uri.bucket, uri.key)).or_insert(outcomes);
    }
    Ok(memory_s3::exporter(s3).handle(LambdaEvent::new(payload, Context::default())).await?)
}

/// What was written since the last call: keys, content types and contents.
fn written(s3: &Shared) -> Vec<(String, String, String)> {
    std::mem::take(&mut s3.lock().unwrap_or_else(PoisonError::into_inner).written)
}

fn written_keys(s3: &Shared) -> Vec<String> {
    written(s3).into_iter().map(|(key, ..)| key).collect()
}

fn content(s3: &Shared, key: &str) -> String {
    let s3 = s3.lock().unwrap_or_else(PoisonError::into_inner);
    s3.objects.get(key).map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default()
}

/// The sample event of another run.
fn event_of(run_id: &str, collected_at: &str) -> Value {
    let mut event = sample::event();
    event["collection"]["run_id"] = json!(run_id);
    event["collection"]["collected_at"] = json!(collected_at);
    event
}

#[tokio::test]
async fn a_complete_run_writes_its_files_then_the_manifest_then_the_copies() -> Outcome {
    let s3 = share(s3_with(sample::result()));
    let export = invoke(&s3, sample::event()).await.map_err(|d| d.error_message)?;
    let uri = |name: &str| S3Uri::new("lake", format!("runs/trade_date=2021-11-30/run-1/{name}"));
    let expected = Export::Exported {
        bars_seen: 42,
        rows: 5,
        csv: uri("hourly_extremes.csv"),
        report: uri("report.html"),
        superseded_by: None,
        restated: vec!["XYZ".parse()?],
        restated_count: 1,
        carried_over: vec![],
        carried_over_count: 0,
    };
    assert_eq!(export, expected);
    let written = written(&s3);
    let places: Vec<_> = written.iter().map(|(key, kind, _)| (key.as_str(), kind.as_str())).collect();
    let (html, csv) = ("text/html; charset=utf-8", "text/csv; charset=utf-8");
    let (json, lines) = ("application/json", "application/jsonl");
    let own = [(OUTCOMES, lines), (REPORT, html), (CSV, csv)];
    assert_eq!(places, [&own[..], &[(MANIFEST, json), (REPORT_COPY, html), (CSV_COPY, csv)]].concat());
    let outcomes = content(&s3, OUTCOMES);
    let restated = outcomes.lines().filter(|line| line.contains("\"restated\":true")).collect::<Vec<_>>();
    assert!(restated.len() == 1 && restated[0].contains("\"symbol\":\"XYZ\""), "{outcomes}");
    assert_eq!((content(&s3, REPORT_COPY), content(&s3, CSV_COPY)), (content(&s3, REPORT), content(&s3, CSV)));
    assert!(content(&s3, REPORT).starts_with("<!DOCTYPE html>"));
    assert!(
        content(&s3, CSV).starts_with(&hourly_extreme::COLUMNS.join(",")) && content(&s3, CSV).lines().count() == 6
    );
    let manifest: Manifest = serde_json::from_str(&content(&s3, MANIFEST))?;
    assert_eq!((&*manifest.run_id, manifest.files.csv), ("run-1", uri("hourly_extremes.csv")));
    Ok(())
}

/// The lake has bars of a symbol that this run did not get, and of one that is not in its list.
#[tokio::test]
async fn what_a_run_lacks_is_carried_over_from_the_lake() -> Outcome {
    let row = |symbol: &str, name: &str| {
        let row = sample::row().replace("META", symbol).replace("Meta Platforms", name);
        row.replace("\"18\",\"2021-11-30T22:30:00Z\"", "\"0\",\"2021-11-30T21:15:00Z\"")
    };
    let rows = sample::result().replacen(sample::HEADER, "", 1);
    let result = [sample::HEADER, &row("FB", "A fund"), &rows, &row("OKTA", "The one that is called Okta")].concat();
    let s3 = share(s3_with(result));
    let export = invoke(&s3, sample::event()).await.map_err(|d| d.error_message)?;
    let Export::Exported { carried_over, rows, .. } = export else { return Err(format!("{export:?}").into()) };
    assert_eq!(carried_over.iter().map(ToString::to_string).collect::<Vec<_>>(), ["FB of 2021-11-30 21:15 UTC"]);
    assert_eq!(rows, 6);
    let outcomes = SymbolOutcomes::read(content(&s3, OUTCOMES).as_bytes())?;
    assert_eq!((outcomes.carried_over(), outcomes.restated()), (carried_over, vec!["XYZ".parse()?]));
    let (csv, report) = (content(&s3, CSV), content(&s3, REPORT));
    assert!(csv.contains("\nA fund,FB,") && !csv.contains("OKTA"), "{csv}");
    assert!(report.contains("Symbols of an earlier run") && report.contains("<p>FB of 2021-11-30 21:15 UTC</p>"));
    assert!(!report.contains("OKTA"));
    Ok(())
}

/// A run over symbols that were given by hand replaces nobody's publication.
#[tokio::test]
async fn a_run_over_symbols_by_hand_writes_its_own_files_alone() -> Outcome {
    let s3 = share(s3_with(sample::result()));
    let mut event = sample::event();
    event["collection"]["list"] = Value::Null;
    let export = invoke(&s3, event).await.map_err(|d| d.error_message)?;
    assert!(matches!(export, Export::Exported { rows: 5, superseded_by: None, .. }), "{export:?}");
    assert_eq!(written_keys(&s3), [OUTCOMES, REPORT, CSV]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn of_two_runs_the_one_that_collected_later_is_published() -> Outcome {
    let (before, after) = ("2021-11-30T22:29:59Z", "2021-11-30T22:30:01Z");
    let own =
        |run: &str| ["symbols.jsonl", "report.html", "hourly_extremes.csv"].map(|name| format!("{RUNS}/{run}/{name}"));
    for (run_id, collected_at, published, writes_more) in [
        ("run-1", "2021-11-30T22:30:00Z", "run-1", &[][..]), // the same run, exported again
        ("older", before, "run-1", &[]),
        ("newer", after, "newer", &[MANIFEST, REPORT_COPY]), // its CSV is the same
    ] {
        let s3 = share(s3_with(sample::result()));
        invoke(&s3, sample::event()).await.map_err(|d| d.error_message)?;
        written(&s3);
        let mut event = event_of(run_id, collected_at);
        event["collection"]["symbols"]["failed"] = json!([]); // another report
        if run_id == "run-1" {
            event = sample::event();
        }
        let export = invoke(&s3, event).await.map_err(|d| d.error_message)?;
        let Export::Exported { superseded_by, .. } = export else { return Err(format!("{export:?}").into()) };
        let superseded_by = superseded_by.map(|run_id| run_id.to_string());
        assert_eq!(superseded_by.as_deref(), Some(published).filter(|run| *run != run_id), "{run_id}");
        let expected: Vec<_> = own(run_id).into_iter().chain(writes_more.iter().map(|&key| key.to_owned())).collect();
        assert_eq!(written_keys(&s3), expected, "{run_id}");
        assert!(content(&s3, MANIFEST).contains(&format!("\"run_id\":\"{published}\"")), "{run_id}");
        assert_eq!(content(&s3, REPORT_COPY), content(&s3, &format!("{RUNS}/{published}/report.html")), "{run_id}");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn copies_that_a_killed_export_left_behind_are_replaced_by_those_of_the_manifest() -> Outcome {
    let s3 = share(s3_with(sample::result()));
    invoke(&s3, sample::event()).await.map_err(|d| d.error_message)?;
    for lost in [None, Some("of another run")] {
        {
            let mut s3 = s3.lock().map_err(|error| error.to_string())?;
            s3.objects.remove(REPORT_COPY);
            s3.objects.extend(lost.map(|content| (CSV_COPY.to_owned(), content.into())));
        }
        // An older run finds them.
        invoke(&s3, event_of("older", "2021-11-30T22:29:59Z")).await.map_err(|d| d.error_message)?;
        assert_eq!((content(&s3, REPORT_COPY), content(&s3, CSV_COPY)), (content(&s3, REPORT), content(&s3, CSV)));
    }
    Ok(())
}

#[tokio::test]
async fn a_query_that_has_not_seen_every_bar_publishes_nothing() -> Outcome {
    // The bars of META, SHOP and XYZ that were collected; the result has 18, 18 and 6 of the run's.
    for (result, bars, seen) in [
        (sample::result(), [18, 18, 7], 42),
        (sample::result(), [10, 18, 14], 34), // as many in all, but not of each
        (sample::HEADER.to_owned(), [18, 18, 6], 0),
    ] {
        let s3 = share(s3_with(result));
        let mut event = sample::event();
        event["collection"]["bars"] = json!(bars.iter().sum::<usize>());
        for (place, bars) in bars.into_iter().enumerate() {
            event["collection"]["symbols"]["collected"][place]["bars"] = json!(bars);
        }
        let export = invoke(&s3, event).await.map_err(|d| d.error_message)?;
        assert_eq!(export, Export::Incomplete { bars_seen: seen });
        assert_eq!(written(&s3), []);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn every_failure_has_its_name_and_says_what_to_do() {
    let with = |field: &str, value: Value| {
        let mut event = sample::event();
        if let Some(place) = event.pointer_mut(field) {
            *place = value;
        }
        event
    };
    let failing = |method, end, status, code| MemoryS3 {
        failing: Some(Failing(method, end, status, code)),
        ..s3_with(sample::result())
    };
    let good = || s3_with(sample::result());
    let with_manifest = |manifest: &str| {
        let mut s3 = good();
        s3.objects.insert(MANIFEST.to_owned(), manifest.into());
        MemoryS3 { hides_missing: false, ..s3 }
    };
    let with_outcomes = |outcomes: &str| {
        let mut s3 = good();
        s3.objects.insert(OUTCOMES.to_owned(), outcomes.into());
        s3
    };
    let dangling = r#"{"run_id":"z","collected_at":"2999-01-01T00:00:00Z","csv":"s3://lake/c","report":"s3://lake/r"}"#;
    let own: &[&str] = &[OUTCOMES, REPORT, CSV];
    for (s3, event, name, says, wrote) in [
        (good(), json!({}), "InvalidInput", "missing field `collection`", &[][..]),
        (good(), with("/query_result", json!("results/q-1.csv")), "InvalidInput", "use s3://bucket/key", &[]),
        (good(), with("/collection/trade_date", json!("today")), "InvalidInput", "\"today\" is not a trade date", &[]),
        (good(), with("/collection/bars", json!(0)), "InvalidInput", "has no bars", &[]),
        (good(), with("/collection/outcome", json!("no_session")), "InvalidInput", "has no bars", &[]),
        (MemoryS3::default(), sample::event(), "InvalidResult", "run the query again", &[]),
        (
            failing("GET", "q-1.csv", 404, "NoSuchBucket"),
            sample::event(),
            "InvalidResult",
            "no query result at s3://lake/results/q-1.csv",
            &[],
        ),
        (s3_with(String::new()), sample::event(), "InvalidResult", "is empty", &[]),
        (
            good(),
            with("/collection/trade_date", json!("2021-12-01")),
            "InvalidResult",
            "its trade_date is 2021-11-30",
            &[],
        ),
        (failing("GET", "", 403, "AccessDenied"), sample::event(), "AccessDenied", "s3:GetObject", &[]),
        (failing("PUT", "", 403, "AccessDenied"), sample::event(), "AccessDenied", "s3:PutObject", &[]),
        (failing("GET", "", 400, "InvalidRequest"), sample::event(), "ServiceRefused", "InvalidRequest", &[]),
        (failing("PUT", "", 503, "SlowDown"), sample::event(), "ServiceUnavailable", "SlowDown", &[]),
        (failing("PUT", "manifest.json", 503, "SlowDown"), sample::event(), "ServiceUnavailable", "SlowDown", own),
        (
            failing("GET", "manifest.json", 403, "AccessDenied"),
            sample::event(),
            "AccessDenied",
            "s3:GetObject",
            &[OUTCOMES, REPORT, CSV, MANIFEST, REPORT_COPY, CSV_COPY],
        ),
        (
            failing("PUT", "manifest.json", 409, "ConditionalRequestConflict"),
            sample::event(),
            "ServiceUnavailable",
            "manifest.json was replaced or deleted",
            own,
        ),
        (
            failing("PUT", "manifest.json", 404, "NoSuchKey"),
            sample::event(),
            "ServiceUnavailable",
            "manifest.json was replaced or deleted",
            own,
        ),
        (
            failing("PUT", "0/report.html", 409, "ConditionalRequestConflict"),
            sample::event(),
            "ServiceUnavailable",
            "hourly_extremes.csv was replaced or deleted",
            &[OUTCOMES, REPORT, CSV, MANIFEST, CSV_COPY],
        ),
        (with_outcomes("{}"), sample::event(), "InvalidResult", "symbols.jsonl cannot be read: line 1 is not", &[]),
        (
            failing("GET", "symbols.jsonl", 404, "NoSuchKey"),
            sample::event(),
            "InvalidResult",
            "gone from s3://lake/runs/trade_date=2021-11-30/run-1/symbols.jsonl",
            &[],
        ),
        (failing("PUT", "symbols.jsonl", 503, "SlowDown"), sample::event(), "ServiceUnavailable", "SlowDown", &[]),
        (with_manifest("{}"), sample::event(), "InvalidResult", "manifest.json is not a manifest", own),
        (with_manifest(dangling), sample::event(), "InvalidResult", "names s3://lake/r, which does not exist", own),
    ] {
        let s3 = share(s3);
        let said = invoke(&s3, event).await.map_err(|d| (d.error_type, d.error_message));
        let fits = said.as_ref().is_err_and(|(error, message)| error == name && message.contains(says));
        assert!(fits, "expected {name}, {says:?}: {said:?}");
        assert_eq!(written_keys(&s3), wrote, "{name}: {says}");
    }
}

/// A lake with the bars of an earlier run, of which this one has got nothing.
#[tokio::test]
async fn the_answer_lists_the_first_of_many_symbols_that_are_carried_over() -> Outcome {
    let symbols: Vec<_> = (0..2_000).map(|n| format!("S{n:019}")).collect();
    let row = |symbol: &String| {
        let row = sample::row()
            .replace("META", symbol)
            .replace("Meta Platforms", &format!("Z {symbol}"))
            .replace("\"false\"", "\"true\"");
        row.replace("\"18\",\"2021-11-30T22:30:00Z\"", "\"0\",\"2021-11-30T21:15:00Z\"")
    };
    let s3 = share(s3_with(sample::result() + &symbols.iter().map(row).collect::<String>()));
    let mut event = sample::event();
    let failed = |symbol| json!({"symbol": symbol, "reason": "blocked", "detail": "é".repeat(100)});
    event["collection"]["symbols"]["failed"] = symbols.iter().map(failed).collect();
    let export = invoke(&s3, event).await.map_err(|d| d.error_message)?;
    assert!(serde_json::to_string(&export)?.len() < 4 * 1024, "{export:?}");
    let Export::Exported { restated, restated_count, carried_over, carried_over_count, .. } = export else {
        return Err(format!("{export:?}").into());
    };
    assert_eq!((restated.len(), restated_count, carried_over.len(), carried_over_count), (10, 2_001, 10, 2_000));
    let outcomes = SymbolOutcomes::read(content(&s3, OUTCOMES).as_bytes())?;
    assert_eq!((outcomes.restated().len(), outcomes.carried_over().len()), (2_001, 2_000));
    Ok(())
}

#[test]
fn the_sample_event_is_a_request() -> Outcome {
    let request: ExportRequest = serde_json::from_str(include_str!("../events/export.json"))?;
    let outcomes = SymbolOutcome::read_all(include_bytes!("../events/symbols.jsonl")).collect::<Result<Vec<_>, _>>()?;
    assert_eq!(SymbolSummary::of(request.collection.symbols.uri.clone(), &outcomes), request.collection.symbols);
    assert_eq!(request.collection.symbols.bars.total(), request.collection.bars);
    Ok(())
}
