//! Each way in which a collection once told less than the truth, and what it does now.

use std::{collections::BTreeSet, time::Duration};

use collect::Invocation;
use jiff::Timestamp;
use serde_json::{Value, json};
use shared::{
    ErrorName, Interval, NamedError,
    payload::{CollectOutcome, Collection, Reason, SymbolOutcome, SymbolSummary},
};
use tokio::time::Instant;

use crate::{
    Outcome, Played,
    bucket::Bucket,
    in_virtual_time,
    lake::Lake,
    market::{DATE, Exchange, Fault, Listing, RUN_BEGINS, Script, ScriptedMarket},
    pipeline::{Collected, collector, collector_of},
    play,
};

fn full() -> Listing {
    Listing::full()
}

fn holes(holes: &[usize], filled_after: Option<u32>) -> Listing {
    Listing::Trades { holes: holes.iter().copied().collect(), filled_after }
}

/// A market of 5-minute bars with the reference symbol, which trades, and these symbols of New York.
fn market(listings: impl IntoIterator<Item = (String, Listing)>) -> Script {
    let spy = ("SPY".to_owned(), full());
    let listings = [spy].into_iter().chain(listings).map(|(symbol, listing)| (symbol, (Exchange::NewYork, listing)));
    let latency = Duration::from_millis(100);
    Script { listings: listings.collect(), interval: Interval::FiveMinutes, latency, ..Script::default() }
}

fn numbered(symbols: usize, listing: impl Fn(usize) -> Listing) -> impl Iterator<Item = (String, Listing)> {
    (0..symbols).map(move |at| (format!("S{at:03}"), listing(at)))
}

fn seconds(from: u64, to: u64) -> std::ops::Range<Duration> {
    Duration::from_secs(from)..Duration::from_secs(to)
}

/// Plays a run over every symbol of the market but the reference symbol.
fn run(script: Script) -> Outcome<Played> {
    let symbols: Vec<_> = script.listings.keys().filter(|symbol| *symbol != "SPY").cloned().collect();
    play(script, Lake::default(), &json!({"trade_date": DATE, "symbols": symbols}))
}

fn collected(played: &Played) -> Outcome<&Collected> {
    played.run.end.as_ref().map_err(|(error, cause)| format!("{error}: {cause}").into())
}

#[test]
fn a_refusal_in_the_second_attempt_is_no_answer() -> Outcome {
    // The first attempt brings nothing usable of AAA and 77 of BBB's 78 bars; the second, after five minutes, is refused.
    let faulty = Listing::Faulty(Fault::Malformed, Some(1));
    let mut script = market([("AAA".into(), faulty), ("BBB".into(), holes(&[7], Some(1))), ("CCC".into(), full())]);
    script.outages = vec![(seconds(200, 400), Fault::Blocks)];
    let played = run(script)?;
    let second = played.run.invocations[1].answer.as_ref().ok_or("no second answer")?;
    assert_eq!(second.outcome, CollectOutcome::Blocked);
    let waiting = second.symbols.failed.iter().map(|it| (it.symbol.as_str(), it.attempts, it.refusals));
    let short = second.symbols.collected.iter().filter(|it| it.is_short());
    let waiting: Vec<_> = waiting.chain(short.map(|it| (it.symbol.as_str(), it.attempts, it.refusals))).collect();
    assert_eq!(waiting, [("AAA", 1, 1), ("BBB", 1, 0)], "AAA was refused; BBB was not even asked");
    let end = collected(&played)?;
    assert_eq!((end.outcome, end.bars, end.symbols.failed.len()), (CollectOutcome::Collected, 3 * 78, 0));
    assert_eq!(played.asked.iter().filter(|one| one.outage.is_some()).count(), 2, "AAA and the reference symbol");
    Ok(())
}

