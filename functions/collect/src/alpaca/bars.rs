//! The bars of a batch of symbols, over as many pages as they take.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use reqwest::Url;
use shared::{
    Interval, Session, Symbol,
    payload::{LiveWindow, Reason},
};

use super::{
    calendar::CalendarDate,
    client::{Alpaca, Host},
    decode,
    refusal::Refusal,
    symbol::is_well_formed,
    wire::{Bar, Page},
};
use crate::{
    circuit_breaker::CircuitBreaker,
    failure::{Failure, FailureScope},
    source::{Day, Scope, Source, SymbolDay},
};

/// The most bars of a page, over all of its symbols.
const PAGE: usize = 10_000;

/// The answer to a batch.
#[derive(Debug)]
struct Answer {
    session: Session,
    /// The rows of each symbol, as the pages held them.
    rows: BTreeMap<Symbol, Vec<Bar>>,
    /// The symbols that the market takes for none.
    rejected: BTreeMap<Symbol, Failure>,
    /// Whether a reply said that the market is simulated.
    simulated: bool,
}

impl Alpaca {
    /// The bars of each symbol, in their order, or why it has none.
    pub(super) async fn batch(
        &self,
        breaker: &CircuitBreaker,
        symbols: &[Symbol],
        day: Day,
    ) -> Vec<Result<SymbolDay, Failure>> {
        let listed = symbols.iter().filter(|symbol| is_well_formed(symbol)).collect();
        let answer = self.answer(breaker, listed, day).await;
        let (mut days, mut outage) = (Vec::with_capacity(symbols.len()), None);
        for symbol in symbols {
            days.push(match &answer {
                _ if !is_well_formed(symbol) => Err(unlisted(symbol)),
                Err(failure) => Err(failure.clone()),
                Ok(answer) => self.symbol(breaker, symbol, answer, day, &mut outage).await,
            });
        }
        days
    }

    /// That the bars of a session answer for the reference symbol, too.
    ///
    /// # Errors
    /// Why they do not.
    pub(super) async fn has_bars(&self, breaker: &CircuitBreaker, session: &Session) -> Result<(), Failure> {
        let reference = BTreeSet::from([self.reference()]);
        let url = self.bars_url(&reference, session, (Interval::OneHour, None));
        match self.pages(breaker, url, &reference, &mut BTreeMap::new()).await {
            // It has answered, and taken the key: whether the plan has the bars is found out when they are requested.
            Ok(_) | Err(Refusal::Plan(_)) => Ok(()),
            Err(refusal) => Err(refusal.into_failure()),
        }
    }

    /// The rows of the symbols of a session.
    async fn answer(
        &self,
        breaker: &CircuitBreaker,
        mut symbols: BTreeSet<&Symbol>,
        day: Day,
    ) -> Result<Answer, Failure> {
        let CalendarDate { session, simulated } = self.calendar_date(breaker, day.trade_date).await?;
        let failure = |failure| Failure { simulated, zone: Some(self.zone().clone()), ..failure };
        let session = session
            .ok_or_else(|| failure(Failure::new(Reason::NoSession, format!("no session on {}", day.trade_date))))?;
        if let Scope::Whole { now } = day.scope
            && now < self.ready_at(session.close)
        {
            let session_ends_at = Some(session.close);
            return Err(Failure { session_ends_at, ..failure(self.not_over(&session)) });
        }
        let mut answer = Answer { session, rows: BTreeMap::new(), rejected: BTreeMap::new(), simulated };
        // A symbol that the market refuses is taken out, and the rest requested again: it costs a request, not the bars of others.
        while !symbols.is_empty() {
            let window = match day.scope {
                Scope::Whole { .. } => None,
                Scope::Window(window) => Some(window),
            };
            let url = self.bars_url(&symbols, &answer.session, (day.interval, window));
            answer.rows.clear();
            match self.pages(breaker, url, &symbols, &mut answer.rows).await {
                Ok(simulated) => {
                    answer.simulated |= simulated;
                    break;
                }
                Err(Refusal::Symbol(symbol, failure)) if symbols.remove(&symbol) => {
                    answer.rejected.insert(symbol, failure);
                }
                Err(Refusal::Symbol(_, failure)) => return Err(failure.about(FailureScope::Batch)),
                // Their delay is longer than usual: they will be there.
                Err(Refusal::Plan(failure)) if window.is_none() => {
                    return Err(Failure { reason: Reason::Unavailable, ..failure.about(FailureScope::Source) });
                }
                Err(refusal) => return Err(refusal.into_failure()),
            }
        }
        Ok(answer)
    }

