//! The bars of a batch of symbols, over as many pages as they take.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use reqwest::Url;
use shared::{Interval, Session, Symbol, payload::Reason};

use super::{
    client::Alpaca,
    decode,
    refusal::Refusal,
    wire::{Bar, Page},
};
use crate::{
    circuit_breaker::CircuitBreaker,
    failure::{Failure, FailureScope},
    source::{Day, Scope, SymbolDay},
};

/// The most bars of a page, over all of its symbols.
const PAGE: usize = 10_000;

/// The rows of symbols, as their pages held them.
#[derive(Debug, Default)]
struct Rows {
    by_symbol: BTreeMap<Symbol, Vec<Bar>>,
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
        let mut results: BTreeMap<&Symbol, Result<SymbolDay, Failure>> = BTreeMap::new();
        let (mut left, foreign): (BTreeSet<_>, BTreeSet<_>) = symbols.iter().partition(|symbol| is_well_formed(symbol));
        results.extend(foreign.into_iter().map(|symbol| (symbol, Err(unlisted(symbol)))));
        match self.open_session(breaker, day).await {
            Err(failure) => results.extend(left.iter().map(|symbol| (*symbol, Err(failure.clone())))),
            Ok(session) => {
                let rows = self.rows(breaker, &session, &mut left, &mut results, day).await;
                for symbol in left {
                    let result = match &rows {
                        Err(failure) => Err(failure.clone()),
                        Ok(rows) => self.symbol(breaker, symbol, &session, rows, day).await,
                    };
                    results.insert(symbol, result);
                }
            }
        }
        let missing = || Err(Failure::malformed("no result for the symbol"));
        let result = |(at, symbol): (usize, &Symbol)| match symbols[at + 1..].contains(symbol) {
            // Two symbols of a list may be one here: BRK-B and BRK.B.
            true => results.get(symbol).cloned(),
            false => results.remove(symbol),
        };
        symbols.iter().enumerate().map(result).map(|result| result.unwrap_or_else(missing)).collect()
    }

    /// The day's session, whose bars may be requested.
    async fn open_session(&self, breaker: &CircuitBreaker, day: Day) -> Result<Session, Failure> {
        let Day { trade_date, scope, .. } = day;
        let zone = Some(self.settings.zone.clone());
        let session = self.session(breaker, trade_date).await?.ok_or_else(|| Failure {
            zone: zone.clone(),
            ..Failure::new(Reason::NoSession, format!("no session on {trade_date}"))
        })?;
        match scope {
            Scope::Whole { now } if now < self.bars_ready_at(session.close) => {
                let ends = session.local_close().strftime("%H:%M %Z").to_string();
                let detail = format!("the session of {trade_date} ends at {ends}; run again after that");
                let session_ends_at = Some(session.close);
                Err(Failure { session_ends_at, zone, ..Failure::new(Reason::SessionNotOver, detail) })
            }
            _ => Ok(session),
        }
    }

    /// The rows of all symbols that are `left`. A symbol that the market refuses is taken out with its own failure, and the rest
    /// requested again: it costs the batch a request, not its bars.
    async fn rows<'a>(
        &self,
        breaker: &CircuitBreaker,
        session: &Session,
        left: &mut BTreeSet<&'a Symbol>,
        results: &mut BTreeMap<&'a Symbol, Result<SymbolDay, Failure>>,
        day: Day,
    ) -> Result<Rows, Failure> {
        while !left.is_empty() {
            match self.pages(breaker, self.bars_url(left, session, day), left).await {
                Err(Refusal::Symbol(symbol, failure)) => match left.take(&symbol) {
                    Some(symbol) => drop(results.insert(symbol, Err(failure))),
                    None => return Err(Failure { reason: Reason::Refused, ..failure }),
                },
                ended => return ended.map_err(Refusal::into_failure),
            }
        }
        Ok(Rows::default())
    }

    /// All pages of a request. A symbol's rows may be split over two of them.
    async fn pages(&self, breaker: &CircuitBreaker, url: Url, symbols: &BTreeSet<&Symbol>) -> Result<Rows, Refusal> {
        let (mut rows, mut tokens) = (Rows::default(), BTreeSet::new());
        let mut next = url.clone();
        loop {
            let reply = self.get(breaker, next).await?;
            rows.simulated |= reply.simulated;
            let page: Page =
                reply.json("a page of bars").map_err(|failure| Refusal::Request(failure.about(FailureScope::Batch)))?;
            for (symbol, bars) in page.bars.into_iter().flatten() {
                // What was not requested has been answered, too: in capitals, `BCPC` for the preferred share `BCpC`.
                if let Some(symbol) = symbol.parse().ok().and_then(|symbol: Symbol| symbols.get(&symbol).copied()) {
                    rows.by_symbol.entry(symbol.clone()).or_default().extend(bars.into_iter().flatten());
                }
            }
            let Some(token) = page.next_page_token.filter(|token| !token.is_empty()) else { return Ok(rows) };
            next = url.clone();
            next.query_pairs_mut().append_pair("page_token", &token);
            if !tokens.insert(token) {
                let failure = Failure::malformed("the pages of bars have no end: one leads back to an earlier one")
                    .about(FailureScope::Batch);
                return Err(Refusal::Request(failure));
            }
        }
    }

    async fn symbol(
        &self,
        breaker: &CircuitBreaker,
        symbol: &Symbol,
        session: &Session,
        rows: &Rows,
        day: Day,
    ) -> Result<SymbolDay, Failure> {
        let own = rows.by_symbol.get(symbol).map(Vec::as_slice).unwrap_or_default();
        match decode::day(session, own, day, rows.simulated) {
            Err(failure) if own.is_empty() && failure.reason == Reason::NoTrades => {
                Err(self.without_bars(breaker, symbol, day.trade_date).await)
            }
            result => result,
        }
    }

    fn bars_url(&self, symbols: &BTreeSet<&Symbol>, session: &Session, day: Day) -> Url {
        let symbols: Vec<_> = symbols.iter().map(|symbol| symbol.as_str()).collect();
        let timeframe = decode::requested(day.interval);
        let end = day.scope.until().map_or(session.close, |until| until.min(session.close));
        // Both ends are inclusive, and compared with a bar's start.
        let end = (end - SignedDuration::from_secs(1)).max(session.open);
        let mut url = self.data_url("/v2/stocks/bars");
        url.query_pairs_mut()
            .append_pair("symbols", &symbols.join(","))
            .append_pair("timeframe", timeframe_name(timeframe))
            .append_pair("start", &rfc3339(session.open))
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

fn timeframe_name(interval: Interval) -> &'static str {
    match interval {
        Interval::OneMinute => "1Min",
        Interval::TwoMinutes => "2Min",
        Interval::FiveMinutes => "5Min",
        Interval::FifteenMinutes => "15Min",
        Interval::ThirtyMinutes | Interval::OneHour => "30Min",
    }
}

/// Whether the market takes the text for a symbol: capitals, and a class of shares behind a dot. One that it does not take
/// would fail the whole request.
fn is_well_formed(symbol: &Symbol) -> bool {
    let mut parts = symbol.as_str().split('.');
    parts.all(|part| !part.is_empty() && part.bytes().all(|letter| letter.is_ascii_uppercase()))
}

fn unlisted(symbol: &Symbol) -> Failure {
    Failure::new(
        Reason::UnknownSymbol,
        format!("{symbol} is no listing of the United States, which this source is limited to"),
    )
}