#[test]
fn symbols_with_refusals_of_their_own_do_not_starve_the_others() -> Outcome {
    for first_refused in [0, 1] {
        let refused = Listing::Faulty(Fault::Blocks, None);
        let turns = |at| if at % 2 == first_refused && at < 10 { refused.clone() } else { full() };
        let played = run(market(numbered(15, turns)))?;
        let end = collected(&played)?;
        assert_eq!((end.outcome, end.symbols.collected.len()), (CollectOutcome::Collected, 10));
        let blocked = end.symbols.failed.iter().filter(|it| it.reason == Reason::Blocked && it.attempts == 2);
        assert_eq!(blocked.count(), 5, "{:?}", end.symbols.failed);
        let minutes = played.run.invocations.last().map(|last| last.ended.as_secs() / 60);
        assert_eq!(minutes, Some(if first_refused == 0 { 10 } else { 5 }), "{first_refused}");
    }
    Ok(())
}

/// A refusal is no proof of a symbol's own fault where it comes again and again.
#[test]
fn a_market_that_refuses_by_rate_is_not_hammered() -> Outcome {
    let mut script = market(numbered(200, |_| full()));
    script.most_per_second = Some(0.68);
    let played = run(script)?;
    let refused = |began, ended| {
        played.asked.iter().filter(|one| (began..=ended).contains(&one.at) && one.outage.is_some()).count()
    };
    for invoked in &played.run.invocations {
        assert!(
            refused(invoked.began, invoked.ended) <= 25,
            "{:?}: {}",
            invoked.began,
            refused(invoked.began, invoked.ended)
        );
    }
    let end = collected(&played)?;
    assert!(end.symbols.failed.iter().all(|failed| failed.attempts == 0), "{:?}", end.symbols.failed);
    Ok(())
}

/// The waits for the market are used up by a block; later, when the time of an invocation ran out, the next one begins
/// with a symbol that is refused alone.
#[test]
fn a_refused_symbol_at_the_start_of_an_invocation_starves_nobody() -> Outcome {
    let refused = |at| if at == 289 { Listing::Faulty(Fault::Blocks, None) } else { full() };
    let mut script = market(numbered(400, refused));
    script.outages = vec![(seconds(0, 6000), Fault::Blocks)];
    let end = run(script)?;
    assert_eq!(collected(&end)?.symbols.collected.len(), 399);
    Ok(())
}

#[test]
fn a_reference_symbol_that_is_alone_at_fault_stops_nothing() -> Outcome {
    for fault in [Fault::Fails, Fault::Hangs, Fault::HasNothing, Fault::Malformed] {
        let refused = |at| if at == 4 { Listing::Faulty(Fault::Blocks, None) } else { full() };
        let mut script = market(numbered(30, refused));
        script.listings.insert("SPY".into(), (Exchange::NewYork, Listing::Faulty(fault, None)));
        let played = run(script)?;
        assert_eq!(collected(&played)?.symbols.collected.len(), 29, "{fault:?}");
    }
    Ok(())
}

/// Bars that come four minutes late are not asked for a minute after an outage, which would be the last attempt.
#[test]
fn a_second_attempt_comes_minutes_later_also_after_an_outage() -> Outcome {
    let mut script = market(numbered(40, |at| if at < 5 { holes(&[7], Some(1)) } else { full() }));
    script.outages = vec![(seconds(10, 60), Fault::Fails)];
    let played = run(script)?;
    let asked_at = |symbol: &str| {
        played.asked.iter().filter(|one| one.symbol == symbol).map(|one| one.at.as_secs()).collect::<Vec<_>>()
    };
    let second = asked_at("S001").get(1).copied().ok_or("no second attempt")?;
    assert!(second >= 300, "after {second} s");
    assert_eq!(collected(&played)?.bars, 40 * 78);
    Ok(())
}

/// The answer passes through the state machine, whatever the market writes into its errors, and however many symbols have one.
#[test]
fn an_answer_is_short_whatever_fails() -> Outcome {
    for text in ["x", "é", "語", "😀", "\u{7}", "\""] {
        let wordy = |at: usize| (format!("S{at:019}"), Listing::Wordy(text.repeat(100_000)));
        let played = run(market((0..499).map(wordy).chain([("META".to_owned(), full())])))?;
        let collection = collected(&played)?;
        let symbols = collection.symbols.failed.iter().cloned().map(SymbolOutcome::Failed).collect::<Vec<_>>();
        let summary = SymbolSummary::of("s3://lake/symbols.jsonl".parse()?, &symbols);
        let json = serde_json::to_string(&collection.clone().with_symbols(summary))?;
        assert!(symbols.len() == 499 && json.len() < 8 * 1024, "{text:?}: {} bytes", json.len());
    }
    Ok(())
}

