//! The ticks of a demo: executions of the machine `live`, one after the other.

use std::time::Duration;

use anyhow::{Context, bail};
use aws_sdk_sfn::{operation::describe_execution::DescribeExecutionOutput, types::ExecutionStatus};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use market_sim::COINS;
use serde::Deserialize;
use shared::{
    Interval, Symbol, SymbolList,
    payload::{LiveRequest, LiveTick},
};

use super::caption::Caption;
use crate::{
    aws::{
        athena, execution,
        poll::{Poll, poll_until},
        target::Target,
    },
    output::{format::pluralize, hints::hint},
};

/// The length of the bars, and the time between two ticks.
pub const INTERVAL: Interval = Interval::OneMinute;
/// How long after the time for which it is planned a tick starts.
const START_DELAY: SignedDuration = SignedDuration::from_secs(1);
/// How long the bars of a tick may take to the lake. The local cloud delivers within seconds.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the board is shown after the last tick: it reads the stream once a second.
const LAST_LOOK: Duration = Duration::from_secs(3);

/// What a tick brought.
#[derive(Debug)]
pub struct Tick {
    pub answer: LiveTick,
    /// From the newest bar's close to the end of the query that found it in the lake; `None` where the tick has no bars.
    pub row_delay: Option<SignedDuration>,
}

/// Runs `count` ticks, and adds each to `done` at its end: the first at once, the others each at a full minute.
///
/// # Errors
/// When a tick fails, or its bars do not reach the lake.
pub async fn run(machine: &Target, count: u8, mut caption: Caption, done: &mut Vec<Tick>) -> anyhow::Result<()> {
    let mut planned = None;
    for number in 1..=count {
        let name = format!("tick {number} of {count}");
        let time = next(planned, Timestamp::now());
        wait_until(time + START_DELAY, &name, &caption).await;
        caption.step(&format!("{name}: collecting the bars of {}", pluralize(COINS.len(), "coin")));
        let answer = tick(machine, time).await.with_context(|| format!("{name}, of {time:.0}"))?;
        caption.step(&format!("{name}: waiting for its bars in the lake"));
        let row_delay = row_delay(machine, &answer).await?;
        caption.done(format!("{name}: {}", describe(&answer)));
        done.push(Tick { answer, row_delay });
        planned = Some(time);
    }
    tokio::time::sleep(LAST_LOOK).await;
    Ok(())
}

/// The time for which the tick after that of `before` is planned: the next full minute. For the first tick, and after one that
/// took minutes, it is the last one.
fn next(before: Option<Timestamp>, now: Timestamp) -> Timestamp {
    let minute = INTERVAL.duration().as_secs();
    let last = now.as_second() - now.as_second().rem_euclid(minute);
    let next = before.map_or(last, |before| last.max(before.as_second() + minute));
    Timestamp::from_second(next).unwrap_or(now)
}

/// Waits for the time of a tick, and counts the seconds down.
async fn wait_until(time: Timestamp, name: &str, caption: &Caption) {
    let left = || Timestamp::now().duration_until(time);
    let text = |left: SignedDuration| format!("{name} in {} s", left.as_secs() + 1);
    if left().is_positive() {
        caption.step(&text(left()));
    }
    while let Ok(wait) = Duration::try_from(left())
        && !wait.is_zero()
    {
        caption.countdown(&text(left()));
        tokio::time::sleep(wait.min(Duration::from_secs(1))).await;
    }
}

