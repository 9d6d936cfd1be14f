//! Random markets, and what must hold for every run over one of them.
//!
//! To play a million: `PROPTEST_CASES=1000000 cargo test --release -p collect --test collection model`.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    time::Duration,
};

use proptest::{collection::vec, prelude::*, test_runner::TestCaseError};
use serde_json::json;
use shared::{
    ErrorName, Interval,
    payload::{CollectOutcome, FailedSymbol, Reason},
};

use crate::{
    Played,
    lake::Lake,
    market::{Asked, DATE, Exchange, Fault, Listing, Script},
    pipeline::Collected,
    play,
};

/// The number of random runs of one test run, unless `PROPTEST_CASES` names another.
const CASES: u32 = 4_000;

/// An outage that ends sooner after a reply than this may go unnoticed: the market has to be silent for thirty seconds, and
/// then for the queries of the reference symbol and of one that was answered before, each with three retries at this
/// model's slowest.
const UNNOTICED: Duration = Duration::from_secs(80);

/// What New York does on the trade date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Day {
    Trades,
    Holiday,
    StillOpen,
}

/// A random run.
#[derive(Debug, Clone)]
struct Case {
    new_york: Day,
    is_london_closed: bool,
    listings: Vec<(Exchange, Listing)>,
    /// Whether FB is requested, which trades as META; and whether META is, too.
    renamed: Option<bool>,
    outages: Vec<(Range<Duration>, Fault)>,
    latency: Duration,
    rejections: u32,
    names_date: bool,
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        3 => Just(Fault::Blocks),
        2 => Just(Fault::Fails),
        2 => Just(Fault::Hangs),
        2 => Just(Fault::HasNothing),
        1 => Just(Fault::Malformed),
    ]
}

fn listing() -> impl Strategy<Value = Listing> {
    let holes = (prop::collection::btree_set(0_usize..7, 0..4), prop::option::of(1_u32..3));
    prop_oneof![
        8 => Just(Listing::full()),
        3 => holes.prop_map(|(holes, filled_after)| Listing::Trades { holes, filled_after }),
        1 => Just(Listing::Unknown),
        1 => Just(Listing::Holiday),
        1 => Just(Listing::Untraded),
        1 => Just(Listing::StillOpen),
        1 => (5_u64..600).prop_map(|minutes| Listing::OpenFor(Duration::from_secs(minutes * 60))),
        1 => (5_u64..600).prop_map(|minutes| Listing::GoesOn(Duration::from_secs(minutes * 60))),
        1 => Just(Listing::TooOld),
        2 => (fault(), prop::option::of(1_u32..6)).prop_map(|(fault, times)| Listing::Faulty(fault, times)),
    ]
}

fn outage() -> impl Strategy<Value = (Range<Duration>, Fault)> {
    let from = prop_oneof![0_u64..30, 0_u64..600, 0_u64..9_000];
    let length = prop_oneof![60_u64..600, 600_u64..9_000];
    (from, length, fault())
        .prop_map(|(from, length, fault)| (Duration::from_secs(from)..Duration::from_secs(from + length), fault))
}

fn case() -> impl Strategy<Value = Case> {
    let new_york = prop_oneof![8 => Just(Day::Trades), 1 => Just(Day::Holiday), 1 => Just(Day::StillOpen)];
    let exchange = prop_oneof![3 => Just(Exchange::NewYork), 1 => Just(Exchange::London)];
    let listings = prop_oneof![3 => vec((exchange.clone(), listing()), 1..12), 1 => vec((exchange, listing()), 1..60)];
    let outages = prop_oneof![1 => Just(Vec::new()), 3 => vec(outage(), 1..3)];
    (
        new_york,
        prop::bool::weighted(0.1),
        listings,
        prop::option::weighted(0.2, any::<bool>()),
        outages,
        10_u64..4_000,
        prop_oneof![5 => Just(0_u32), 1 => 1_u32..4],
        any::<bool>(),
    )
        .prop_map(|(new_york, is_london_closed, listings, renamed, outages, latency, rejections, named)| Case {
            new_york,
            is_london_closed,
            listings,
            renamed,
            outages,
            latency: Duration::from_millis(latency),
            rejections,
            // Without one the newest session is taken, which is this date only where New York's has ended.
            names_date: named || new_york != Day::Trades,
        })
}