/// Plays invocations one after the other in one run, each resuming the answer of the one that is named: its number, and how
/// long it waits before.
fn invocations(script: Script, resumes: &[(usize, u64)]) -> Outcome<Vec<Collected>> {
    in_virtual_time(async {
        let (market, bucket, began) = (ScriptedMarket::new(script), Bucket::default(), Instant::now());
        let collector = collector_of(&market, &Lake::default(), &bucket)?;
        let answer = async |payload: Value| {
            let began_at = RUN_BEGINS.parse::<Timestamp>()? + began.elapsed();
            let invocation = Invocation::beginning("run-1".into(), began_at, Duration::from_secs(300));
            let answer: Collection = serde_json::from_value(collector.answer(payload, invocation).await?)?;
            Ok::<_, Box<dyn std::error::Error>>(answer)
        };
        let symbols = json!(["AAA", "BBB", "CCC"]);
        let first = answer(json!({"trade_date": DATE, "symbols": symbols, "run_id": "run-1"})).await?;
        let (mut answers, mut collected) = (vec![first.clone()], vec![]);
        collected.push(first.clone().with_symbols(bucket.outcomes(&first.symbols.uri)?));
        for (resumed, seconds) in resumes {
            tokio::time::sleep(Duration::from_secs(*seconds)).await;
            let next = answer(json!({"collection": answers[*resumed]})).await?;
            collected.push(next.clone().with_symbols(bucket.outcomes(&next.symbols.uri)?));
            answers.push(next);
        }
        Ok(collected)
    })
}

/// Where the answer of an invocation is lost, the state machine repeats it with the payload that it had.
#[test]
fn a_lost_answer_loses_no_outcome() -> Outcome {
    let mut script = market([("AAA".into(), full()), ("BBB".into(), holes(&[7], Some(1))), ("CCC".into(), full())]);
    script.listings.insert("CCC".into(), (Exchange::NewYork, Listing::Faulty(Fault::Malformed, Some(1))));
    let whole = invocations(script.clone(), &[(0, 300)])?;
    let repeated = invocations(script, &[(0, 300), (0, 5)])?;
    let [first, .., end] = repeated.as_slice() else { return Err("no answers".into()) };
    assert_eq!((first.outcome, first.symbols.collected.len()), (CollectOutcome::Short, 2));
    assert_eq!((end.outcome, end.bars), (CollectOutcome::Collected, 3 * 78));
    assert_eq!(Some(&end.symbols), whole.last().map(|whole| &whole.symbols), "no symbol is requested once more");
    assert_eq!(Some(end.written_at), whole.last().map(|whole| whole.written_at));
    Ok(())
}

#[test]
fn a_run_whose_outcomes_are_gone_or_not_right_is_not_resumed() -> Outcome {
    for (content, problem) in [
        (None, "the outcomes of the run are gone from s3://lake/runs/trade_date=2026-11-20/run-1/symbols.jsonl"),
        (Some("{}\n"), "line 1 is not the outcome of a symbol"),
    ] {
        let error = in_virtual_time(async {
            let (market, bucket) = (ScriptedMarket::new(market([("AAA".into(), full())])), Bucket::default());
            let collector = collector_of(&market, &Lake::default(), &bucket)?;
            let invocation = || {
                let began_at = RUN_BEGINS.parse::<Timestamp>()?;
                Ok::<_, jiff::Error>(Invocation::beginning("run-1".into(), began_at, Duration::from_secs(300)))
            };
            let first = json!({"trade_date": DATE, "symbols": ["AAA"], "run_id": "run-1"});
            let answer: Collection = serde_json::from_value(collector.answer(first, invocation()?).await?)?;
            bucket.replace(&answer.symbols.uri, content);
            let resumed = collector.answer(json!({"collection": answer}), invocation()?).await;
            Ok(resumed.err().map(|error| (error.name(), error.to_string())))
        })?;
        let (name, message) = error.ok_or("it was resumed")?;
        assert_eq!(name, ErrorName::InvalidResult);
        assert!(message.contains(problem) && message.contains("run the day again"), "{message}");
    }
    Ok(())
}

