//! The part of the state machine that collects: which answer leads to which wait and to which further invocation.
//!
//! The waits and limits are those of `statemachine/pipeline.asl.json`, which a test here compares.

use std::{num::NonZeroU32, time::Duration};

use collect::{Collector, Invocation, Lists, MarketSettings, OutcomeStore, Sources, Yahoo};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde_json::{Value, json};
use shared::{
    ErrorName, MarketSource, NamedError,
    payload::{CollectOutcome, Collection, SymbolOutcomes},
};
use tokio::{
    runtime::Handle,
    time::{Instant, sleep, timeout},
};

use crate::{
    bucket::Bucket,
    lake::Lake,
    market::{RUN_BEGINS, ScriptedMarket},
};

/// The timeout of the function in the template.
pub const TIME_LIMIT: Duration = Duration::from_secs(300);

pub const WAITS_WHEN_BLOCKED: [u64; 4] = [300, 900, 1800, 3600];
pub const WAITS_WHEN_DOWN: [u64; 4] = [60, 300, 900, 1800];
const WAIT_FOR_LATE_BARS: u64 = 300;
const RETRIES: [u64; 3] = [60, 120, 240];

/// What `collect` answers, with the outcome of each symbol, which is in the bucket.
pub type Collected = Collection<SymbolOutcomes>;

/// How a run of the collecting states ended.
#[derive(Debug)]
pub struct Run {
    /// The last collection, or the error and its cause.
    pub end: Result<Collected, (ErrorName, String)>,
    /// Each invocation: when it began and ended, in time since the start of the run, and what it answered.
    pub invocations: Vec<Invoked>,
}

/// One invocation.
#[derive(Debug)]
pub struct Invoked {
    pub began: Duration,
    pub ended: Duration,
    pub answer: Option<Collected>,
}

/// The function, over a scripted market and a lake, with the settings of the template and the built-in list of companies.
pub fn collector(market: &ScriptedMarket, lake: &Lake) -> Result<Collector, Box<dyn std::error::Error>> {
    collector_of(market, lake, &Bucket::default())
}

/// The same, with the lists of a bucket.
pub fn collector_of(
    market: &ScriptedMarket,
    lake: &Lake,
    bucket: &Bucket,
) -> Result<Collector, Box<dyn std::error::Error>> {
    Ok(Collector {
        lists: Lists::new(bucket.client(), "lake".into()),
        outcomes: OutcomeStore::new(bucket.client(), "lake".into()),
        sources: sources(market, 1.0)?,
        delivery: lake.delivery_stream(),
        sending: Handle::current(),
        live: Some(lake.data_stream()),
        session_wait: SignedDuration::from_hours(8),
    })
}

/// Yahoo's client, over a scripted market, as the only source.
pub fn sources(market: &ScriptedMarket, requests_per_second: f64) -> Result<Sources, Box<dyn std::error::Error>> {
    let settings = MarketSettings {
        base: "https://market.example".parse()?,
        concurrency: std::num::NonZeroUsize::MIN.saturating_add(1),
        burst: NonZeroU32::MIN.saturating_add(19),
        requests_per_second,
        reference: "SPY".parse()?,
        zone: TimeZone::get("America/New_York")?,
    };
    let yahoo = Yahoo::new(settings, Box::new(market.clone()))?;
    Ok(Sources::new(MarketSource::YAHOO, vec![Box::new(yahoo)]))
}

/// Runs the states from Collect until the bars are to be delivered, nothing traded, or the run failed.
pub async fn run(
    (collector, bucket): (&Collector, &Bucket),
    request: &Value,
) -> Result<Run, Box<dyn std::error::Error>> {
    let (began, began_at) = (Instant::now(), RUN_BEGINS.parse::<Timestamp>()?);
    let mut payload = request.clone();
    payload["run_id"] = json!("run-1");
    let (mut counters, mut invocations) = (Counters::default(), Vec::new());
    loop {
        let at = began.elapsed();
        let invocation = Invocation::beginning("request-1".into(), began_at + at, TIME_LIMIT);
        let answer = timeout(TIME_LIMIT, collector.answer(payload.clone(), invocation)).await;
        let answer = answer.map_err(|_| format!("the invocation that began at {at:?} was ended by Lambda"))?;
        let answer = answer.map(serde_json::from_value::<Collection>);
        let mut invoked = Invoked { began: at, ended: began.elapsed(), answer: None };
        let next = match answer {
            Ok(collection) => {
                let collection = collection?;
                payload = json!({"collection": collection});
                let symbols = bucket.outcomes(&collection.symbols.uri)?;
                let collection = collection.with_symbols(symbols);
                invoked.answer = Some(collection.clone());
                counters.after_answer(collection, began_at + began.elapsed())
            }
            Err(error) => counters.after_error((error.name(), error.to_string())),
        };
        invocations.push(invoked);
        match next {
            Next::Collect { after } => sleep(Duration::from_secs(after)).await,
            Next::End(end) => return Ok(Run { end: *end, invocations }),
        }
    }
}

/// The variables of the state machine by which it ends.
#[derive(Debug, Default)]
struct Counters {
    attempts: u32,
    market_waits: usize,
    session_waits: usize,
    retries: usize,
}

/// What follows an invocation.
enum Next {
    /// Another one, after so many seconds.
    Collect { after: u64 },
    /// The end of collecting.
    End(Box<Result<Collected, (ErrorName, String)>>),
}

