//! One-line summaries of what a function returned: counts of bars, symbols and rows.

use serde::Deserialize;
use shared::{
    format::thousands,
    payload::{CollectOutcome, Collection, CrawlStart, Export, StartedCrawl},
};

/// How many symbols without bars are named before an ellipsis stands for the rest.
const MAX_NAMES: usize = 5;

/// The output of a `lambda:invoke` task.
/// <https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html>
#[derive(Debug, Deserialize)]
struct Invocation {
    #[serde(rename = "Payload")]
    payload: TaskResult,
}

/// The results with something to summarize.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum TaskResult {
    /// Boxed, since it is much larger than the others.
    Collected(Box<Collection>),
    Exported(Export),
    Crawl(StartedCrawl),
}

impl TaskResult {
    /// Reads a task's output, JSON as Step Functions records it; `None` where it is none of these.
    pub fn read(output: &str) -> Option<Self> {
        Some(serde_json::from_str::<Invocation>(output).ok()?.payload)
    }
}

/// Summarizes a task's output, JSON as Step Functions records it; `None` where it holds nothing to summarize.
pub fn describe(output: &str) -> Option<String> {
    match TaskResult::read(output)? {
        TaskResult::Collected(collection) => Some(describe_collection(&collection)),
        TaskResult::Exported(Export::Exported { bars_seen, rows, superseded_by, .. }) => {
            let newer = superseded_by.map(|run_id| format!("; {run_id} collected later and is the day's export"));
            Some(format!("{} rows from {} bars{}", thousands(rows), thousands(bars_seen), newer.unwrap_or_default()))
        }
        TaskResult::Exported(Export::Incomplete { bars_seen }) => {
            Some(format!("only {} bars have been delivered so far", thousands(bars_seen)))
        }
        TaskResult::Crawl(StartedCrawl { start: CrawlStart::AlreadyRunning, .. }) => {
            Some("a crawl of another run is running".to_owned())
        }
        TaskResult::Crawl(_) => None,
    }
}

fn describe_collection(collection: &Collection) -> String {
    let Collection { outcome, trade_date, interval, bars, symbols, simulated, .. } = collection;
    if *outcome == CollectOutcome::NoSession {
        return format!("{trade_date} has no session");
    }
    let next = match outcome {
        CollectOutcome::Blocked => "; the market is blocking requests",
        CollectOutcome::Unavailable => "; the market is down",
        CollectOutcome::Short => "; the missing bars will be requested once more",
        CollectOutcome::OutOfTime => "; the rest is still to be requested",
        CollectOutcome::SessionOpen => "; waiting for sessions that are still going on",
        CollectOutcome::Collected | CollectOutcome::NoSession => "",
    };
    let simulated = if *simulated { " (simulated)" } else { "" };
    let short = match symbols.short {
        0 => String::new(),
        short => format!(" ({} incomplete)", thousands(short)),
    };
    let mut text = format!(
        "{} {interval} bars of {trade_date}{simulated}; symbols with bars: {}{short}, without: {}",
        thousands(*bars),
        thousands(symbols.collected),
        thousands(symbols.failed_count)
    );
    if !symbols.failed.is_empty() {
        let mut names: Vec<_> = symbols.failed.iter().take(MAX_NAMES).map(|failed| failed.symbol.as_str()).collect();
        if symbols.failed_count > MAX_NAMES {
            names.push("…");
        }
        text += &format!(" ({})", names.join(", "));
    }
    let until = collection.waits_until.map(|until| until.strftime(", until %Y-%m-%d %H:%M UTC").to_string());
    text + next + &until.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_with_counts_are_summarized() {
        let collection = |outcome: &str, failed: &str| {
            let short = usize::from(outcome == "short");
            let count = failed.matches("symbol").count();
            format!(
                r#"{{"StatusCode":200,"Payload":{{"outcome":"{outcome}","trade_date":"2026-11-20","interval":"5m",
                "run_id":"r","collected_at":"2026-11-20T22:00:00Z","written_at":"2026-11-20T22:00:01Z","bars":1560,
                "records":4,"symbols":{{"uri":"s3://lake/symbols.jsonl","requested":7,"collected":1,"short":{short},
                "bars":{{"sessions":78,"expected":78,"around_the_clock":0}},"doubtful_bars":0,"failed_count":{count},"reasons":{{}},
                "failed":[{failed}]}},"simulated":true}}}}"#
            )
        };
        let failed = |name: &str| format!(r#"{{"symbol":"{name}","reason":"no_trades","detail":""}}"#);
        let many = ["A", "B", "C", "D", "E", "F"].map(failed).join(",");
        for (output, expected) in [
            (
                collection("collected", &failed("SQ")),
                Some("1,560 5m bars of 2026-11-20 (simulated); symbols with bars: 1, without: 1 (SQ)"),
            ),
            (
                collection("collected", &many),
                Some("1,560 5m bars of 2026-11-20 (simulated); symbols with bars: 1, without: 6 (A, B, C, D, E, …)"),
            ),
            (
                collection("short", ""),
                Some(
                    "1,560 5m bars of 2026-11-20 (simulated); symbols with bars: 1 (1 incomplete), without: 0; the missing bars will be requested once more",
                ),
            ),
            (
                collection("blocked", &failed("SQ")),
                Some(
                    "1,560 5m bars of 2026-11-20 (simulated); symbols with bars: 1, without: 1 (SQ); the market is blocking requests",
                ),
            ),
            (
                collection("session_open", &failed("BTC-USD"))
                    .replace("\"simulated\"", "\"waits_until\":\"2026-11-21T00:10:00Z\",\"simulated\""),
                Some(
                    "1,560 5m bars of 2026-11-20 (simulated); symbols with bars: 1, without: 1 (BTC-USD); waiting for sessions that are still going on, until 2026-11-21 00:10 UTC",
                ),
            ),
            (collection("no_session", ""), Some("2026-11-20 has no session")),
            (
                r#"{"Payload":{"outcome":"exported","bars_seen":780,"rows":70,"csv":"s3://b/c","report":"s3://b/r"}}"#
                    .into(),
                Some("70 rows from 780 bars"),
            ),
            (
                r#"{"Payload":{"outcome":"exported","bars_seen":780,"rows":70,"csv":"s3://b/c","report":"s3://b/r","superseded_by":"run-2"}}"#
                    .into(),
                Some("70 rows from 780 bars; run-2 collected later and is the day's export"),
            ),
            (
                r#"{"Payload":{"outcome":"incomplete","bars_seen":12}}"#.into(),
                Some("only 12 bars have been delivered so far"),
            ),
            (
                r#"{"Payload":{"crawler":"c","start":"already_running"}}"#.into(),
                Some("a crawl of another run is running"),
            ),
            (r#"{"Payload":{"crawler":"c","start":"started"}}"#.into(), None),
            (r#"{"Crawler":{"State":"READY"}}"#.into(), None),
            ("cut sho".into(), None),
        ] {
            assert_eq!(describe(&output).as_deref(), expected, "{output}");
        }
    }
}