/// One tick, planned for `time`.
async fn tick(machine: &Target, time: Timestamp) -> anyhow::Result<LiveTick> {
    let symbols = COINS.iter().map(|(symbol, _)| symbol.parse()).collect::<Result<Vec<Symbol>, _>>()?;
    let request = LiveRequest {
        live: true,
        scheduled_time: Some(time),
        interval: Some(INTERVAL),
        symbols: Some(SymbolList::try_from(symbols)?),
        ..LiveRequest::default()
    };
    let name = format!("demo-{}", time.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H%M%SZ"));
    execution::start(machine, &name, &request).await?;
    let ended = poll_until(machine.poll_interval, async || match execution::find(machine, &name).await? {
        Some(found) if *found.status() == ExecutionStatus::Running => Ok(Poll::Pending),
        Some(found) => Ok(Poll::Ready(found)),
        None => bail!("the execution {name} is gone"),
    });
    answer(&ended.await?)
}

/// # Errors
/// When the execution failed.
fn answer(ended: &DescribeExecutionOutput) -> anyhow::Result<LiveTick> {
    if *ended.status() != ExecutionStatus::Succeeded {
        let failure = execution::failure(ended);
        bail!("{}: {}; what to do: {}", failure.error, failure.cause, hint(&failure.error));
    }
    let output = ended.output().unwrap_or_default();
    serde_json::from_str(output).with_context(|| format!("the execution's output is no tick's: {output}"))
}

/// The query for the latest bar of every symbol, with `?` for the trade date, the interval and the symbols.
const LATEST_BARS: &str = include_str!("../../../../../sql/latest_bars.sql");

/// The columns of its result that are used.
#[derive(Debug, Deserialize)]
struct LatestBar {
    /// The bar's start.
    ts: Timestamp,
    collected_at: Timestamp,
}

/// Queries the lake until it has the bars of a tick. Returns how long after its close the newest bar was found.
///
/// # Errors
/// When a query fails, or none has found them within [`DELIVERY_TIMEOUT`].
async fn row_delay(target: &Target, tick: &LiveTick) -> anyhow::Result<Option<SignedDuration>> {
    let Some(trade_date) = tick.trade_dates.iter().max() else { return Ok(None) };
    let parameters = [trade_date.to_string(), INTERVAL.to_string(), "*".to_owned()].map(|value| format!("'{value}'"));
    let found = poll_until(target.poll_interval, async || {
        let rows: Vec<LatestBar> =
            athena::query(target, LATEST_BARS, &parameters).await?.collect::<anyhow::Result<_>>()?;
        let now = Timestamp::now();
        let of_tick = rows.iter().filter(|row| row.collected_at >= tick.collected_at);
        let newest = of_tick.map(|row| row.ts + INTERVAL.duration()).max();
        Ok(newest.map_or(Poll::Pending, |closed| Poll::Ready(closed.duration_until(now))))
    });
    let found = tokio::time::timeout(DELIVERY_TIMEOUT, found).await.with_context(|| {
        let bars = pluralize(tick.bars, "bar");
        format!("{bars} of the tick are on the stream, and not in the lake after {} s", DELIVERY_TIMEOUT.as_secs())
    })?;
    Ok(Some(found?))
}

/// What a tick brought, in one line.
fn describe(tick: &LiveTick) -> String {
    let bars = pluralize(tick.bars, "bar");
    match tick.failed_count {
        0 => bars,
        count => format!("{bars}; {} could not be collected", pluralize(count, "coin")),
    }
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::DateTime;

    use super::*;

    #[test]
    fn the_first_tick_is_at_once_and_the_others_at_a_full_minute() -> Result<(), jiff::Error> {
        for (before, now, expected) in [
            (None, "14:36:00", "14:36:00"),
            (None, "14:36:59", "14:36:00"),
            (Some("14:36:00"), "14:36:30", "14:37:00"),
            (Some("14:36:00"), "14:37:10", "14:37:00"),
            (Some("14:36:00"), "14:41:10", "14:41:00"), // the tick before took minutes
        ] {
            let time = |clock: &str| format!("2026-11-22T{clock}Z").parse::<Timestamp>();
            assert_eq!(next(before.map(time).transpose()?, time(now)?), time(expected)?, "{before:?} {now}");
        }
        Ok(())
    }

    fn ended(status: ExecutionStatus, output: Option<&str>) -> anyhow::Result<DescribeExecutionOutput> {
        let builder = DescribeExecutionOutput::builder()
            .execution_arn("arn:demo")
            .state_machine_arn("arn:live")
            .start_date(DateTime::from_secs(0))
            .status(status);
        Ok(builder.set_output(output.map(str::to_owned)).error("MarketBlocked").cause("HTTP status 429").build()?)
    }

    #[test]
    fn a_tick_has_an_answer_or_a_cause() -> anyhow::Result<()> {
        let output = r#"{"outcome": "collected", "scheduled_time": "2026-11-22T14:36:00Z", "until": "2026-11-22T14:36:00Z",
            "interval": "1m", "collected_at": "2026-11-22T14:36:01.042Z", "trade_dates": ["2026-11-22"], "bars": 29,
            "records": 1, "requested": 10, "failed": [], "failed_count": 1, "pending": [], "simulated": true}"#;
        let tick = answer(&ended(ExecutionStatus::Succeeded, Some(output))?)?;
        assert_eq!(describe(&tick), "29 bars; 1 coin could not be collected");
        for (status, output, says) in [
            (ExecutionStatus::Failed, None, "MarketBlocked: HTTP status 429; what to do: wait an hour"),
            (ExecutionStatus::TimedOut, None, "TimedOut: "),
            (ExecutionStatus::Succeeded, Some(r#"{"outcome": "other_tick"}"#), "the execution's output is no tick's"),
        ] {
            let error = answer(&ended(status, output)?).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.contains(says), "{error}");
        }
        Ok(())
    }
}
