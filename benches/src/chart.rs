//! The chart endpoint, with replies that the simulated market has made before.

use std::{collections::HashMap, io::Write as _, sync::Arc};

use anyhow::Context;
use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use flate2::{Compression, write::GzEncoder};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::tz::TimeZone;
use market_sim::SimulatedMarket;
use shared::TradeDate;
use tokio::net::TcpListener;

/// The symbol by which `collect` finds out whether the market answers (`REFERENCE_SYMBOL`).
pub const REFERENCE: &str = "SPY";

/// The replies of one trade date, each as bytes in memory, in gzip: both sources send it to who accepts it, as `collect` does.
#[derive(Debug, Clone)]
pub struct Charts {
    /// The server's URL (`MARKET_URL`).
    pub url: String,
    /// The symbols that it knows, without the reference symbol.
    pub symbols: Vec<String>,
}

impl Charts {
    /// Serves that many symbols on a trade date of New York, in bars of five minutes, whatever is requested of them.
    ///
    /// # Errors
    /// When no port is free, or the simulated market has no reply.
    pub async fn serve(symbols: usize, trade_date: TradeDate) -> anyhow::Result<Self> {
        let symbols: Vec<_> = (0..symbols).map(symbol).collect();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let base = format!("http://{}", listener.local_addr()?);
        let market = tokio::spawn(SimulatedMarket::new().serve(listener));
        let (from, to) = trade_date.midnights(&TimeZone::get("America/New_York")?)?;
        let client = reqwest::Client::new();
        let reply = async |symbol: String| {
            let url = url(&base, &symbol, from.as_second(), to.as_second());
            let reply = client.get(url).send().await?.error_for_status().context("no reply of the simulated market")?;
            anyhow::Ok((symbol, gzip(&reply.bytes().await?)?))
        };
        let all = symbols.iter().cloned().chain([REFERENCE.to_owned()]);
        let replies: HashMap<String, Bytes> = stream::iter(all).map(reply).buffer_unordered(8).try_collect().await?;
        market.abort();
        let router = Router::new().route("/v8/finance/chart/{symbol}", get(chart)).with_state(Arc::new(replies));
        Ok(Self { url: format!("http://{}", crate::serve(router).await?), symbols })
    }
}

/// The URL of a symbol's bars of five minutes, as `collect` requests them.
pub fn url(base: &str, symbol: &str, from: i64, to: i64) -> String {
    format!("{base}/v8/finance/chart/{symbol}?period1={from}&period2={to}&interval=5m&includePrePost=false")
}

/// A symbol of four letters, of which the simulated market knows all.
fn symbol(number: usize) -> String {
    let letter = |place: u32| char::from(b'A' + (number / 26_usize.pow(place) % 26) as u8);
    format!("Q{}{}{}", letter(2), letter(1), letter(0))
}

fn gzip(body: &[u8]) -> std::io::Result<Bytes> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(body)?;
    Ok(gzip.finish()?.into())
}

async fn chart(State(replies): State<Arc<HashMap<String, Bytes>>>, Path(symbol): Path<String>) -> Response {
    match replies.get(&symbol) {
        Some(reply) => {
            let headers = [("content-type", "application/json"), ("content-encoding", "gzip")];
            (headers, reply.clone()).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