#[test]
fn what_may_change_gets_a_second_attempt() -> Outcome {
    for (listing, reason, attempts) in [
        (Listing::Unknown, Reason::UnknownSymbol, 1),
        (Listing::Holiday, Reason::NotTradedHere, 1),
        (Listing::Untraded, Reason::NoTrades, 2),
        (Listing::StillOpen, Reason::SessionNotOver, 0),
        (Listing::TooOld, Reason::TooOld, 1),
        (Listing::Faulty(Fault::Blocks, None), Reason::Blocked, 2),
        (Listing::Faulty(Fault::Fails, None), Reason::Unavailable, 2),
        (Listing::Faulty(Fault::Hangs, None), Reason::Unavailable, 2),
        (Listing::Faulty(Fault::Malformed, None), Reason::Malformed, 2),
    ] {
        let played = run(market([("AAA".to_owned(), full()), ("BBB".to_owned(), listing.clone())]))?;
        let failed = &collected(&played)?.symbols.failed;
        let found: Vec<_> = failed.iter().map(|failed| (failed.reason, failed.attempts)).collect();
        assert_eq!(found, [(reason, attempts)], "{listing:?}");
    }
    Ok(())
}

#[test]
fn an_open_session_is_no_outage() -> Outcome {
    let mut script = market(numbered(25, |_| Listing::StillOpen));
    script.listings.insert("SPY".into(), (Exchange::NewYork, Listing::StillOpen));
    let played = run(script.clone())?;
    let error = played.run.end.err().map(|(error, _)| error);
    assert_eq!((error, played.asked.len()), (Some(ErrorName::SessionNotOver), 25));
    let (status, body, _) = post(script, &json!({"trade_date": DATE, "symbols": ["S000", "S001"]}))?;
    assert_eq!((status, &body["error"]), (409, &json!("SessionNotOver")), "{body}");
    Ok(())
}

#[test]
fn a_holiday_of_another_exchange_is_a_day_without_a_session() -> Outcome {
    for (listings, ends) in [
        (vec![("A.L", Exchange::London, Listing::Holiday), ("B.L", Exchange::London, Listing::Holiday)], "no_session"),
        (vec![("A.L", Exchange::London, Listing::Holiday), ("ZZ", Exchange::London, Listing::Unknown)], "no_session"),
        // New York traded, so a symbol of New York without a session is dead.
        (vec![("A.L", Exchange::London, Listing::Holiday), ("A", Exchange::NewYork, Listing::Holiday)], "no_session"),
        (vec![("A", Exchange::NewYork, Listing::Holiday)], "NoBars"),
        (vec![("A.L", Exchange::London, Listing::Holiday), ("A", Exchange::NewYork, Listing::Untraded)], "NoBars"),
        (
            vec![("A.L", Exchange::London, Listing::Holiday), ("A", Exchange::NewYork, full())],
            "collected, 1 no_session",
        ),
        (
            vec![("A.L", Exchange::London, Listing::Holiday), ("B.L", Exchange::London, full())],
            "collected, 1 not_traded_here",
        ),
    ] {
        let mut script = market([]);
        script.listings.extend(
            listings.iter().map(|(symbol, exchange, listing)| ((*symbol).to_owned(), (*exchange, listing.clone()))),
        );
        let ended = match run(script)?.run.end {
            Ok(Collection { outcome: CollectOutcome::Collected, symbols, .. }) => {
                let reasons = symbols.failed.iter().map(|failed| json!(failed.reason));
                let reasons: Vec<_> = reasons.map(|it| it.as_str().unwrap_or_default().to_owned()).collect();
                format!("collected, {} {}", reasons.len(), reasons.join(" "))
            }
            Ok(collection) => json!(collection.outcome).as_str().unwrap_or_default().to_owned(),
            Err((error, _)) => error.to_string(),
        };
        assert_eq!(ended, ends, "{listings:?}");
    }
    Ok(())
}

