//! Runs over Alpaca, by script: pages, refusals of every scope, the key, the rate, the calendar.

mod market;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use collect::{Alpaca, AlpacaSettings, Collector, HttpReply, Invocation, Sources, Unreachable};
use proptest::{prelude::*, test_runner::TestCaseError};
use serde_json::{Value, json};
use shared::{
    Bar, ErrorName, Interval, MarketSource, NamedError,
    payload::{CollectOutcome, LiveTick, Reason},
    trading_calendar::NEW_YORK,
};

use self::market::{Requested, Script, ScriptedAlpaca, Secret, at, error, ok, text, too_many, unreachable};
use crate::{
    Outcome,
    bucket::Bucket,
    in_virtual_time,
    lake::Lake,
    market::{DATE, ScriptedMarket},
    pipeline::{self, Collected, Run},
};

/// A run that has ended.
struct Played {
    run: Run,
    requested: Vec<Requested>,
    bars: Vec<Bar>,
    reads: usize,
}

impl Played {
    fn collection(&self) -> Outcome<&Collected> {
        self.run.end.as_ref().map_err(|(error, cause)| format!("{error}: {cause}").into())
    }

    fn error(&self) -> Outcome<(ErrorName, &str)> {
        self.run.end.as_ref().err().map(|(name, cause)| (*name, cause.as_str())).ok_or_else(|| "it succeeded".into())
    }

    /// The number of bars of each symbol, or why it has none.
    fn outcomes(&self) -> Outcome<String> {
        let symbols = &self.collection()?.symbols;
        let collected = symbols.collected.iter().map(|it| (it.symbol.to_string(), it.describe_bars()));
        let failed = symbols.failed.iter().map(|it| (it.symbol.to_string(), it.reason.label()));
        let outcomes: BTreeMap<_, _> = collected.chain(failed).collect();
        Ok(outcomes.into_iter().map(|(symbol, outcome)| format!("{symbol}: {outcome}")).collect::<Vec<_>>().join(", "))
    }

    /// The requests for bars.
    fn batches(&self) -> Vec<&Requested> {
        self.requested.iter().filter(|request| request.is_for_bars()).collect()
    }

    /// When the last invocation ended, in seconds since the start of the run.
    fn ended(&self) -> u64 {
        self.run.invocations.last().map_or(0, |last| last.ended.as_secs())
    }
}

fn collector(market: &ScriptedAlpaca, secret: &Secret, lake: &Lake, bucket: &Bucket) -> Outcome<Collector> {
    let settings = AlpacaSettings {
        data: "https://data.example".parse()?,
        trading: "https://trading.example".parse()?,
        requests_per_minute: 200,
        reference: "SPY".parse()?,
        zone: NEW_YORK.zone.clone(),
    };
    let client = Alpaca::new(settings, Box::new(market.clone()), Box::new(secret.clone()))?;
    let sources = Sources::new(MarketSource::ALPACA, vec![Box::new(client)]);
    let other = ScriptedMarket::new(crate::market::Script::default());
    Ok(Collector { sources, ..pipeline::collector_of(&other, lake, bucket)? })
}

fn play_with(script: Script, secret: &Secret, request: &Value) -> Outcome<Played> {
    in_virtual_time(async {
        let (market, lake) = (ScriptedAlpaca::new(script), Lake::default());
        let bucket = Bucket::default();
        let collector = collector(&market, secret, &lake, &bucket)?;
        let run = pipeline::run((&collector, &bucket), request).await?;
        let shown = format!("{run:?} {collector:?}");
        assert!(!shown.contains("hush"), "{shown}");
        Ok(Played { run, requested: market.requested(), bars: lake.bars(), reads: secret.reads() })
    })
}