impl Case {
    /// What the market has of the symbols of the run, by symbol.
    fn requested(&self) -> BTreeMap<String, (Exchange, Listing)> {
        let full = || (Exchange::NewYork, Listing::full());
        let numbered = self.listings.iter().cloned().enumerate().map(|(at, listing)| (format!("S{at}"), listing));
        let renamed = self.renamed.iter().map(|_| ("FB".to_owned(), full()));
        let successor = self.renamed.iter().filter(|both| **both).map(|_| ("META".to_owned(), full()));
        let all = numbered.chain(renamed).chain(successor);
        all.map(|(symbol, (exchange, listing))| (symbol, (exchange, self.on_the_day(exchange, listing)))).collect()
    }

    /// The listing where its exchange is closed, or still open, on the date.
    fn on_the_day(&self, exchange: Exchange, listing: Listing) -> Listing {
        let is_unknown = matches!(listing, Listing::Unknown | Listing::Faulty(Fault::HasNothing, _));
        match (exchange, self.new_york) {
            _ if is_unknown => listing,
            (Exchange::London, _) if self.is_london_closed => Listing::Holiday,
            (Exchange::NewYork, Day::Holiday) => Listing::Holiday,
            (Exchange::NewYork, Day::StillOpen) => Listing::StillOpen,
            // Not a holiday of its exchange: it is a dead symbol.
            _ => listing,
        }
    }

    fn script(&self) -> Script {
        let mut listings = self.requested();
        if let Some(renamed) = listings.remove("FB") {
            listings.insert("META".to_owned(), renamed);
        }
        listings.insert("SPY".to_owned(), (Exchange::NewYork, self.on_the_day(Exchange::NewYork, Listing::full())));
        let (outages, latency) = (self.outages.clone(), self.latency);
        Script { listings, outages, interval: Interval::OneHour, latency, most_per_second: None }
    }

    fn play(&self) -> crate::Outcome<Played> {
        let symbols: Vec<_> = self.requested().into_keys().collect();
        let mut request = json!({"symbols": symbols, "interval": "1h"});
        if self.names_date {
            request["trade_date"] = json!(DATE);
        }
        play(self.script(), Lake::rejecting(self.rejections), &request)
    }

    fn has_outage(&self, fault: Fault) -> bool {
        self.outages.iter().any(|(_, other)| *other == fault)
    }

    /// The end of the outage in force at a time.
    fn outage_ends(&self, at: Duration) -> Option<Duration> {
        self.outages.iter().find(|(during, _)| during.contains(&at)).map(|(during, _)| during.end)
    }
}

/// What must hold for every run. The error names what does not.
fn check(case: &Case, played: &Played) -> Result<(), String> {
    requests_are_bounded(case, played)?;
    nothing_settled_is_asked_again(played)?;
    match &played.run.end {
        Ok(collection) => {
            every_symbol_ends_once(case, collection)?;
            counts_agree_with_the_lake(played, collection)?;
            for failed in &collection.symbols.failed {
                reason_is_true(case, played, failed)?;
            }
            if collection.outcome == CollectOutcome::NoSession {
                let traded =
                    |(_, listing): &(Exchange, Listing)| !matches!(listing, Listing::Holiday | Listing::Unknown);
                let own = |(_, listing): &(Exchange, Listing)| matches!(listing, Listing::Faulty(Fault::HasNothing, _));
                let traded: Vec<_> = case.requested().into_values().filter(|it| traded(it) && !own(it)).collect();
                if !traded.is_empty() {
                    return Err(format!("no_session, and these were no holiday: {traded:?}"));
                }
            }
        }
        Err((error, cause)) => error_is_true(case, *error, cause)?,
    }
    open_sessions_are_waited_for(case, played)?;
    whoever_would_answer_is_answered(case, played)
}