#[test]
fn a_former_symbol_is_named_after_whoever_answers() -> Outcome {
    let (own, company) = ("FB as the market calls it", "Meta Platforms");
    for (listed, requested, names) in [
        (vec!["META"], vec!["FB"], vec![("FB", company)]),
        (vec!["META"], vec!["FB", "META"], vec![("FB", company), ("META", company)]),
        (vec!["FB", "META"], vec!["FB", "META"], vec![("FB", own), ("META", company)]),
        (vec!["FB"], vec!["FB"], vec![("FB", own)]),
    ] {
        let script = market(listed.iter().map(|symbol| ((*symbol).to_owned(), full())));
        let played = play(script, Lake::default(), &json!({"trade_date": DATE, "symbols": requested}))?;
        assert_eq!(collected(&played)?.bars, 78 * requested.len());
        let bars = played.lake.bars();
        assert_eq!(bars.len(), 78 * requested.len());
        let named: BTreeSet<_> = bars.iter().map(|bar| (bar.symbol.as_str(), bar.company_name.as_str())).collect();
        assert_eq!(named, names.into_iter().collect(), "{listed:?} for {requested:?}");
    }
    Ok(())
}

/// Sends `POST /collect`; the status, the body and the time it took.
fn post(script: Script, body: &Value) -> Outcome<(u64, Value, Duration)> {
    let mut event: Value = serde_json::from_str(include_str!("../../events/http.json"))?;
    event["body"] = json!(body.to_string());
    event["isBase64Encoded"] = json!(false);
    in_virtual_time(async {
        let collector = collector(&ScriptedMarket::new(script), &Lake::default())?;
        let begun = Instant::now();
        let invocation = Invocation::beginning("request-1".into(), RUN_BEGINS.parse()?, Duration::from_secs(300));
        let reply = collector.answer(event, invocation).await?;
        let body = serde_json::from_str(reply["body"].as_str().unwrap_or_default())?;
        Ok((reply["statusCode"].as_u64().unwrap_or_default(), body, begun.elapsed()))
    })
}

#[test]
fn over_http_a_market_that_does_not_answer_is_503_before_the_gateway_gives_up() -> Outcome {
    for (fault, error) in [
        (Fault::Hangs, "MarketUnavailable"),
        (Fault::Fails, "MarketUnavailable"),
        (Fault::HasNothing, "MarketUnavailable"),
        (Fault::Malformed, "MarketUnavailable"),
        (Fault::Blocks, "MarketBlocked"),
    ] {
        for request in [json!({"trade_date": DATE, "symbols": ["S000"]}), json!({"symbols": ["S000"]}), json!({})] {
            let mut script = market(numbered(1, |_| full()));
            script.outages = vec![(seconds(0, 3600), fault)];
            let (status, body, took) = post(script, &request)?;
            assert_eq!((status, &body["error"]), (503, &json!(error)), "{fault:?} {request}: {body}");
            assert!(took < Duration::from_secs(28), "{fault:?} {request}: {took:?}");
        }
    }
    let (status, body, _) = post(market([]), &json!({"trade_date": DATE, "symbols": ["ZZ"]}))?;
    assert_eq!((status, &body["error"]), (404, &json!("NoBars")), "{body}");
    Ok(())
}

/// 500 symbols on markets that do not answer: how the run ends, after what time and how many requests.
#[test]
fn a_market_that_does_not_answer_is_recognised_and_named() -> Outcome {
    let outage = |fault| {
        let mut script = market(numbered(500, |_| full()));
        script.outages = vec![(seconds(0, 1_000_000), fault)];
        script
    };
    let half_way = |fault| {
        let mut script = outage(fault);
        script.outages[0].0.start = Duration::from_secs(100);
        script
    };
    let of_their_own =
        |fault| market(numbered(500, move |at| if at % 50 == 0 { Listing::Faulty(fault, None) } else { full() }));
    let mut table = String::new();
    for (what, script) in [
        ("healthy", market(numbered(500, |_| full()))),
        ("hangs", outage(Fault::Hangs)),
        ("blocks all", outage(Fault::Blocks)),
        ("fails", outage(Fault::Fails)),
        ("has nothing", outage(Fault::HasNothing)),
        ("malformed", outage(Fault::Malformed)),
        ("hangs after 100 s", half_way(Fault::Hangs)),
        ("blocks after 100 s", half_way(Fault::Blocks)),
        ("has nothing after 100 s", half_way(Fault::HasNothing)),
        ("blocks ten of its own", of_their_own(Fault::Blocks)),
        ("hangs for ten", of_their_own(Fault::Hangs)),
    ] {
        let played = run(script)?;
        let took = played.run.invocations.last().map_or(0, |last| last.ended.as_secs());
        let end = match &played.run.end {
            Ok(end) => format!("{:?}, {} of 500", end.outcome, end.symbols.collected.len()),
            Err((error, _)) => error.to_string(),
        };
        let met = played.asked.iter().filter(|one| one.outage.is_some()).count();
        let (requests, invocations) = (played.asked.len(), played.run.invocations.len());
        table += &format!(
            "{what:24} {:3} min  {requests:3} requests, {met:2} of them in vain  {invocations} invocations  {end}\n",
            took / 60
        );
    }
    insta::assert_snapshot!(table);
    Ok(())
}

