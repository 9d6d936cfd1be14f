//! The endpoints, and what they have in common: keys, headers and the log of requests.

use std::collections::BTreeSet;

use axum::{
    Router,
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::Response,
    routing::get,
};
use jiff::Timestamp;
use serde::Serialize;

use super::{
    assets, bars, calendar,
    effect::RateEffect,
    error_reply::ErrorReply,
    faults::Faults,
    key::Key,
    query::{self, BarsQuery, Parameter},
    rate_limit::{self, Rate},
    symbol::in_yahoos_spelling,
};
use crate::{
    fault::Fault, reply::Reply, request_log::LoggedRequest, rng::Rng, server::Clock, simulated_market::SimulatedMarket,
};

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

type Shared = State<(SimulatedMarket, Clock)>;

/// The routes of Alpaca's side of a market that takes the time from `clock`.
pub fn routes(market: SimulatedMarket, clock: Clock) -> Router {
    Router::new()
        .route("/v2/stocks/bars", get(get_bars))
        .route("/v2/calendar", get(get_calendar))
        .route("/v2/assets/{symbol}", get(get_asset))
        .with_state((market, clock))
}

async fn get_bars(shared: Shared, headers: HeaderMap, Query(parameters): Query<Vec<Parameter>>) -> Response {
    let symbols = query::spelled(&parameters).map(str::to_owned).collect();
    let request = Request { api: Api::MarketData, symbols, ends: ends(&parameters) };
    let body = |at, faults: &Faults| {
        let query = BarsQuery::parse(&parameters, at)?;
        faults.bars_error(&query.symbols).map_or_else(|| Ok(bars::body(query, faults, at)), Err)
    };
    request.respond(shared, &headers, body).await
}

async fn get_calendar(shared: Shared, headers: HeaderMap, Query(parameters): Query<Vec<Parameter>>) -> Response {
    let request = Request { api: Api::Trading, symbols: Vec::new(), ends: ends(&parameters) };
    request.respond(shared, &headers, |_, _| calendar::days(&parameters)).await
}

async fn get_asset(shared: Shared, headers: HeaderMap, Path(symbol): Path<String>) -> Response {
    let request = Request { api: Api::Trading, symbols: vec![symbol.clone()], ends: [None, None] };
    let body = |_, faults: &Faults| assets::asset(&symbol, faults.untraded(&symbol));
    request.respond(shared, &headers, body).await
}

fn ends(parameters: &[Parameter]) -> [Option<String>; 2] {
    ["start", "end"].map(|name| query::value(parameters, name).map(str::to_owned))
}

/// Alpaca's two APIs, which refuse a wrong key in different words.
#[derive(Debug, Clone, Copy)]
enum Api {
    MarketData,
    Trading,
}

/// What rules and the log need of a request.
struct Request {
    api: Api,
    /// The symbols as the client spelled them.
    symbols: Vec<String>,
    /// The query's `start` and `end`.
    ends: [Option<String>; 2],
}

impl Request {
    async fn respond<B: Serialize>(
        self,
        State((market, clock)): Shared,
        headers: &HeaderMap,
        body: impl FnOnce(Timestamp, &Faults) -> Result<B, ErrorReply>,
    ) -> Response {
        let (at, is_second) = (clock(), market.is_second());
        let named: BTreeSet<_> = self.symbols.iter().filter_map(|symbol| in_yahoos_spelling(symbol)).collect();
        let faults = market.faults_for(&named);
        let (is_allowed, rate) = rate(&market, &faults, at);
        let error = faults.error(is_second).or_else(|| self.refused(&market.key(), headers));
        let error = error.or_else(|| (!is_allowed).then(ErrorReply::too_many_requests));
        let reply = faults.page().unwrap_or_else(|| match error.map_or_else(|| body(at, &faults), Err) {
            Ok(body) => Reply::json(StatusCode::OK, &body),
            Err(error) => Reply::json(error.status, &error),
        });
        let reply = faults.delivered(reply);
        let request_id =
            format!("{:032x}", Rng::new(&self.symbols.join(","), "request", at.as_millisecond()).below(1 << 53));
        market.record(self.logged(at, reply.status(), faults.iter().next()));
        let mut response = reply.respond().await;
        for (name, value) in rate.into_iter().flat_map(rate_headers) {
            response.headers_mut().insert(name, value);
        }
        if let Ok(value) = HeaderValue::from_str(&request_id) {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        response
    }

    /// The error to a request without the right key.
    fn refused(&self, key: &Key, headers: &HeaderMap) -> Option<ErrorReply> {
        let error = match self.api {
            Api::MarketData => ErrorReply::forbidden(),
            Api::Trading => ErrorReply::unauthorized(),
        };
        (!key.is_in(headers)).then_some(error)
    }

    fn logged(self, at: Timestamp, status: u16, fault: Option<Fault>) -> LoggedRequest {
        let [period1, period2] = self.ends;
        let symbol = match self.api {
            Api::Trading if self.symbols.is_empty() => "calendar".to_owned(),
            _ => self.symbols.join(","),
        };
        LoggedRequest { at, symbol, period1, period2, status, fault }
    }
}

/// Whether the rate limit lets a request pass, and what the headers say of it. Without a fault it lets any number pass.
fn rate(market: &SimulatedMarket, faults: &Faults, at: Timestamp) -> (bool, Option<Rate>) {
    match faults.rate() {
        None => (true, Some(Rate::unlimited(at))),
        Some(RateEffect::Exceeded) => (false, Some(Rate::exceeded(at))),
        Some(RateEffect::ExceededWithoutHeaders) => (false, None),
        Some(RateEffect::Enforced { cost }) => {
            let (is_allowed, rate) = market.take(cost, at);
            (is_allowed, Some(rate))
        }
    }
}

fn rate_headers(rate: Rate) -> [(HeaderName, HeaderValue); 3] {
    [(LIMIT, rate_limit::LIMIT.into()), (REMAINING, rate.remaining.into()), (RESET, rate.reset.into())]
}