/// A run over bars of an hour.
fn play<T: AsRef<str>>(script: Script, symbols: &[T]) -> Outcome<Played> {
    let symbols: Vec<_> = symbols.iter().map(AsRef::as_ref).collect();
    play_with(script, &Secret::of(&["PK1"]), &json!({"trade_date": DATE, "interval": "1h", "symbols": symbols}))
}

/// So many symbols, of letters alone: `AAA`, `AAB`, …
fn numbered(symbols: usize) -> Vec<String> {
    let letter = |number: usize| char::from(b'A' + u8::try_from(number % 26).unwrap_or_default());
    (0..symbols).map(|at| [at / 676, at / 26, at].map(letter).iter().collect()).collect()
}

#[test]
fn a_request_is_for_the_session_of_a_hundred_symbols() -> Outcome {
    let symbols = numbered(250);
    let played = play(Script::of(&symbols), &symbols)?;
    assert_eq!(played.collection()?.symbols.collected.len(), 250);
    assert_eq!(played.bars.len(), 250 * 7);
    assert!(
        played
            .bars
            .iter()
            .all(|bar| bar.source.is_some_and(|it| it.name == "alpaca") && bar.feed.as_deref() == Some("sip"))
    );
    let sizes: Vec<_> = played.batches().iter().map(|request| request.symbols().len()).collect();
    assert_eq!(sizes, [100, 100, 50]);
    let queries: BTreeSet<_> = played
        .requested
        .iter()
        .map(|request| {
            let query = request.url.query_pairs().filter(|(name, _)| name != "symbols");
            let query: Vec<_> = query.map(|(name, value)| format!("{name}={value}")).collect();
            format!("{} {}", request.url.path(), query.join(" "))
        })
        .collect();
    assert_eq!(
        queries.into_iter().collect::<Vec<_>>(),
        [
            "/v2/calendar start=2026-11-20 end=2026-11-21",
            "/v2/stocks/bars timeframe=30Min start=2026-11-20T14:30:00Z end=2026-11-20T20:59:59Z limit=10000 \
             adjustment=raw feed=sip sort=asc",
        ]
    );
    assert_eq!(played.requested.len(), 4, "the calendar is requested once");
    Ok(())
}

#[test]
fn the_pages_of_a_request_are_one_answer() -> Outcome {
    let symbols = ["AAA", "BBB", "CCC"];
    let whole = play(Script::of(symbols), &symbols)?;
    let prices = |played: &Played| {
        let bar = |bar: &Bar| {
            format!(
                "{} {} {:?} {:?} {:?} {:?} {}",
                bar.symbol, bar.ts, bar.open, bar.high, bar.low, bar.close, bar.volume
            )
        };
        played.bars.iter().map(bar).collect::<Vec<_>>()
    };
    for page in [1, 4, 13, 38, 39] {
        let cut = play(Script { page, ..Script::of(symbols) }, &symbols)?;
        assert_eq!(prices(&cut), prices(&whole), "{page} bars a page");
        assert_eq!(cut.batches().len(), 39_usize.div_ceil(page), "{page} bars a page");
    }
    // The session's first hour is the twelfth and thirteenth half hour of a day that begins at four.
    let first = whole.bars.first().ok_or("no bars")?;
    let values = [first.open, first.high, first.low, first.close].map(|price| price.get());
    assert_eq!((values, first.volume), ([12.0, 13.5, 11.5, 13.25], 200));
    let last = whole.bars.get(6).ok_or("no last bar")?;
    assert_eq!((last.ts.timestamp(), last.volume), (at("15:30"), 100), "the last is of half an hour");
    Ok(())
}