fn requests_are_bounded(case: &Case, Played { run, asked, .. }: &Played) -> Result<(), String> {
    for invoked in &run.invocations {
        let during = || asked.iter().filter(|one| (invoked.began..=invoked.ended).contains(&one.at));
        for (fault, bound) in
            [(Fault::Blocks, 4), (Fault::Hangs, 8), (Fault::Fails, 60), (Fault::HasNothing, 16), (Fault::Malformed, 16)]
        {
            let requests = during().filter(|one| one.outage == Some(fault)).count();
            if requests > bound * case.outages.len() {
                return Err(format!("{requests} requests met {fault:?} in the invocation at {:?}", invoked.began));
            }
        }
    }
    let is_healthy =
        |(_, listing): &(Exchange, Listing)| matches!(listing, Listing::Trades { holes, .. } if holes.is_empty());
    if case.outages.is_empty() && case.requested().values().all(|it| is_healthy(it) && it.0 == Exchange::NewYork) {
        let renamed = usize::from(case.renamed.is_some());
        let expected = case.requested().len() + usize::from(!case.names_date) + renamed;
        if asked.len() != expected && case.rejections == 0 {
            return Err(format!("{} requests to a healthy market in place of {expected}", asked.len()));
        }
    }
    Ok(())
}

fn nothing_settled_is_asked_again(Played { run, asked, .. }: &Played) -> Result<(), String> {
    for invoked in &run.invocations {
        let Some(answer) = &invoked.answer else { continue };
        let whole =
            answer.symbols.collected.iter().filter(|it| !it.is_short() || it.attempts >= 2).map(|it| &it.symbol);
        let failed = answer.symbols.failed.iter();
        let known = failed.filter(|it| it.attempts >= 2 || it.attempts == 1 && is_permanent(it.reason));
        let settled: BTreeSet<&str> = whole.chain(known.map(|it| &it.symbol)).map(|it| it.as_str()).collect();
        // META is asked for FB, too, and a symbol that was answered once more where the reference symbol is not.
        let may_be_asked = |one: &Asked| one.symbol == "META" || follows_a_bad_reference(asked, one);
        let is_again = |one: &&Asked| one.at > invoked.ended && settled.contains(&*one.symbol) && !may_be_asked(one);
        let again = asked.iter().find(is_again);
        if let Some(again) = again {
            return Err(format!("{} was settled by {:?} and asked at {:?}", again.symbol, invoked.ended, again.at));
        }
    }
    Ok(())
}

fn follows_a_bad_reference(asked: &[Asked], one: &Asked) -> bool {
    let since = one.at.saturating_sub(Duration::from_secs(90));
    asked.iter().any(|other| other.symbol == "SPY" && other.outage.is_some() && (since..=one.at).contains(&other.at))
}

fn is_permanent(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::UnknownSymbol | Reason::NoSession | Reason::NotTradedHere | Reason::TooOld | Reason::Refused
    )
}

fn every_symbol_ends_once(case: &Case, collection: &Collected) -> Result<(), String> {
    let mut ended: Vec<_> = collection.symbols.collected.iter().map(|it| it.symbol.to_string()).collect();
    ended.extend(collection.symbols.failed.iter().map(|it| it.symbol.to_string()));
    ended.sort_unstable();
    let requested: Vec<_> = case.requested().into_keys().collect();
    if ended == requested { Ok(()) } else { Err(format!("requested {requested:?}, ended {ended:?}")) }
}