#[test]
fn gaps_are_still_listed_after_a_second_attempt() -> Outcome {
    let twelve: Vec<usize> = (0..12).map(|at| at * 6 + 1).collect();
    let played = run(market(numbered(500, |_| holes(&twelve, None))))?;
    let end = collected(&played)?;
    for symbol in &end.symbols.collected {
        assert_eq!((symbol.attempts, symbol.gaps.as_ref().map(Vec::len)), (2, Some(12)), "{symbol:?}");
    }
    // Remarks may add 30 KB and the names of symbols a few; the state machine passes 256 KiB.
    for answer in played.run.invocations.iter().filter_map(|it| it.answer.as_ref()) {
        let length = serde_json::to_string(answer)?.len();
        assert!(length < 200_000, "{length} bytes");
    }
    Ok(())
}

/// The sessions of coins, currencies and futures end hours after New York's close.
#[test]
fn a_run_waits_for_sessions_that_are_still_going_on() -> Outcome {
    let open_for = |minutes: u64| Listing::OpenFor(Duration::from_secs(minutes * 60));
    let undated = json!({"symbols": ["AAA", "BTC-USD"]});
    let dated = json!({"symbols": ["AAA", "BTC-USD"], "trade_date": DATE});
    let coin = json!({"symbols": ["BTC-USD"]});
    let dated_coin = json!({"symbols": ["BTC-USD"], "trade_date": DATE});
    let later = json!({"symbols": ["AAA", "BTC-USD", "ES=F"]});
    let dated_blocked = json!({"symbols": ["AAA", "BTC-USD"], "trade_date": DATE, "blocked_until": 100});
    let dated_coin_blocked = json!({"symbols": ["BTC-USD"], "trade_date": DATE, "blocked_until": 100});
    let mut table = String::new();
    for (what, request, minutes) in [
        ("one coin, the newest session", &undated, 90),
        ("one coin, of a date", &dated, 90),
        ("a coin alone, the newest session", &coin, 90),
        ("a coin alone, of a date", &dated_coin, 90),
        ("a coin, and a future that ends later", &later, 90),
        ("an end that is too far away", &undated, 481),
        ("an end that is too far away, and nothing else", &coin, 481),
        ("an end too far from the start of a run that was blocked", &dated_blocked, 481),
        ("a coin alone, of a date, after a block", &dated_coin_blocked, 90),
    ] {
        let listings = [("AAA".into(), full()), ("BTC-USD".into(), open_for(minutes)), ("ES=F".into(), open_for(390))];
        let (mut script, mut request) = (market(listings), request.clone());
        if let Some(fault) = request.as_object_mut().and_then(|request| request.remove("blocked_until")) {
            script.outages = vec![(seconds(0, fault.as_u64().unwrap_or_default()), Fault::Blocks)];
        }
        let played = play(script, Lake::default(), &request)?;
        let (asked, last) = (played.asked.len(), played.run.invocations.last().map_or(0, |last| last.ended.as_secs()));
        let end = match &played.run.end {
            Err((error, cause)) => format!("{error}: {cause}"),
            Ok(end) => {
                let collected =
                    end.symbols.collected.iter().map(|it| format!("{} attempts {}", it.symbol, it.attempts));
                let failed =
                    end.symbols.failed.iter().map(|it| format!("{} {}: {}", it.symbol, it.reason.label(), it.detail));
                collected.chain(failed).collect::<Vec<_>>().join(", ")
            }
        };
        table += &format!("{what:46} {:3} min, {asked} requests: {end}\n", last / 60);
    }
    insta::assert_snapshot!(table);
    Ok(())
}