/// What is wrong with the requests that name AAA costs BBB and CCC nothing.
#[test]
fn a_request_that_fails_for_one_symbol_is_split() -> Outcome {
    let symbols = ["AAA", "BBB", "CCC", "DDD"];
    let endless = json!({"bars": {}, "next_page_token": "T"});
    for (what, reply, outcome) in [
        ("a token comes twice", ok(&endless), "malformed"),
        ("something that is not JSON", text(200, "<html></html>"), "malformed"),
        ("a heavy query", error(500, "internal server error occurred"), "unavailable"),
        ("a reason without a symbol", error(422, "invalid something"), "refused"),
        ("a symbol that was not requested", error(400, "invalid symbol: ZZZ"), "unknown symbol"),
        ("a symbol that is none", error(400, "invalid symbol: ???"), "refused"),
    ] {
        let reply = reply.ok_or(what)?;
        let script = Script::of(symbols).instead(move |request| request.is_for("AAA").then(|| reply.clone()));
        let played = play(script, &symbols)?;
        assert_eq!(played.outcomes()?, format!("AAA: {outcome}, BBB: 7 of 7, CCC: 7 of 7, DDD: 7 of 7"), "{what}");
    }
    Ok(())
}

#[test]
fn a_refused_symbol_costs_a_request_and_not_the_bars_of_its_batch() -> Outcome {
    let symbols = numbered(100);
    let script = Script::of(&symbols).instead(|request| {
        let refused = ["AAC", "ABC"].into_iter().find(|symbol| request.is_for(symbol))?;
        error(400, &format!("code=400, message=invalid symbol: {refused}"))
    });
    let played = play(script, &symbols)?;
    let collection = played.collection()?;
    assert_eq!((collection.outcome, collection.symbols.collected.len()), (CollectOutcome::Collected, 98));
    assert!(collection.symbols.failed.iter().all(|failed| failed.reason == Reason::UnknownSymbol));
    let sizes: Vec<_> = played.batches().iter().map(|request| request.symbols().len()).collect();
    assert_eq!(sizes, [100, 99, 98, 1], "the last is the reference symbol, which shows that the market is up");
    Ok(())
}

#[test]
fn what_is_no_symbol_of_the_united_states_is_not_requested() -> Outcome {
    let symbols = ["AAA", "BRK-B", "BRK.B", "7203.T", "^GSPC", "EURUSD=X"];
    let played = play(Script::of(["AAA", "BRK.B"]), &symbols)?;
    assert_eq!(
        played.outcomes()?,
        "7203.T: unknown symbol, AAA: 7 of 7, BRK-B: 7 of 7, BRK.B: 7 of 7, EURUSD=X: unknown symbol, ^GSPC: unknown symbol"
    );
    assert_eq!(played.batches()[0].symbols(), ["AAA", "BRK.B"]);
    Ok(())
}

#[test]
fn a_symbol_without_bars_is_told_from_one_that_is_unknown() -> Outcome {
    let mut script = Script::of(["AAA"]);
    for (symbol, asset) in [
        ("QUIET", ("active", "NYSE", false)),
        ("GONE", ("inactive", "NASDAQ", false)),
        ("PINK", ("active", "OTC", false)),
    ] {
        script.assets.insert(symbol.to_owned(), asset);
    }
    let symbols = ["AAA", "GONE", "PINK", "QUIET", "ZZTOP"];
    let expected = "AAA: 7 of 7, GONE: not traded here, PINK: not traded here, QUIET: no trades, ZZTOP: unknown symbol";
    assert_eq!(play(script.clone(), &symbols)?.outcomes()?, expected);
    // An array that is null, and symbols that were not requested.
    let with_more = |request: &Requested| {
        let bars = json!({"AAA": null, "aaa": [{"t": "2026-11-20T14:30:00Z", "o": 9, "h": 9, "l": 9, "c": 9, "v": 9}], "BBB": null});
        (request.is_for("AAA") && request.parameter("page_token").is_empty())
            .then(|| ok(&json!({"bars": bars, "next_page_token": "from=0"})))?
    };
    assert_eq!(play(script.clone().instead(with_more), &symbols)?.outcomes()?, expected);
    // Assets that do not answer are left alone, and what they would say is asked for later.
    let is_of_assets = |request: &Requested| request.url.path().starts_with("/v2/assets/");
    let down =
        move |request: &Requested| (is_of_assets(request) && request.at < Duration::from_secs(60)).then(unreachable)?;
    let played = play(script.instead(down), &symbols)?;
    assert_eq!(played.outcomes()?, expected);
    let refused = played.requested.iter().filter(|request| is_of_assets(request) && request.at.as_secs() < 60).count();
    assert_eq!(refused, 4, "one request, and three repetitions");
    Ok(())
}