fn counts_agree_with_the_lake(Played { run, lake, .. }: &Played, collection: &Collected) -> Result<(), String> {
    let mut held: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for bar in lake.bars() {
        held.entry(bar.symbol.to_string()).or_default().insert(bar.ts.to_string());
    }
    let no_invocation_failed = run.invocations.iter().all(|invoked| invoked.answer.is_some());
    let mut sum = 0;
    for symbol in &collection.symbols.collected {
        let held = held.remove(symbol.symbol.as_str()).unwrap_or_default().len();
        sum += symbol.bars;
        if held < symbol.bars || held > symbol.bars && no_invocation_failed {
            return Err(format!("the lake holds {held} bars of {symbol:?}"));
        }
    }
    if no_invocation_failed && collection.records != lake.records() {
        return Err(format!("{} records, and {} were accepted", collection.records, lake.records()));
    }
    if sum != collection.bars || !held.is_empty() && no_invocation_failed {
        return Err(format!("{sum} bars in place of {}, and besides {:?}", collection.bars, held.keys()));
    }
    Ok(())
}

/// The reason is what the market says of the symbol, or names an outage that the run met.
fn reason_is_true(case: &Case, played: &Played, failed: &FailedSymbol) -> Result<(), String> {
    let requested = case.requested();
    let own = match requested.get(failed.symbol.as_str()).map(|(_, listing)| listing) {
        Some(Listing::Unknown) | Some(Listing::Faulty(Fault::HasNothing, _)) => Some(Reason::UnknownSymbol),
        Some(Listing::Holiday) => Some(Reason::NoSession),
        Some(Listing::Untraded) => Some(Reason::NoTrades),
        Some(Listing::StillOpen | Listing::OpenFor(_) | Listing::GoesOn(_)) => Some(Reason::SessionNotOver),
        Some(Listing::TooOld) => Some(Reason::TooOld),
        Some(Listing::Wordy(_)) => Some(Reason::UnknownSymbol),
        Some(Listing::Faulty(Fault::Blocks, _)) => Some(Reason::Blocked),
        Some(Listing::Faulty(Fault::Fails | Fault::Hangs, _)) => Some(Reason::Unavailable),
        Some(Listing::Faulty(Fault::Malformed, _)) => Some(Reason::Malformed),
        Some(Listing::Trades { .. } | Listing::Restated(_) | Listing::Open { .. }) | None => None,
    };
    // A dead symbol of an exchange that traded.
    let is_dead = own == Some(Reason::NoSession) && failed.reason == Reason::NotTradedHere;
    let met = match failed.reason {
        Reason::Blocked => case.has_outage(Fault::Blocks),
        Reason::NotAttempted => failed.attempts == 0 || !case.outages.is_empty(),
        Reason::Unavailable => case.outages.iter().any(|(_, fault)| *fault != Fault::Blocks),
        Reason::Malformed => case.has_outage(Fault::Malformed),
        Reason::UnknownSymbol => went_unnoticed(case, played, failed.symbol.as_str()),
        _ => false,
    };
    if own == Some(failed.reason) || is_dead || met {
        return Ok(());
    }
    Err(format!("{failed:?}, and the market says {own:?}"))
}

/// The symbol under which the market answers: FB trades as META.
fn queried_as(symbol: &str) -> &str {
    if symbol == "FB" { "META" } else { symbol }
}

/// Whether the symbol was asked at the end of an outage in which the market seems to know no symbol.
fn went_unnoticed(case: &Case, Played { asked, .. }: &Played, symbol: &str) -> bool {
    let asked_as = queried_as(symbol);
    asked.iter().any(|one| one.symbol == asked_as && one.outage == Some(Fault::HasNothing) && ends_soon(case, one))
}

/// Whether the reply was given in an outage that ended before it could be noticed.
fn ends_soon(case: &Case, one: &Asked) -> bool {
    one.outage.is_some() && case.outage_ends(one.at).is_some_and(|end| end < one.at + UNNOTICED)
}