/// The first reply names a period that is too short, and lacks a bar; the second says that the session is still going on.
#[test]
fn what_was_collected_too_early_is_requested_again_after_the_end() -> Outcome {
    let mut table = String::new();
    for (minutes, outage) in [(90, None), (481, None), (90, Some(Fault::Blocks)), (90, Some(Fault::Fails))] {
        let goes_on = Listing::GoesOn(Duration::from_secs(minutes * 60));
        let mut script = market([("AAA".into(), full()), ("BBB".into(), goes_on)]);
        script.outages = outage.map(|fault| (seconds(5990, 6050), fault)).into_iter().collect();
        let played = run(script)?;
        let end = collected(&played)?;
        let symbol = end.symbols.collected.iter().find(|it| it.symbol.as_str() == "BBB").ok_or("no BBB")?;
        let remarks = symbol.remarks.iter().map(|it| format!("; {} {}: {}", it.kind.label(), it.bars, it.detail));
        let waited = played.run.invocations.last().map_or(0, |last| last.ended.as_secs() / 60);
        table += &format!(
            "{minutes} min after the start, {outage:?} then: {waited} min, attempts {}, {}{}\n",
            symbol.attempts,
            symbol.describe_bars(),
            remarks.collect::<String>()
        );
        assert_eq!(symbol.written.unwrap_or(symbol.bars), played.lake.bars().len() - 78);
        assert_eq!(symbol.first_attempt.is_some(), symbol.attempts == 1);
    }
    insta::assert_snapshot!(table);
    Ok(())
}

/// Between two attempts a share splits, or its prices come in another unit.
#[test]
fn the_bars_of_two_attempts_are_merged_only_at_one_scale() -> Outcome {
    let set = |holes: &[usize]| holes.iter().copied().collect::<BTreeSet<_>>();
    let all: Vec<usize> = (0..78).collect();
    let mut table = String::new();
    for (what, first, second) in [
        ("the same", (set(&[7, 8]), 10.5, "USD"), (set(&[14]), 10.5, "USD")),
        ("a correction of a tenth of a percent", (set(&[7, 8]), 10.5, "USD"), (set(&[14]), 10.51, "USD")),
        ("a split of ten for one", (set(&[7]), 1105.0, "USD"), (set(&[14]), 110.5, "USD")),
        ("a split, and nothing missing by now", (set(&[7]), 1105.0, "USD"), (set(&[]), 110.5, "USD")),
        ("pence, then pounds", (set(&[7]), 1852.0, "GBp"), (set(&[14]), 18.52, "GBP")),
        ("another currency at the same price", (set(&[7]), 10.5, "USD"), (set(&[14]), 10.5, "EUR")),
        ("nothing in common", (set(&all[40..]), 10.5, "USD"), (set(&all[..40]), 10.5, "USD")),
    ] {
        let played = run(market([("AAA".into(), Listing::Restated([first, second]))]))?;
        let end = collected(&played)?;
        let [symbol] = end.symbols.collected.as_slice() else { return Err(format!("{end:?}").into()) };
        let remarks = symbol.remarks.iter().map(|it| format!("; {} {}: {}", it.kind.label(), it.bars, it.detail));
        let remarks: String = remarks.collect();
        assert_eq!((symbol.written, &symbol.first_attempt), (Some(played.lake.bars().len()), &None), "{symbol:?}");
        table += &format!("{what:36} {} bars, missing {}{remarks}\n", symbol.describe_bars(), symbol.missing());
    }
    insta::assert_snapshot!(table);
    Ok(())
}

/// While one request hangs, the other slot serves everybody else: results are not held back to keep their order.
#[test]
fn a_symbol_that_hangs_takes_one_slot_and_no_more() -> Outcome {
    let hangs = |at| if at == 1 { Listing::Faulty(Fault::Hangs, Some(1)) } else { full() };
    let played = run(market(numbered(15, hangs)))?;
    let others = played.asked.iter().filter(|one| one.symbol != "SPY" && one.at < Duration::from_secs(14));
    assert_eq!(others.count(), 15);
    assert_eq!(collected(&played)?.symbols.collected.len(), 15);
    Ok(())
}
