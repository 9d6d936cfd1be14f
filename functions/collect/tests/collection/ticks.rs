//! An open session of 78 ticks, with everything that can happen to one: what the stream holds at the end of the day, and what it
//! cost in requests to the market.
//!
//! The machine is played as `statemachine/live.asl.json` has it: while a tick runs, or waits for the market, others end at once.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    ops::Range,
    time::Duration,
};

use collect::{Collector, Invocation};
use futures::future::{join_all, pending};
use jiff::Timestamp;
use serde_json::{Value, json};
use shared::{
    Bar, Interval, NamedError,
    payload::{LiveOutcome, LiveTick},
};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::{
    Outcome,
    bucket::Bucket,
    in_virtual_time,
    lake::Lake,
    market::{Asked, Exchange, Fault, Listing, Script, ScriptedMarket, settled},
    pipeline::{TIME_LIMIT, WAITS_WHEN_BLOCKED, WAITS_WHEN_DOWN, collector, collector_of, sources},
};

const TICKS: u32 = 78;
const BARS: usize = 78;
const STEP: Duration = Duration::from_secs(300);
/// A tick is planned for a minute after a bar's close.
const AFTER_CLOSE: Duration = Duration::from_secs(60);

/// One start of the machine: for which of the ticks, and when, since the open.
#[derive(Debug, Clone, Copy)]
struct Firing {
    tick: u32,
    at: Duration,
}

/// What happens on the day.
struct Day {
    symbols: usize,
    listing: Listing,
    firings: Vec<Firing>,
    outages: Vec<(Range<Duration>, Fault)>,
    lake: Lake,
    /// When the function of every tenth tick is ended.
    ended: Option<Ended>,
    requests_per_second: f64,
}

/// When a function is ended by Lambda, before it has answered.
#[derive(Debug, Clone, Copy)]
enum Ended {
    /// So long after it began.
    After(Duration),
    /// Once the stream has answered its first call.
    AfterTheFirstCall,
}

/// What came of it.
struct Played {
    asked: Vec<Asked>,
    outcomes: BTreeMap<&'static str, usize>,
    bars: Vec<Bar>,
}

fn planned(tick: u32) -> Duration {
    STEP * (tick + 1) + AFTER_CLOSE
}

/// Ten companies, each tick once and on time.
fn day() -> Day {
    Day {
        symbols: 10,
        listing: Listing::Open { settles_after: Duration::from_secs(20) },
        firings: (0..TICKS).map(|tick| Firing { tick, at: planned(tick) }).collect(),
        outages: vec![],
        lake: Lake::default(),
        ended: None,
        requests_per_second: 1.0,
    }
}

/// The same, with each tick at these times.
fn fired(firings: impl Fn(u32) -> Vec<Duration>) -> Day {
    let of_tick = |tick| firings(tick).into_iter().map(move |at| Firing { tick, at });
    Day { firings: (0..TICKS).flat_map(of_tick).collect(), ..day() }
}

/// An outage from just before a tick until just before the fifth after it.
fn for_five_ticks(fault: Fault) -> Day {
    let before = |tick| planned(tick) - Duration::from_secs(10);
    Day { outages: vec![(before(20)..before(25), fault)], ..day() }
}

impl Day {
    fn symbols(&self) -> Vec<String> {
        (0..self.symbols).map(|at| format!("S{at:03}")).collect()
    }

    /// Plays it, and the machine with it.
    fn play(self) -> Outcome<Played> {
        let (symbols, bucket) = (self.symbols(), Bucket::default());
        let company = |symbol: &String| format!("[[company]]\nsymbol = \"{symbol}\"\nname = \"Company {symbol}\"\n");
        bucket.put("watched", &symbols.iter().map(company).collect::<String>());
        let listings = symbols.into_iter().chain(["SPY".to_owned()]);
        let script = Script {
            listings: listings.map(|symbol| (symbol, (Exchange::NewYork, self.listing.clone()))).collect(),
            outages: self.outages.clone(),
            interval: Interval::FiveMinutes,
            latency: Duration::from_millis(100),
            most_per_second: None,
        };
        in_virtual_time(async {
            let market = ScriptedMarket::new(script);
            let mut collector = collector_of(&market, &self.lake, &bucket)?;
            collector.sources = sources(&market, self.requests_per_second)?;
            let machine = Machine { collector, day: &self, began: Instant::now(), running: RefCell::default() };
            let ends = join_all(self.firings.iter().enumerate().map(|(name, firing)| machine.execute(name, *firing)));
            let mut outcomes = BTreeMap::new();
            for end in ends.await {
                *outcomes.entry(end?).or_default() += 1;
            }
            Ok(Played { asked: market.asked(), outcomes, bars: self.lake.bars() })
        })
    }
}