impl Counters {
    fn after_answer(&mut self, collection: Collected, now: Timestamp) -> Next {
        self.attempts += 1;
        self.retries = 0;
        let wait = match collection.outcome {
            CollectOutcome::OutOfTime if self.attempts < 200 => Some(0),
            CollectOutcome::Blocked => self.wait_for_market(WAITS_WHEN_BLOCKED),
            CollectOutcome::Unavailable => self.wait_for_market(WAITS_WHEN_DOWN),
            CollectOutcome::Short if self.attempts < 200 => Some(WAIT_FOR_LATE_BARS),
            CollectOutcome::SessionOpen if self.session_waits < 2 => {
                self.session_waits += 1;
                collection.waits_until.and_then(|until| u64::try_from(now.duration_until(until).as_secs() + 1).ok())
            }
            _ => None,
        };
        if let Some(after) = wait {
            return Next::Collect { after };
        }
        let has_nothing = collection.bars == 0 && collection.outcome != CollectOutcome::NoSession;
        let is_blocked = collection.outcome == CollectOutcome::Blocked;
        let name = if is_blocked { ErrorName::MarketBlocked } else { ErrorName::MarketUnavailable };
        Next::End(Box::new(if has_nothing {
            Err((name, format!("{:?}", collection.symbols.failed)))
        } else {
            Ok(collection)
        }))
    }

    fn after_error(&mut self, (name, cause): (ErrorName, String)) -> Next {
        let wait = match name {
            ErrorName::MarketBlocked => self.wait_for_market(WAITS_WHEN_BLOCKED),
            ErrorName::MarketUnavailable => self.wait_for_market(WAITS_WHEN_DOWN),
            ErrorName::ServiceUnavailable | ErrorName::DeliveryFailed => {
                self.retries += 1;
                RETRIES.get(self.retries - 1).copied()
            }
            _ => None,
        };
        wait.map_or_else(|| Next::End(Box::new(Err((name, cause)))), |after| Next::Collect { after })
    }

    fn wait_for_market(&mut self, waits: [u64; 4]) -> Option<u64> {
        self.market_waits += 1;
        waits.get(self.market_waits - 1).copied()
    }
}

/// What this file plays must be what the state machine says.
#[test]
fn the_waits_and_limits_are_those_of_the_state_machine() -> Result<(), Box<dyn std::error::Error>> {
    let definition: Value = serde_json::from_str(include_str!("../../../../statemachine/pipeline.asl.json"))?;
    let states = &definition["States"];
    assert_eq!(
        states["WaitForMarket"]["Seconds"],
        format!("{{% ($market = 'blocked' ? {WAITS_WHEN_BLOCKED:?} : {WAITS_WHEN_DOWN:?})[$market_waits] %}}")
    );
    let of_ticks: Value = serde_json::from_str(include_str!("../../../../statemachine/live.asl.json"))?;
    assert_eq!(of_ticks["States"]["WaitForMarket"]["Seconds"], states["WaitForMarket"]["Seconds"]);
    assert_eq!(states["WaitForLateBars"]["Seconds"], WAIT_FOR_LATE_BARS);
    assert_eq!(
        states["WaitForSessions"]["Seconds"],
        "{% $max([0, $min([30000, $ceil(($toMillis($collection.waits_until) - $millis()) / 1000)])]) %}"
    );
    let choices: Vec<_> = states["CollectionState"]["Choices"].as_array().into_iter().flatten().collect();
    let told: Vec<_> = choices.iter().map(|choice| format!("{} → {}", choice["Condition"], choice["Next"])).collect();
    assert_eq!(
        told.join("\n").replace("{% ", "").replace(" %}", "").replace('"', ""),
        "\
$collection.outcome = 'no_session' → NotifyNoSession
$collection.outcome = 'out_of_time' and $attempts < 200 → Collect
$collection.outcome in ['blocked', 'unavailable'] and $market_waits < 4 → WaitForMarket
$collection.outcome = 'short' and $attempts < 200 → WaitForLateBars
$collection.outcome = 'session_open' and $session_waits < 2 → WaitForSessions
$collection.bars = 0 → NothingCollected"
    );
    assert_eq!(states["CollectionState"]["Default"], "WaitForDelivery");
    let retry = &states["Collect"]["Retry"][0];
    assert_eq!(retry["ErrorEquals"], json!(["ServiceUnavailable", "DeliveryFailed"]));
    let doubled = |wait: u64| {
        RETRIES
            .iter()
            .scan(wait, |wait, _| {
                let now = *wait;
                *wait *= 2;
                Some(now)
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(retry["IntervalSeconds"].as_u64().map(doubled), Some(RETRIES.to_vec()));
    assert_eq!((&retry["MaxAttempts"], &retry["BackoffRate"]), (&json!(RETRIES.len()), &json!(2)));
    let caught: Vec<_> = states["Collect"]["Catch"].as_array().into_iter().flatten().collect();
    for (error, market) in [("MarketBlocked", "blocked"), ("MarketUnavailable", "unavailable")] {
        let caught = caught.iter().find(|caught| caught["ErrorEquals"] == json!([error])).ok_or(error)?;
        assert_eq!((&caught["Assign"]["market"], &caught["Next"]), (&json!(market), &json!("MarketDoesNotAnswer")));
    }
    let waits = &states["MarketDoesNotAnswer"]["Choices"][0];
    assert_eq!(waits, &json!({"Condition": "{% $market_waits < 4 %}", "Next": "WaitForMarket"}));
    Ok(())
}