#[test]
fn a_former_symbol_is_requested_as_the_companys_new_one() -> Outcome {
    let mut script = Script::of(["META"]);
    script.assets.insert("FB".to_owned(), ("inactive", "NASDAQ", false));
    assert_eq!(play(script, &["FB"])?.outcomes()?, "FB: 7 of 7");
    Ok(())
}

#[test]
fn a_market_that_has_nothing_of_anything_is_down() -> Outcome {
    for bars in [json!({}), Value::Null] {
        let symbols = numbered(20);
        let nothing = json!({"bars": bars, "next_page_token": null});
        let script = Script::of(&symbols).instead(move |request| {
            (request.is_for_bars() && request.at < Duration::from_secs(50)).then(|| ok(&nothing))?
        });
        let played = play(script, &symbols)?;
        assert_eq!(played.run.invocations[0].answer.as_ref().map(|it| it.outcome), Some(CollectOutcome::Unavailable));
        assert_eq!(played.collection()?.symbols.collected.len(), 20);
    }
    Ok(())
}

#[test]
fn too_many_requests_are_waited_out_and_then_a_block() -> Outcome {
    let symbols = numbered(250);
    for (what, reset_in, times, expected_wait, outcome) in [
        ("until the reset", Some(30), 1, 30, CollectOutcome::Collected),
        ("as long as usual", None, 1, 20, CollectOutcome::Collected),
        ("twice", Some(25), 2, 50, CollectOutcome::Collected),
        ("at once, where the reset is past", Some(0), 1, 1, CollectOutcome::Collected),
        ("a minute at most", Some(3_600), 1, 60, CollectOutcome::Collected),
        ("no longer than a minute", Some(40), usize::MAX, 40, CollectOutcome::Blocked),
    ] {
        let script = Script::of(&symbols).instead(move |request| {
            // The first is for the calendar.
            (1..=times).contains(&request.number).then(|| too_many(reset_in))?
        });
        let played = play(script, &symbols)?;
        let first = &played.run.invocations[0];
        assert_eq!(first.answer.as_ref().map(|it| it.outcome), Some(outcome), "{what}");
        assert_eq!(first.ended.as_secs(), expected_wait, "{what}");
    }
    Ok(())
}

#[test]
fn the_next_request_waits_where_none_is_left() -> Outcome {
    let symbols = numbered(250);
    let script = Script::of(&symbols).instead(|request| {
        let mut reply = (request.number == 1).then(|| too_many(Some(45)))??.ok()?;
        (reply.status, reply.body) = (200, json!({"bars": {}, "next_page_token": "from=0"}).to_string());
        Some(Ok(reply))
    });
    let played = play(script, &symbols)?;
    assert_eq!(played.collection()?.symbols.collected.len(), 250);
    let at: Vec<_> = played.batches().iter().map(|request| request.at.as_secs()).collect();
    assert_eq!(at, [0, 45, 45, 45]);
    Ok(())
}