/// The state machine, with its executions that run, by their start and their name.
struct Machine<'a> {
    collector: Collector,
    day: &'a Day,
    began: Instant,
    running: RefCell<BTreeSet<(Duration, usize)>>,
}

impl Machine<'_> {
    fn time(since_open: Duration) -> Outcome<Timestamp> {
        Ok(Timestamp::from_second(Exchange::NewYork.opens())? + since_open)
    }

    /// One execution, from its start to its end.
    async fn execute(&self, name: usize, Firing { tick, at }: Firing) -> Outcome<&'static str> {
        sleep_until(self.began + at).await;
        self.running.borrow_mut().insert((at, name));
        // The call that lists the executions.
        sleep(Duration::from_millis(50)).await;
        let is_first = self.running.borrow().first() == Some(&(at, name));
        let end = if is_first { self.collect(tick).await } else { Ok("other tick") };
        self.running.borrow_mut().remove(&(at, name));
        end
    }

    async fn collect(&self, tick: u32) -> Outcome<&'static str> {
        let scheduled_time = Self::time(planned(tick))?;
        let mut payload = json!({"live": true, "scheduled_time": scheduled_time, "list": "watched", "interval": "5m"});
        let (mut waits, mut ended) = (0, self.day.ended.filter(|_| is_nth(tick, 10)));
        loop {
            let Some(answer) = self.invoke(&payload, ended.take()).await? else {
                // The machine's retry of an invocation that was ended.
                sleep(Duration::from_secs(5)).await;
                continue;
            };
            let waits_of = match answer.outcome {
                LiveOutcome::Collected => return Ok("collected"),
                LiveOutcome::Closed => return Ok("closed"),
                LiveOutcome::OutOfTime => {
                    payload["until"] = json!(answer.until);
                    payload["pending"] = json!(answer.pending);
                    continue;
                }
                LiveOutcome::Blocked => WAITS_WHEN_BLOCKED,
                LiveOutcome::Unavailable => WAITS_WHEN_DOWN,
            };
            let Some(wait) = waits_of.get(waits) else { return Ok("failed") };
            sleep(Duration::from_secs(*wait)).await;
            waits += 1;
            payload["until"] = json!(Self::time(self.began.elapsed())?);
            payload["pending"] = Value::Null;
        }
    }

    /// The function's answer; none where it is ended before.
    async fn invoke(&self, payload: &Value, ended: Option<Ended>) -> Outcome<Option<LiveTick>> {
        let invocation = Invocation::beginning("request-1".into(), Self::time(self.began.elapsed())?, TIME_LIMIT);
        let calls = self.day.lake.calls();
        let ended = async {
            match ended {
                None => pending().await,
                Some(Ended::After(time)) => sleep(time).await,
                Some(Ended::AfterTheFirstCall) => {
                    while self.day.lake.calls() == calls {
                        sleep(Duration::from_millis(10)).await;
                    }
                }
            }
        };
        tokio::select! {
            biased;
            () = ended => Ok(None),
            answer = timeout(TIME_LIMIT, self.collector.answer(payload.clone(), invocation)) => {
                let answer = answer?.map_err(|error| format!("{}: {error}", error.name()))?;
                Ok(Some(serde_json::from_value(answer)?))
            }
        }
    }
}

/// The cells in which a day is not whole at its end: nothing but the last tick collects the last bar.
const NOT_WHOLE: [&str; 3] =
    ["every third lost, the last among them", "400 companies at one request a second", "a holiday"];

/// The day as a row of the table: the bars that the stream holds at its end, those that are not what the market settled on, the
/// copies, the requests and the most of them in a minute, and how the executions ended.
fn row(title: &str, day: Day) -> Outcome<String> {
    let (symbols, firings) = (day.symbols(), day.firings.len());
    let Played { asked, outcomes, bars } = day.play()?;
    let open = Exchange::NewYork.opens();
    let copies = bars.len();
    let mut last: BTreeMap<(String, i64), Bar> = BTreeMap::new();
    for bar in bars {
        let key = (bar.symbol.to_string(), bar.ts.timestamp().as_second());
        assert!(bar.collected_at >= bar.ts.timestamp() + bar.interval.duration(), "{key:?} had not closed");
        if last.get(&key).is_none_or(|known| known.collected_at <= bar.collected_at) {
            last.insert(key, bar);
        }
    }
    let is_settled = |((symbol, at), bar): (&(String, i64), &Bar)| {
        let number = usize::try_from((at - open) / 300).unwrap_or_default();
        (bar.close.get(), bar.volume) == settled(symbol, number)
    };
    let wrong = last.iter().filter(|(key, bar)| !is_settled((key, bar))).count();
    let in_minute = |from: Duration| asked.iter().filter(|it| it.at >= from && it.at < from + AFTER_CLOSE).count();
    let busiest = asked.iter().map(|it| in_minute(it.at)).max().unwrap_or_default();
    let outcomes = outcomes.iter().map(|(end, count)| format!("{count} {end}")).collect::<Vec<_>>().join(", ");
    let mut row = String::new();
    let expected = symbols.len() * BARS;
    assert_eq!(last.len() < expected, NOT_WHOLE.contains(&title), "{title}: {} of {expected} bars", last.len());
    write!(row, "{title:<45}|{firings:>5} |{:>6} of {expected:<6}|{wrong:>5} |{copies:>7} ", last.len())?;
    write!(row, "|{:>9} |{busiest:>8} | {outcomes}", asked.len())?;
    Ok(row)
}