fn error_is_true(case: &Case, error: ErrorName, cause: &str) -> Result<(), String> {
    let listings: Vec<_> = case.requested().into_values().map(|(_, listing)| listing).collect();
    let is_true = match error {
        ErrorName::MarketBlocked => case.has_outage(Fault::Blocks),
        ErrorName::MarketUnavailable => case.outages.iter().any(|(_, fault)| *fault != Fault::Blocks),
        ErrorName::SessionNotOver => listings
            .iter()
            .any(|listing| matches!(listing, Listing::StillOpen | Listing::OpenFor(_) | Listing::GoesOn(_))),
        ErrorName::NoBars => true, // whether somebody would have answered is checked for every end
        ErrorName::DeliveryFailed => case.rejections > 0,
        _ => false,
    };
    if is_true { Ok(()) } else { Err(format!("it failed with {error}: {cause}")) }
}

/// A session that was still going on, and ended within the longest wait, was waited for, where the market was up throughout
/// and other symbols had bars.
fn open_sessions_are_waited_for(case: &Case, Played { run, .. }: &Played) -> Result<(), String> {
    let Ok(collection) = &run.end else { return Ok(()) };
    let has_others = collection
        .symbols
        .collected
        .iter()
        .any(|it| matches!(case.requested().get(it.symbol.as_str()), Some((_, Listing::Trades { .. }))));
    if !case.outages.is_empty() || !has_others {
        return Ok(());
    }
    let longest = Duration::from_secs(7 * 60 * 60);
    let waited = |listing: &Listing| matches!(listing, Listing::OpenFor(left) if *left < longest);
    let left_out = collection
        .symbols
        .failed
        .iter()
        .find(|failed| case.requested().get(failed.symbol.as_str()).is_some_and(|(_, listing)| waited(listing)));
    left_out.map_or(Ok(()), |failed| Err(format!("not waited for: {failed:?}")))
}

/// Where the market was up during the whole last invocation, every symbol of which it has bars is collected, unless faults
/// of its own, or outages that went unnoticed, took both of its attempts. Of the refusals of a block, only those take one after
/// which it ends so soon that the reference symbol is answered again.
fn whoever_would_answer_is_answered(case: &Case, played: &Played) -> Result<(), String> {
    let Played { run, asked, .. } = played;
    let Some(last) = run.invocations.last() else { return Err("no invocation".into()) };
    let is_up = |at: Duration| case.outages.iter().all(|(during, _)| !during.contains(&at));
    let starts_within = case.outages.iter().any(|(during, _)| (last.began..=last.ended).contains(&during.start));
    if !is_up(last.began) || !is_up(last.ended) || starts_within {
        return Ok(());
    }
    let collected: BTreeSet<String> = match &run.end {
        Ok(collection) => collection.symbols.collected.iter().map(|it| it.symbol.to_string()).collect(),
        Err(_) => BTreeSet::new(),
    };
    for (symbol, (_, listing)) in case.requested() {
        let would_answer = match listing {
            Listing::Trades { holes, .. } => holes.len() < 7,
            Listing::Faulty(Fault::HasNothing, _) => false,
            Listing::Faulty(_, times) => times.is_some(),
            _ => false,
        };
        let asked_as = queried_as(&symbol);
        let is_bad = |one: &&Asked| one.fault.is_some() || ends_soon(case, one);
        let bad = asked.iter().filter(|one| one.symbol == asked_as).filter(is_bad);
        let spoilt: BTreeSet<_> =
            bad.map(|one| run.invocations.iter().filter(|invoked| invoked.began <= one.at).count()).collect();
        let is_excused = spoilt.len() >= 2 || went_unnoticed(case, played, &symbol);
        if would_answer && !collected.contains(&symbol) && !is_excused {
            return Err(format!("{symbol} would be answered, and is not collected: {:?}", run.end));
        }
    }
    Ok(())
}

fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES);
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 4_000, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_collection_tells_the_truth(case in case()) {
        let played = case.play().map_err(|error| TestCaseError::fail(error.to_string()))?;
        let checked = check(&case, &played);
        prop_assert!(checked.is_ok(), "{}\n{:#?}", checked.err().unwrap_or_default(), played.run.invocations.iter().map(|i| (i.began, i.ended, i.answer.as_ref().map(|a| a.outcome))).collect::<Vec<_>>());
    }
}