#[test]
fn a_key_that_is_not_accepted_ends_the_run_at_once() -> Outcome {
    let request = json!({"trade_date": DATE, "interval": "1h", "symbols": ["AAA", "BBB"]});
    let refuse = |id: &'static str| {
        move |request: &Requested| (request.key_id == id).then(|| error(401, "request is not authorized"))?
    };
    let script = || Script::of(["AAA", "BBB"]);
    let refused = play_with(script().instead(refuse("PK1")), &Secret::of(&["PK1"]), &request)?;
    let (name, cause) = refused.error()?;
    assert_eq!(name, ErrorName::SourceUnauthorized);
    assert!(
        cause.contains("the key in the secret finstream/alpaca is not accepted: request is not authorized"),
        "{cause}"
    );
    assert_eq!((refused.requested.len(), refused.reads, refused.ended()), (1, 2, 0));

    let rotated = play_with(script().instead(refuse("PK1")), &Secret::of(&["PK1", "PK2"]), &request)?;
    assert_eq!(rotated.outcomes()?, "AAA: 7 of 7, BBB: 7 of 7");
    assert_eq!((rotated.requested.len(), rotated.reads), (3, 2), "the other key is kept");

    for text in ["", "hush", r#"{"key_id":"hush"}"#] {
        let secret = Secret { texts: vec![text.to_owned()], ..Secret::default() };
        let invalid = play_with(script(), &secret, &request)?;
        let (name, cause) = invalid.error()?;
        assert_eq!(name, ErrorName::SourceUnauthorized);
        assert!(cause.contains("the secret finstream/alpaca is not a key") && !cause.contains("hush"), "{cause}");
        assert!(invalid.requested.is_empty());
    }
    Ok(())
}

#[test]
fn a_key_that_is_refused_half_way_ends_the_run_at_once() -> Outcome {
    let symbols = numbered(450);
    let script = Script::of(&symbols).instead(|request| (request.number >= 3).then(|| error(403, "forbidden."))?);
    let played = play(script, &symbols)?;
    assert_eq!(played.error()?.0, ErrorName::SourceUnauthorized);
    assert_eq!((played.run.invocations.len(), played.ended()), (1, 0));
    assert_eq!(played.bars.len(), 200 * 7, "what was written before is in the lake, as of every run that fails");
    assert!(played.requested.len() <= 5, "{}", played.requested.len());
    Ok(())
}

#[test]
fn a_calendar_that_does_not_answer_is_waited_for_and_not_guessed() -> Outcome {
    let backwards = json!([{"date": DATE, "open": "16:00", "close": "09:30"}]);
    for (what, reply) in [
        ("unreachable", unreachable()),
        ("broken", text(200, "<html></html>")),
        ("down", error(503, "")),
        ("it closes before it opens", ok(&backwards)),
    ] {
        let reply = reply.ok_or(what)?;
        let script = Script::of(["AAA"]).instead(move |request| {
            (request.url.path() == "/v2/calendar" && request.at < Duration::from_secs(30)).then(|| reply.clone())
        });
        let played = play(script, &["AAA"])?;
        let first = played.run.invocations[0].answer.as_ref().ok_or("no answer")?;
        assert_eq!((first.outcome, first.symbols.failed[0].attempts), (CollectOutcome::Unavailable, 0), "{what}");
        assert_eq!(played.outcomes()?, "AAA: 7 of 7", "{what}");
        let symbols: Vec<_> = played.batches().iter().map(|request| request.symbols().join(" ")).collect();
        assert_eq!(symbols, ["SPY", "AAA"], "{what}: the first shows that the market is up again");
    }
    Ok(())
}

#[test]
fn the_hours_are_those_of_the_calendar() -> Outcome {
    for (what, hours, interval, expected) in [
        ("a full session", Some(["09:30", "16:00"]), "5m", "AAA: 78 of 78"),
        ("a half day", Some(["09:30", "13:00"]), "5m", "AAA: 42 of 42"),
        ("a half day of hours", Some(["09:30", "13:00"]), "1h", "AAA: 4 of 4"),
        ("a holiday", None, "5m", "AAA: no session"),
    ] {
        let script = Script { hours, ..Script::of(["AAA"]) };
        let request = json!({"trade_date": DATE, "interval": interval, "symbols": ["AAA"]});
        let played = play_with(script, &Secret::of(&["PK1"]), &request)?;
        assert_eq!(played.outcomes()?, expected, "{what}");
        assert_eq!(played.batches().len(), usize::from(hours.is_some()), "{what}");
    }
    Ok(())
}

