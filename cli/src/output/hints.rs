//! What to do about a failed run: one line for each error name with which an execution can fail, and for `NotFollowed`
//! and `Aborted`, under which the command reports one that it could not follow or that was stopped.

/// The names of the functions' errors, then the state machine's own, then the command's own, then those of Step Functions
/// and Lambda.
const HINTS: [(&str, &str); 27] = [
    ("InvalidInput", "correct the input; finstream run checks it before it starts anything"),
    (
        "SourceUnauthorized",
        "store a valid key of the market source in its secret, and run again: nothing is deployed anew",
    ),
    ("InvalidList", "finstream lists check NAME shows every bad line, and finstream lists edit NAME corrects them"),
    ("AccessDenied", "give the function's role in template.yaml the permission that the cause names, and deploy again"),
    ("ServiceRefused", "the request or the resource is wrong, so a retry will not help: check what the cause names"),
    ("ServiceUnavailable", "the service did not answer through all retries: run again in a few minutes"),
    ("SessionNotOver", "run again after the close, or request an earlier day with --trade-date"),
    ("NoBars", "check the spelling of the symbols, and that Yahoo still keeps bars of that length for that day"),
    (
        "MarketUnavailable",
        "run again later; if it lasts, check that the market's address can be reached and that it knows the ReferenceSymbol",
    ),
    (
        "MarketBlocked",
        "wait an hour, then run again; if it persists, collect fewer symbols, or deploy with a lower MarketRequestsPerSecond or another UserAgent",
    ),
    ("OutOfTime", "collect fewer symbols in a tick, or bars of a longer LiveInterval"),
    ("DeliveryFailed", "run again; if it lasts, compare the stream's quota with its metrics in CloudWatch"),
    ("InvalidResult", "compare sql/hourly_extremes.sql and the table in template.yaml with what was deployed"),
    (
        "CrawlFailed",
        "read the crawler's log in /aws-glue/crawlers, most often its role lacks a permission; then run again",
    ),
    ("CrawlTimedOut", "check the crawler in Glue: when its crawl has ended, run again"),
    ("QueryFailed", "read the reason in the cause; the query is in Athena's history of the project's workgroup"),
    ("QueryTimedOut", "check the query in Athena's history: when nothing else is queued, run again"),
    ("BarsMissing", "look below errors/ in the data bucket for records that could not be delivered; then run again"),
    (
        "TimedOut",
        "a state, or the run as a whole, took longer than it may: read the log of what the cause names, then run again",
    ),
    (
        "StateMachineError",
        "a state failed in itself: read the cause; most often parts of different versions are deployed",
    ),
    ("NotFollowed", "the execution may still be running: run the same command again, and it resumes where it stopped"),
    ("Aborted", "someone stopped the execution: run again when that is settled"),
    (
        "States.Runtime",
        "the state machine got data that it was not written for: deploy all parts from the same version",
    ),
    ("States.ServiceRestart", "the local cloud was stopped or killed meanwhile: bring it up and run again"),
    ("States.DataLimitExceeded", "a state's data exceeded 256 KiB: run again with fewer symbols"),
    ("Sandbox.Timedout", "the function ran out of time: request fewer symbols, or raise its Timeout in template.yaml"),
    ("Runtime.ExitError", "the function could not start or ended early: read its log"),
];

/// What to do about the error of that name.
pub fn hint(error: &str) -> &'static str {
    let entry = HINTS.iter().find(|(name, _)| *name == error);
    entry.map_or("read the cause, and the log of the function that the state calls", |(_, hint)| hint)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use shared::ErrorName;

    use super::*;

    #[test]
    fn every_error_of_a_function_has_a_hint() {
        for name in ErrorName::ALL {
            assert!(HINTS.iter().any(|(known, _)| *known == name.to_string()), "{name}");
        }
    }

    #[test]
    fn every_error_with_a_hint_has_a_section_in_the_runbook() {
        let runbook = include_str!("../../../docs/runbook.md");
        for (name, _) in HINTS {
            assert!(runbook.lines().any(|line| line == format!("### {name}")), "{name}");
        }
    }

    #[test]
    fn every_error_that_the_state_machines_raise_has_a_hint() -> Result<(), serde_json::Error> {
        let definition: Value = serde_json::from_str(include_str!("../../../statemachine/pipeline.asl.json"))?;
        let states = definition["States"].as_object().into_iter().flatten();
        let errors = states.filter_map(|(_, state)| state["Assign"]["failure"]["Error"].as_str());
        let raised: Vec<_> = errors.filter(|error| !error.starts_with("{%")).collect();
        assert!(raised.contains(&"BarsMissing"), "{raised:?}");
        let live: Value = serde_json::from_str(include_str!("../../../statemachine/live.asl.json"))?;
        let pending = &live["States"]["SymbolsPending"]["Assign"]["failure"]["Error"];
        assert!(pending.as_str().is_some_and(|error| error.contains("'OutOfTime'")), "{pending}");
        for name in raised.into_iter().chain(["OutOfTime", "TimedOut", "StateMachineError", "Aborted"]) {
            assert!(HINTS.iter().any(|(known, _)| *known == name), "{name}");
        }
        Ok(())
    }
}
