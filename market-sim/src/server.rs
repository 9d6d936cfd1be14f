//! The market as an HTTP service.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, Query, State},
    http::{HeaderName, HeaderValue},
    middleware,
    response::Response,
    routing::get,
};
use jiff::Timestamp;
use tokio::net::TcpListener;

use super::{
    alpaca, chart,
    fault::{CONSENT, CONSENT_PATH},
    reply::Reply,
    request,
    request_log::LoggedRequest,
    simulated_market::SimulatedMarket,
};

/// On every reply, so that made-up prices are never taken for real ones.
const SIMULATED: HeaderName = HeaderName::from_static("x-finstream-simulated");

/// Returns the current time; fixed in tests.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

impl SimulatedMarket {
    /// Serves the market on `listener`, by the system's clock, until the future is dropped.
    ///
    /// # Errors
    /// Those of the listener.
    pub async fn serve(self, listener: TcpListener) -> std::io::Result<()> {
        axum::serve(listener, router(self, Arc::new(Timestamp::now))).await
    }
}

/// The routes of a market that takes the time from `clock`.
pub fn router(market: SimulatedMarket, clock: Clock) -> Router {
    Router::new()
        .route("/v8/finance/chart/{symbol}", get(chart))
        .route(CONSENT_PATH, get(async || Reply::from(CONSENT).respond().await))
        .with_state((market.clone(), clock.clone()))
        .merge(alpaca::routes(market, clock))
        .layer(middleware::map_response(async |mut response: Response| {
            response.headers_mut().insert(SIMULATED, HeaderValue::from_static("true"));
            response
        }))
}

async fn chart(
    State((market, clock)): State<(SimulatedMarket, Clock)>,
    Path(symbol): Path<String>,
    Query(query): Query<request::Query>,
) -> Response {
    let (at, fault) = (clock(), market.fault_for(&symbol));
    let reply = match fault {
        Some(fault) => fault.reply(&symbol, &query, at),
        None => Reply::new(chart::respond(&symbol, &query, at)),
    };
    let request::Query { period1, period2, .. } = query;
    market.record(LoggedRequest { at, symbol, period1, period2, status: reply.status(), fault });
    reply.respond().await
}
