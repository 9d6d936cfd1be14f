//! What a function answered, in a few words: the counts that show whether a run is worth its while.

use serde::Deserialize;
use shared::{
    format::thousands,
    payload::{CollectOutcome, Collection, CrawlStart, Export, StartedCrawl},
};

/// How many symbols without bars are named before the rest are only counted.
const NAMED: usize = 5;

/// What `lambda:invoke` answers.
#[derive(Debug, Deserialize)]
struct Invocation {
    #[serde(rename = "Payload")]
    payload: Answer,
}

/// The answers that say something worth a line.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Answer {
    Collected(Collection),
    Exported(Export),
    Crawl(StartedCrawl),
}

/// The answer of a task in words; `None` where it holds nothing to count.
pub fn describe(output: &str) -> Option<String> {
    match serde_json::from_str::<Invocation>(output).ok()?.payload {
        Answer::Collected(collection) => Some(collected(&collection)),
        Answer::Exported(Export::Exported { bars_seen, rows, .. }) => {
            Some(format!("{} rows from {} bars", thousands(rows), thousands(bars_seen)))
        }
        Answer::Exported(Export::Incomplete { bars_seen }) => {
            Some(format!("only {} bars have been delivered so far", thousands(bars_seen)))
        }
        Answer::Crawl(StartedCrawl { start: CrawlStart::AlreadyRunning, .. }) => {
            Some("a crawl of another run goes on".to_owned())
        }
        Answer::Crawl(_) => None,
    }
}

fn collected(collection: &Collection) -> String {
    let Collection { outcome, trade_date, interval, bars, symbols, simulated, .. } = collection;
    if *outcome == CollectOutcome::NoSession {
        return format!("{trade_date} has no session");
    }
    let goes_on = match outcome {
        CollectOutcome::Blocked => "; the market refuses to answer for now",
        CollectOutcome::Short => "; what is missing will be asked for once more",
        CollectOutcome::OutOfTime => "; the rest is still to be asked for",
        CollectOutcome::Collected | CollectOutcome::NoSession => "",
    };
    let simulated = if *simulated { " (simulated)" } else { "" };
    let short = match symbols.collected.iter().filter(|symbol| symbol.is_short()).count() {
        0 => String::new(),
        short => format!(" ({short} lack some)"),
    };
    let mut words = format!(
        "{} {interval} bars of {trade_date}{simulated}; symbols with bars: {}{short}, without: {}",
        thousands(*bars),
        symbols.collected.len(),
        symbols.failed.len()
    );
    if !symbols.failed.is_empty() {
        let mut names: Vec<_> = symbols.failed.iter().take(NAMED).map(|failed| failed.symbol.as_str()).collect();
        if symbols.failed.len() > NAMED {
            names.push("…");
        }
        words += &format!(" ({})", names.join(", "));
    }
    words + goes_on
}

/// `1 bar`, `2 bars`: a count of things.
pub fn pluralize(count: usize, thing: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", thousands(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_are_counted() {
        assert_eq!([1, 1_000].map(|count| pluralize(count, "bar")), ["1 bar", "1,000 bars"]);
    }

    #[test]
    fn an_answer_is_told_when_there_is_something_to_count() {
        let collection = |outcome: &str, failed: &str| {
            let bars = if outcome == "short" { 77 } else { 78 };
            format!(
                r#"{{"StatusCode":200,"Payload":{{"outcome":"{outcome}","trade_date":"2026-11-20","interval":"5m",
                "run_id":"r","collected_at":"2026-11-20T22:00:00Z","written_at":"2026-11-20T22:00:01Z","bars":1560,
                "records":4,"symbols":{{"collected":[{{"symbol":"META","bars":{bars},"expected":78}}],"failed":[{failed}]}},
                "simulated":true}}}}"#
            )
        };
        let failed = |name: &str| format!(r#"{{"symbol":"{name}","reason":"no_trades","detail":""}}"#);
        let many = ["A", "B", "C", "D", "E", "F"].map(failed).join(",");
        for (output, words) in [
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
                    "1,560 5m bars of 2026-11-20 (simulated); symbols with bars: 1 (1 lack some), without: 0; what is missing will be asked for once more",
                ),
            ),
            (
                collection("blocked", &failed("SQ")),
                Some(
                    "1,560 5m bars of 2026-11-20 (simulated); symbols with bars: 1, without: 1 (SQ); the market refuses to answer for now",
                ),
            ),
            (collection("no_session", ""), Some("2026-11-20 has no session")),
            (
                r#"{"Payload":{"outcome":"exported","bars_seen":780,"rows":70,"csv":"s3://b/c","report":"s3://b/r"}}"#
                    .into(),
                Some("70 rows from 780 bars"),
            ),
            (
                r#"{"Payload":{"outcome":"incomplete","bars_seen":12}}"#.into(),
                Some("only 12 bars have been delivered so far"),
            ),
            (r#"{"Payload":{"crawler":"c","start":"already_running"}}"#.into(), Some("a crawl of another run goes on")),
            (r#"{"Payload":{"crawler":"c","start":"started"}}"#.into(), None),
            (r#"{"Crawler":{"State":"READY"}}"#.into(), None),
            ("cut sho".into(), None),
        ] {
            assert_eq!(describe(&output).as_deref(), words, "{output}");
        }
    }
}
