//! The endpoints, and what they have in common: keys, headers and the log of requests.

use axum::{
    Router,
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderName, HeaderValue},
    response::Response,
    routing::get,
};
use jiff::Timestamp;
use serde::Serialize;

use super::{
    assets, bars, calendar,
    error_reply::ErrorReply,
    query::{self, BarsQuery, Parameter},
};
use crate::{reply::Reply, request_log::LoggedRequest, rng::Rng, server::Clock, simulated_market::SimulatedMarket};

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
    let symbols = query::spelled(&parameters).collect::<Vec<_>>().join(",");
    let ends = ["start", "end"].map(|name| query::value(&parameters, name).map(str::to_owned));
    let request = Request { api: Api::MarketData, symbols, ends };
    let body = |now| BarsQuery::parse(&parameters, now).map(|query| bars::page(&query, now));
    request.respond(shared, &headers, body).await
}

async fn get_calendar(shared: Shared, headers: HeaderMap, Query(parameters): Query<Vec<Parameter>>) -> Response {
    let ends = ["start", "end"].map(|name| query::value(&parameters, name).map(str::to_owned));
    let request = Request { api: Api::Trading, symbols: "calendar".to_owned(), ends };
    request.respond(shared, &headers, |_| calendar::days(&parameters)).await
}

async fn get_asset(shared: Shared, headers: HeaderMap, Path(symbol): Path<String>) -> Response {
    let request = Request { api: Api::Trading, symbols: symbol.clone(), ends: [None, None] };
    request.respond(shared, &headers, |_| assets::asset(&symbol)).await
}

/// Alpaca's two APIs, which refuse a wrong key in different words.
#[derive(Debug, Clone, Copy)]
enum Api {
    MarketData,
    Trading,
}

/// What the log says of a request.
struct Request {
    api: Api,
    symbols: String,
    /// The query's `start` and `end`.
    ends: [Option<String>; 2],
}

impl Request {
    async fn respond<B: Serialize>(
        self,
        State((market, clock)): Shared,
        headers: &HeaderMap,
        body: impl FnOnce(Timestamp) -> Result<B, ErrorReply>,
    ) -> Response {
        let at = clock();
        let reply = match (market.key().is_in(headers), self.api) {
            (true, _) => body(at),
            (false, Api::MarketData) => Err(ErrorReply::forbidden()),
            (false, Api::Trading) => Err(ErrorReply::unauthorized()),
        };
        let reply = match reply {
            Ok(body) => Reply::json(axum::http::StatusCode::OK, &body),
            Err(error) => Reply::json(error.status, &error),
        };
        let [period1, period2] = self.ends;
        let request_id = format!("{:032x}", Rng::new(&self.symbols, "request", at.as_millisecond()).below(1 << 53));
        market.record(LoggedRequest {
            at,
            symbol: self.symbols,
            period1,
            period2,
            status: reply.status(),
            fault: None,
        });
        let mut response = reply.respond().await;
        for (name, value) in rate_headers(at) {
            response.headers_mut().insert(name, value);
        }
        if let Ok(value) = HeaderValue::from_str(&request_id) {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        response
    }
}

/// The free plan's limit, never reached: without a fault the market bears any number of requests.
fn rate_headers(at: Timestamp) -> [(HeaderName, HeaderValue); 3] {
    [(LIMIT, 200_u32.into()), (REMAINING, 199_u32.into()), (RESET, (at.as_second() + 1).into())]
}