#[test]
fn a_session_is_waited_for_until_its_bars_are_there() -> Outcome {
    // Every run begins at 17:30.
    let script = Script { hours: Some(["09:30", "17:20"]), ..Script::of(["AAA"]) };
    let request = json!({"interval": "1h", "symbols": ["AAA"]});
    let played = play_with(script, &Secret::of(&["PK1"]), &request)?;
    assert_eq!(played.run.invocations[0].answer.as_ref().map(|it| it.outcome), Some(CollectOutcome::SessionOpen));
    assert_eq!(played.outcomes()?, "AAA: 8 of 8");
    let is_early = |request: &&&Requested| request.is_for("AAA") && request.at.as_secs() < 6 * 60;
    assert_eq!(played.batches().iter().filter(is_early).count(), 0, "from 17:36 on");
    Ok(())
}

#[test]
fn bars_that_are_too_young_for_the_plan_are_waited_for() -> Outcome {
    let script = Script::of(["AAA"]).instead(|request| {
        let is_early = request.is_for_bars() && request.at < Duration::from_secs(100);
        is_early.then(|| error(403, "subscription does not permit querying recent SIP data"))?
    });
    let played = play(script, &["AAA"])?;
    assert_eq!(played.outcomes()?, "AAA: 7 of 7");
    assert_eq!(played.reads, 1, "the key is not at fault");
    Ok(())
}

#[test]
fn the_newest_session_is_the_calendars_and_has_bars() -> Outcome {
    for (hours, expected) in
        [(Some(["09:30", "16:00"]), "2026-11-20"), (None, "2026-11-19"), (Some(["09:30", "17:40"]), "2026-11-19")]
    {
        let script = Script { hours, ..Script::of(["AAA"]) };
        let played = play_with(script, &Secret::of(&["PK1"]), &json!({"interval": "1h", "symbols": ["AAA"]}))?;
        assert_eq!(played.collection()?.trade_date.to_string(), expected, "{hours:?}");
        assert_eq!(played.batches()[0].symbols(), ["SPY"]);
    }
    Ok(())
}

/// Plays a tick of bars of five minutes at 10:06.
fn tick(script: Script) -> Outcome<Result<LiveTick, (ErrorName, String)>> {
    in_virtual_time(async {
        let (market, lake) = (ScriptedAlpaca::new(script), Lake::default());
        let collector = collector(&market, &Secret::of(&["PK1"]), &lake, &Bucket::default())?;
        let now = at("10:06");
        let request =
            json!({"live": true, "scheduled_time": now, "symbols": ["AAA", "BBB"], "interval": Interval::FiveMinutes});
        let answer = collector.answer(request, Invocation::beginning("request-1".into(), now, Duration::from_secs(60)));
        match answer.await {
            Ok(answer) => Ok(Ok(serde_json::from_value(answer)?)),
            Err(error) => Ok(Err((error.name(), error.to_string()))),
        }
    })
}

#[test]
fn a_tick_has_the_bars_that_have_closed() -> Outcome {
    let whole = tick(Script::of(["AAA", "BBB"]))?.map_err(|(name, cause)| format!("{name}: {cause}"))?;
    assert_eq!((whole.bars, whole.failed_count), (2 * 3, 0), "of 09:50, 09:55 and 10:00");
    let script = Script::of(["AAA", "BBB"]).instead(|request| {
        request.is_for_bars().then(|| error(403, "subscription does not permit querying recent SIP data"))?
    });
    let (name, cause) = tick(script)?.err().ok_or("the plan has no bars as young")?;
    assert_eq!(name, ErrorName::SourceUnauthorized);
    assert!(cause.contains("SIP data: a free account has no bars of the last 15 minutes"), "{cause}");
    Ok(())
}

