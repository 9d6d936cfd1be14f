//! The simulated market: a server that answers as Yahoo's chart endpoint, with prices that are made up.
//!
//! `GET /v8/finance/chart/{symbol}` gives intraday bars of any symbol for every trading day since 1990-01-02. The same
//! question has the same answer on every machine and at any time; the clock decides only what has not happened yet
//! (no bar starts after now, a session that is going on has its finished bars and the live row) and what Yahoo itself
//! tells as of now (`regularMarketTime`, `gmtoffset`, ...). The quirks that Yahoo is known for are part of it: rows of nulls,
//! missing stamps, the appended row that is not a bar, windows without a `timestamp`.
//!
//! It is not a copy of history, it has no data from Yahoo, and it has none of Yahoo's limits: no day is too old, no
//! window too wide, no client too fast. Bars of a day and longer, and pre- and post-market bars, are not simulated.
//! Every answer carries `x-finstream-simulated: true` and the exchange `Simulated NasdaqGS`.

mod bar;
pub mod calendar;
mod chart;
mod dice;
pub mod exchange;
mod listing;
mod moment;
mod refusal;
mod request;
mod tape;
mod wire;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{Path, Query, State},
    http::{HeaderName, HeaderValue, StatusCode, header::CONTENT_TYPE},
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use jiff::Timestamp;
use serde::Serialize;
use tokio::net::TcpListener;

use request::ChartRequest;

/// On every answer, so that made-up prices are never taken for real ones.
const SIMULATED: HeaderName = HeaderName::from_static("x-finstream-simulated");

/// Tells the time; fixed in tests.
type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Serves the simulated market on `listener` until the future is dropped.
///
/// # Errors
/// Those of the listener.
pub async fn serve(listener: TcpListener) -> std::io::Result<()> {
    axum::serve(listener, router()).await
}

/// The simulated market as a service, by the machine's clock.
pub fn router() -> Router {
    router_by(Arc::new(Timestamp::now))
}

fn router_by(clock: Clock) -> Router {
    Router::new().route("/v8/finance/chart/{symbol}", get(chart)).with_state(clock).layer(middleware::map_response(
        async |mut response: Response| {
            response.headers_mut().insert(SIMULATED, HeaderValue::from_static("true"));
            response
        },
    ))
}

/// Parsing and answering are apart, so that a fault to be played can take the place of the answer, or change it,
/// without the parser or the price generator knowing.
async fn chart(
    State(clock): State<Clock>,
    Path(symbol): Path<String>,
    Query(query): Query<request::Query>,
) -> Response {
    let now = clock();
    let answered = ChartRequest::parse(&symbol, &query, now).and_then(|request| chart::answer(&request, now));
    match answered {
        Ok(body) => json(StatusCode::OK, &body),
        Err(refusal) => json(refusal.status, &refusal.body()),
    }
}

/// A body in the content type that Yahoo writes, which is not quite axum's.
fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(bytes) => (status, [(CONTENT_TYPE, "application/json;charset=utf-8")], Body::from(bytes)).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