    /// That the bars of a session are not there yet.
    fn not_over(&self, session: &Session) -> Failure {
        let ready = self.ready_at(session.close).to_zoned(session.zone.clone()).strftime("%H:%M %Z").to_string();
        let detail = format!(
            "the bars of the session of {} are there from {ready} on; run again after that",
            session.trade_date
        );
        Failure::new(Reason::SessionNotOver, detail)
    }

    /// Adds the rows of all pages of a request; a symbol's may be split over two of them. Returns whether the market is simulated.
    async fn pages(
        &self,
        breaker: &CircuitBreaker,
        url: Url,
        symbols: &BTreeSet<&Symbol>,
        rows: &mut BTreeMap<Symbol, Vec<Bar>>,
    ) -> Result<bool, Refusal> {
        let (mut simulated, mut tokens, mut next) = (false, BTreeSet::new(), url.clone());
        let malformed = |failure: Failure| Refusal::Request(failure.about(FailureScope::Batch));
        loop {
            let reply = self.get(breaker, Host::Data, next).await?;
            simulated |= reply.simulated;
            let page: Page = reply.json("a page of bars").map_err(malformed)?;
            for (name, bars) in page.bars.into_iter().flatten() {
                // What was not requested is answered, too: `BCPC`, for the preferred share `BCpC`.
                if let Some(symbol) = symbols.iter().find(|symbol| symbol.as_str() == name) {
                    rows.entry((*symbol).clone()).or_default().extend(bars.into_iter().flatten());
                }
            }
            let Some(token) = page.next_page_token.filter(|token| !token.is_empty()) else { return Ok(simulated) };
            next = url.clone();
            next.query_pairs_mut().append_pair("page_token", &token);
            if !tokens.insert(token) {
                let endless = Failure::malformed("the pages of bars have no end: one leads back to an earlier one");
                return Err(malformed(Failure { simulated, ..endless }));
            }
        }
    }

    /// A symbol's day in the answer. Where it has no row, its asset is queried for the reason; for others no longer where the
    /// assets do not answer.
    async fn symbol(
        &self,
        breaker: &CircuitBreaker,
        symbol: &Symbol,
        answer: &Answer,
        day: Day,
        outage: &mut Option<Failure>,
    ) -> Result<SymbolDay, Failure> {
        if let Some(failure) = answer.rejected.get(symbol) {
            return Err(failure.clone());
        }
        let rows = answer.rows.get(symbol).map(Vec::as_slice).unwrap_or_default();
        let decoded = decode::day(&answer.session, rows, day, answer.simulated);
        if decoded.is_ok() || !rows.is_empty() {
            return decoded;
        }
        if let Some(outage) = outage {
            return Err(outage.clone());
        }
        let failure = self.without_bars(breaker, symbol, day.trade_date).await;
        if failure.is_of_all() || failure.reason == Reason::Unavailable {
            *outage = Some(failure.clone());
        }
        Err(failure)
    }

    /// The request for the bars of a session, or for those that close in a window.
    fn bars_url(
        &self,
        symbols: &BTreeSet<&Symbol>,
        session: &Session,
        (interval, window): (Interval, Option<LiveWindow>),
    ) -> Url {
        let symbols: Vec<_> = symbols.iter().map(|symbol| symbol.as_str()).collect();
        let (from, until) = match window {
            None => (session.open, session.close),
            Some(LiveWindow { from, until }) => (from - interval.duration(), until.min(session.close)),
        };
        let start = from.max(session.open);
        // Both ends are inclusive, and compared with a bar's start: a bar of the closing auction starts at the close.
        let end = (until - SignedDuration::from_secs(1)).max(start);
        let mut url = self.url(Host::Data, "/v2/stocks/bars");
        url.query_pairs_mut()
            .append_pair("symbols", &symbols.join(","))
            .append_pair("timeframe", timeframe(decode::requested(interval)))
            .append_pair("start", &rfc3339(start))
            .append_pair("end", &rfc3339(end))
            .append_pair("limit", &PAGE.to_string())
            .append_pair("adjustment", "raw")
            .append_pair("feed", "sip")
            .append_pair("sort", "asc");
        url
    }
}

fn rfc3339(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn timeframe(interval: Interval) -> &'static str {
    match interval {
        Interval::OneMinute => "1Min",
        Interval::TwoMinutes => "2Min",
        Interval::FiveMinutes => "5Min",
        Interval::FifteenMinutes => "15Min",
        Interval::ThirtyMinutes | Interval::OneHour => "30Min",
    }
}

fn unlisted(symbol: &Symbol) -> Failure {
    let detail = format!("{symbol} is no listing of the United States, which this source is limited to");
    Failure::new(Reason::UnknownSymbol, detail)
}