/// With a free account's 200 requests a minute.
#[test]
fn ten_thousand_symbols_are_a_hundred_requests() -> Outcome {
    let symbols = numbered(10_000);
    let unknown = |at: &usize| at % 100 == 7;
    let listed: Vec<_> = (0..symbols.len()).filter(|at| !unknown(at)).map(|at| symbols[at].clone()).collect();
    let played = play(Script::of(&listed), &symbols)?;
    let collection = played.collection()?;
    assert_eq!((collection.outcome, collection.symbols.collected.len()), (CollectOutcome::Collected, 9_900));
    assert!(collection.symbols.failed.iter().all(|failed| failed.reason == Reason::UnknownSymbol));
    assert_eq!((played.bars.len(), played.run.invocations.len()), (9_900 * 7, 1));
    assert_eq!((played.batches().len(), played.requested.len()), (100 + 1, 100 + 1 + 100 + 1));
    assert!(played.ended() < 60, "{} s", played.ended());
    Ok(())
}

/// What is wrong with the market for a while.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Fails,
    Unreachable,
    Malformed,
    TooMany(Option<u64>),
}

impl Fault {
    fn reply(self) -> Option<Result<HttpReply, Unreachable>> {
        match self {
            Self::Fails => error(503, "internal server error occurred"),
            Self::Unreachable => unreachable(),
            Self::Malformed => text(200, "<html></html>"),
            Self::TooMany(reset_in) => too_many(reset_in),
        }
    }

    /// How often it comes: as often as the client sends a request again.
    fn times(self) -> usize {
        match self {
            Self::Fails | Self::Unreachable => 4,
            Self::Malformed => 1,
            Self::TooMany(_) => 2,
        }
    }
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        Just(Fault::Fails),
        Just(Fault::Unreachable),
        Just(Fault::Malformed),
        prop::option::of(0_u64..50).prop_map(Fault::TooMany),
    ]
}

/// The bars, each as it was written last.
fn lake(played: &Played) -> BTreeMap<(String, String), String> {
    let bar = |bar: &Bar| {
        let values = [bar.open, bar.high, bar.low, bar.close].map(|price| price.get());
        ((bar.symbol.to_string(), bar.ts.to_string()), format!("{values:?} {}", bar.volume))
    };
    played.bars.iter().map(bar).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// A fault that ends leaves no trace: each symbol has the outcome, and the lake the bars, of a run without it.
    #[test]
    fn a_run_ends_as_it_would_have_without_a_fault(
        listings in prop::collection::vec(0_usize..8, 1..220),
        page in 40_usize..600,
        first in 0_usize..12,
        fault in fault(),
    ) {
        let fail = |error: Box<dyn std::error::Error>| TestCaseError::fail(error.to_string());
        let symbols = numbered(listings.len());
        let mut script = Script { page, ..Script::of(Vec::<String>::new()) };
        for (symbol, listing) in symbols.iter().zip(&listings) {
            let asset = match listing {
                0 => continue,
                1 => ("inactive", "NYSE", false),
                2 => ("active", "OTC", false),
                _ => ("active", "NYSE", true),
            };
            script.assets.insert(symbol.clone(), asset);
        }
        let faulty = script.clone().instead(move |request| {
            (first..first + fault.times()).contains(&request.number).then(|| fault.reply())?
        });
        let whole = play(script, &symbols).map_err(fail)?;
        let played = play(faulty, &symbols).map_err(fail)?;
        match (whole.outcomes(), played.outcomes()) {
            (Ok(expected), Ok(found)) => prop_assert_eq!(expected, found),
            // No symbol has bars.
            (Err(expected), Err(found)) => prop_assert_eq!(expected.to_string(), found.to_string()),
            (expected, found) => prop_assert!(false, "{expected:?}, {found:?}"),
        }
        prop_assert_eq!(lake(&whole), lake(&played));
    }
}
