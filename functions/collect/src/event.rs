//! The kinds of event that an invocation may be for. Only this file decides which one it is.

use serde_json::Value;
use shared::{
    MarketSource, json,
    payload::{LiveRequest, ProbeRequest, ResumeRequest, RunRequest},
};

use crate::{Error, http};

/// The events that the function takes.
#[derive(Debug)]
pub enum Event {
    /// `POST /collect`, through API Gateway: the request in its body, or what is wrong with that.
    Http(Result<RunRequest, Error>),
    /// The first request of a run, from the state machine or an invocation by hand.
    First(RunRequest),
    /// A request to resume a collection, from the state machine.
    Resume(ResumeRequest),
    /// A tick of the open session, from the machine `live`.
    Live(LiveRequest),
    /// A request to query a source without collecting anything, from `finstream doctor`.
    Probe(Option<MarketSource>),
}

impl Event {
    /// Parses the payload of an invocation.
    ///
    /// The state machine adds a `run_id` to every first request that is a JSON object, whatever else it holds; to resume
    /// it sends the `collection` alone; an HTTP API always sends a `requestContext`; a tick has `"live": true`; and a probe is
    /// `{"probe": true}`.
    ///
    /// # Errors
    /// What is wrong with the payload.
    pub fn parse(payload: Value) -> Result<Self, Error> {
        let has = |field| payload.get(field).is_some();
        match (has("run_id"), has("requestContext"), has("collection"), has("live"), has("probe")) {
            (false, true, ..) => Ok(Self::Http(http::request(payload))),
            (false, false, true, ..) => Ok(Self::Resume(json::value(payload)?)),
            (false, false, false, true, _) => match json::value(payload)? {
                LiveRequest { live: false, .. } => Err(Error::NotLive),
                request => Ok(Self::Live(request)),
            },
            (false, false, false, false, true) => match json::value(payload)? {
                ProbeRequest { probe: true, source } => Ok(Self::Probe(source)),
                ProbeRequest { probe: false, .. } => Err(Error::NoProbe),
            },
            _ => Ok(Self::First(json::value(payload)?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_an_event_is_decided_by_its_fields() {
        let collection = r#"{"outcome":"short","trade_date":"2026-11-20","interval":"5m","run_id":"r","collected_at":"2026-11-20T22:00:00Z",
            "written_at":"2026-11-20T22:00:01Z","bars":0,"records":0,"simulated":false,"symbols":{"uri":"s3://lake/symbols.jsonl",
            "requested":0,"collected":0,"short":0,"bars":{"sessions":0,"expected":0,"around_the_clock":0},"doubtful_bars":0,
            "failed_count":0,"reasons":{},"failed":[]}}"#;
        for (payload, expected) in [
            (include_str!("../events/http.json").to_owned(), "http"),
            (include_str!("../events/http.json").replace("trade_date", "run_id"), "leave it out"),
            (include_str!("../events/http.json").replace("trade_date", r#"run_id\":null,\"trade_date"#), "http"),
            (include_str!("../events/day.json").to_owned(), "first"),
            (include_str!("../events/scheduled.json").to_owned(), "first"),
            ("{}".to_owned(), "first"),
            (r#"{"run_id":"r"}"#.to_owned(), "first"),
            (format!(r#"{{"collection":{collection}}}"#), "resume"),
            // A field of another event in an execution's input is rejected as an unknown field.
            (r#"{"run_id":"r","requestContext":{}}"#.to_owned(), "unknown field `requestContext`"),
            (format!(r#"{{"run_id":"r","collection":{collection}}}"#), "unknown field `collection`"),
            (r#"{"collection":{}}"#.to_owned(), "missing field `outcome`"),
            (include_str!("../events/probe.json").to_owned(), "probe of None"),
            (r#"{"probe":true,"source":"alpaca"}"#.to_owned(), r#"probe of Some(MarketSource { name: "alpaca""#),
            (r#"{"probe":true,"source":"bloomberg"}"#.to_owned(), "is not a source of market data"),
            (r#"{"probe":false}"#.to_owned(), "probe is false"),
            (r#"{"probe":1}"#.to_owned(), "expected a boolean"),
            (r#"{"probe":true,"symbols":["META"]}"#.to_owned(), "unknown field `symbols`"),
            (r#"{"probe":true,"run_id":"r"}"#.to_owned(), "unknown field `probe`"),
            (format!(r#"{{"probe":true,"collection":{collection}}}"#), "unknown field `probe`"),
            (include_str!("../events/live.json").to_owned(), "live"),
            (r#"{"live":true}"#.to_owned(), "live"),
            (r#"{"live":false}"#.to_owned(), "live is false"),
            (r#"{"live":true,"trade_date":"2026-11-20"}"#.to_owned(), "unknown field `trade_date`"),
            (r#"{"live":true,"probe":true}"#.to_owned(), "unknown field `probe`"),
            (r#"{"live":true,"run_id":"r"}"#.to_owned(), "unknown field `live`"),
            ("[]".to_owned(), "expected a JSON object"),
        ] {
            let parsed = serde_json::from_str(&payload).map_err(Error::Answer).and_then(Event::parse);
            let found = match parsed {
                Ok(Event::Http(Ok(_))) => "http".to_owned(),
                Ok(Event::First(_)) => "first".to_owned(),
                Ok(Event::Resume(_)) => "resume".to_owned(),
                Ok(Event::Live(_)) => "live".to_owned(),
                Ok(Event::Probe(source)) => format!("probe of {source:?}"),
                Ok(Event::Http(Err(error))) | Err(error) => error.to_string(),
            };
            assert!(found.contains(expected), "{payload}: {found}");
        }
    }
}