fn is_nth(tick: u32, nth: u32) -> bool {
    tick % nth == nth - 1
}

/// The cells of the table: what happened, and the day.
fn cells() -> Vec<(&'static str, Day)> {
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    let second = AFTER_CLOSE / 60;
    // Three bars of each are more than one record holds.
    let many = || Day { symbols: 170, lake: Lake::rejecting_half(), requests_per_second: 1e4, ..day() };
    vec![
        ("on time", day()),
        (
            "every third lost, the last among them",
            fired(|tick| if is_nth(tick, 3) { vec![] } else { vec![planned(tick)] }),
        ),
        ("two in a row lost, of each four", fired(|tick| if tick % 4 > 1 { vec![] } else { vec![planned(tick)] })),
        ("each doubled after 20 s", fired(|tick| vec![planned(tick), planned(tick) + 20 * second])),
        ("each twice at once", fired(|tick| vec![planned(tick); 2])),
        ("each late by one tick", fired(|tick| vec![planned(tick) + minutes(5)])),
        (
            "each tenth late by ten ticks",
            fired(|tick| vec![planned(tick) + minutes(if is_nth(tick, 10) { 50 } else { 0 })]),
        ),
        ("each late by ten ticks", fired(|tick| vec![planned(tick) + minutes(50)])),
        (
            "each second after the next one",
            fired(|tick| {
                vec![planned(tick) + minutes(if tick % 2 == 0 { 5 } else { 0 }) + 30 * second * (1 - tick % 2)]
            }),
        ),
        ("each tenth ended while it collects", Day { ended: Some(Ended::After(second / 2)), ..day() }),
        ("a batch refused whole, 20 times", Day { lake: Lake::rejecting(20), ..day() }),
        ("170 companies, half of each batch refused", many()),
        ("the same, each tenth ended between two calls", Day { ended: Some(Ended::AfterTheFirstCall), ..many() }),
        ("400 companies at one request a second", Day { symbols: 400, ..day() }),
        ("the market blocks for five ticks", for_five_ticks(Fault::Blocks)),
        ("the market is down for five ticks", for_five_ticks(Fault::Fails)),
        ("the market hangs for five ticks", for_five_ticks(Fault::Hangs)),
        (
            "last trades reported eight minutes late",
            Day { listing: Listing::Open { settles_after: minutes(8) }, ..day() },
        ),
        ("a holiday", Day { listing: Listing::Holiday, ..day() }),
    ]
}

#[test]
fn a_day_of_ticks_is_whole_at_its_end_unless_the_last_is_lost() -> Outcome {
    let mut table = format!(
        "{:<45}|{:>6}|{:>16} |{:>6}|{:>8}|{:>10}|{:>9}|\n",
        "", "ticks ", "bars", "wrong ", "copies ", "requests ", "a minute "
    );
    for (title, day) in cells() {
        table += &row(title, day)?;
        table.push('\n');
    }
    insta::assert_snapshot!(table);
    Ok(())
}

/// The answer passes through the state machine.
#[test]
fn a_tick_that_the_market_blocks_lists_the_first_of_many_symbols() -> Outcome {
    let symbols: Vec<_> = (0..3_000).map(|n| format!("S{n:019}")).collect();
    let day = for_five_ticks(Fault::Blocks);
    let tick = in_virtual_time(async {
        let script =
            Script { outages: vec![(Duration::ZERO..Duration::from_secs(3_600), Fault::Blocks)], ..Script::default() };
        let collector = collector(&ScriptedMarket::new(script), &day.lake)?;
        let at = Machine::time(planned(20))?;
        let invocation = Invocation::beginning("request-1".into(), at, Duration::from_secs(300));
        let payload = json!({"live": true, "scheduled_time": at, "symbols": symbols});
        Ok(serde_json::from_value::<LiveTick>(collector.answer(payload, invocation).await?)?)
    })?;
    assert_eq!((tick.outcome, tick.pending.len(), tick.pending_count), (LiveOutcome::Blocked, 2_000, 3_000));
    assert!(serde_json::to_vec(&tick)?.len() < 64 * 1024);
    Ok(())
}
